"""What a handed-in race contributes to the boards, and the fact that it changed. Pure."""

from msgspec import Struct

from appliance.clock import iso_utc
from timing.averages import averages
from timing.race import Race
from timing.races import RaceRecord
from timing.standings import RunResult
from timing.structs import RaceState


class ResultsChanged(Struct, frozen=True, kw_only=True):
    """
    A race came into, changed in, or left the results of an event; `version` is the event's new board version.

    `before` and `after` are what it contributes, None when it does not count. `handed_in`: it was submitted just now.
    """

    event_id: str
    race_id: str
    version: int
    before: RunResult | None
    after: RunResult | None
    handed_in: bool


def counts_on_boards(race: Race) -> bool:
    """Only handed-in races that were not deleted are results."""
    return race.state is RaceState.SUBMITTED and not race.deleted


def submitted_at(race: Race) -> str | None:
    """UTC of the hand-in."""
    return None if race.submitted_wall_ns is None else iso_utc(race.submitted_wall_ns)


def run_result(record: RaceRecord, race: Race) -> RunResult | None:
    """What the race contributes, None when it does not count."""
    if not counts_on_boards(race):
        return None
    laps = tuple(lap for lap in race.laps if not lap.deleted)
    return RunResult(
        race_id=record.race_id,
        racer_id=race.racer_id,
        track_id=race.track_id,
        by_proxy=race.by_proxy,
        submitted_wall_ns=race.submitted_wall_ns or 0,
        laps=laps,
        averages=tuple(averages(race.laps, record.rules.average_window)),
    )


def results_changed(record: RaceRecord, before: Race, after: Race, version: int) -> ResultsChanged:
    """The fact that follows from one more entry."""
    return ResultsChanged(
        event_id=record.event_id,
        race_id=record.race_id,
        version=version,
        before=run_result(record, before),
        after=run_result(record, after),
        handed_in=before.state is not RaceState.SUBMITTED and after.state is RaceState.SUBMITTED,
    )
