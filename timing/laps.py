"""
One lap of one race, and how it leaves the room. Pure.

Owns the shape of a lap and the rounding: laps are held in ns and shown, ranked and averaged in whole ms, rounded down.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from appliance.clock import iso_utc
from timing.structs import LapView

NS_PER_MS = 1_000_000

Source = Literal["strip", "hand"]


@dataclass(frozen=True, slots=True)
class Lap:
    """
    A captured lap after the edits that people made to it.

    `seq` is the journal entry that made it, `number` counts from 1 in the order of the captures. `edited`:
    something differs from what was captured. `wall_ns` is when the lap was completed.
    """

    seq: int
    number: int
    lap_ns: int
    lap_ms: int
    resets: int
    valid: bool
    source: Source
    dnf: bool
    car_id: str | None
    model_id: str | None
    deleted: bool
    edited: bool
    wall_ns: int


def whole_ms(time_ns: int) -> int:
    """Whole milliseconds, rounded down: the one rounding of every time that people see and that is ranked."""
    return time_ns // NS_PER_MS


def lap_views(laps: Sequence[Lap], suspect_below_ms: int, *, with_deleted: bool = False) -> list[LapView]:
    """The laps as the API shows them, in order; `suspect_below_ms` only highlights."""
    return [_view(lap, suspect_below_ms) for lap in laps if with_deleted or not lap.deleted]


def _view(lap: Lap, suspect_below_ms: int) -> LapView:
    return LapView(
        lap=lap.number,
        lap_ms=lap.lap_ms,
        resets=lap.resets,
        valid=lap.valid,
        source=lap.source,
        car_id=lap.car_id,
        model_id=lap.model_id,
        seq=lap.seq,
        dnf=lap.dnf,
        suspect=lap.lap_ms < suspect_below_ms and not lap.dnf,
        deleted=lap.deleted,
        edited=lap.edited,
        set_at=iso_utc(lap.wall_ns),
    )
