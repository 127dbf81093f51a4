"""What a handed-in race contributes to the boards, and the fact that it changed. Pure."""

from msgspec import Struct

from appliance.clock import iso_utc
from timing.race import Race
from timing.races import RaceRecord
from timing.standings import RunResult, run_result
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


def results_changed(record: RaceRecord, before: Race, after: Race, version: int) -> ResultsChanged:
    """The fact that follows from one more entry."""
    return ResultsChanged(
        event_id=record.event_id,
        race_id=record.race_id,
        version=version,
        before=run_result(before) if counts_on_boards(before) else None,
        after=run_result(after) if counts_on_boards(after) else None,
        handed_in=before.state is not RaceState.SUBMITTED and after.state is RaceState.SUBMITTED,
    )
