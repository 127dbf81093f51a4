"""What giving a crossing to a race would change, without changing it. Pure."""

from collections.abc import Sequence

from timing.crossing_entry import entry_of
from timing.crossing_views import Candidate
from timing.crossings import EdgeSeen
from timing.fold import Race, fold
from timing.journal import Entry, Kind
from timing.race import IllegalAction, accept, laps_view
from timing.structs import LapView, RaceView


def candidate(view: RaceView, entries: Sequence[Entry], edge: EdgeSeen) -> Candidate:
    """The race as it is and as it would be with the crossing, or why it cannot take it."""
    before = fold(entries, view.rules)
    after, refusal = before, None
    try:
        entry = entry_of(view.race_id, len(entries), edge, kind=Kind.ADD_CROSSING)
        after = fold([*entries, accept(entries, view.rules, entry)], view.rules)
    except IllegalAction as error:
        refusal = error.message
    return Candidate(
        race_id=view.race_id,
        username=view.username,
        run=view.run,
        state=before.state,
        refusal=refusal,
        laps_before=laps_view(before),
        laps_after=laps_view(after),
        best_ms_before=best_ms(before),
        best_ms_after=best_ms(after),
        state_after=after.state,
    )


def best_ms(race: Race) -> int | None:
    """The best valid lap."""
    return _best(laps_view(race))


def _best(laps: Sequence[LapView]) -> int | None:
    return min((lap.lap_ms for lap in laps if lap.valid), default=None)
