"""Fetched logs and a car's recordings as people are shown them."""

from collections.abc import Mapping

from appliance.clock import iso_utc
from cars.folder_names import folder_of_bag
from cars.log_open import OpenLog
from cars.log_rules import file_name
from cars.log_schema import LogRow
from cars.log_structs import CarRecordings, LogView, Recording
from cars.log_wire import LogsRead

NS_PER_S = 1_000_000_000


def view_of(row: LogRow, one: OpenLog | None, car_name: str) -> LogView:
    """A row, with what happens to it at this moment."""
    return LogView(
        log_id=row.log_id,
        car_id=row.car_id,
        car_name=car_name,
        race_id=row.race_id,
        racer_id=row.racer_id,
        model_id=row.model_id,
        state=row.state if one is None else one.state,
        file_name=file_name(car_name, row.from_at),
        names=list(row.names),
        size_bytes=row.size_bytes if one is None else one.size_bytes,
        got_bytes=row.size_bytes if one is None else one.got_bytes,
        reason=row.reason if one is None else one.reason,
        remedy=row.remedy if one is None else one.remedy,
        actor=row.actor,
        asked_at=row.asked_at,
        ended_at=row.ended_at,
    )


def recordings(car_id: str, read: LogsRead, known: Mapping[str, str], read_at: str) -> CarRecordings:
    """
    What a car has recorded, the newest first, on the box's clock.

    Args:
        known: Names of recordings that the box has or fetches, with the ids of these logs.
    """
    ordered = sorted(read.logs, key=lambda one: (one.changed_at_s, one.name), reverse=True)
    listed = [
        Recording(
            name=one.name,
            folder=folder_of_bag(one.name),
            size_bytes=one.size_bytes,
            began_at=None if one.began_at_s is None else _moment(one.began_at_s - read.clock_off_s),
            changed_at=_moment(one.changed_at_s - read.clock_off_s),
            log_id=known.get(one.name),
        )
        for one in ordered
    ]
    return CarRecordings(car_id=car_id, recordings=listed, clock_off_s=read.clock_off_s, read_at=read_at)


def _moment(at_s: int) -> str:
    return iso_utc(min(max(0, at_s), (1 << 33)) * NS_PER_S)
