"""
Re-scoring a race from its recorded edges, and how clean each of its crossings was.

Reads the edges again from the recorders that hold them; timing/rescore.py and timing/signal_quality.py judge them.
Refuses to change a race that went on since somebody looked at the difference. Event loop only.
"""

import asyncio
import heapq
from collections.abc import Callable, Sequence
from typing import Protocol

from appliance import clock
from appliance.database import Database
from appliance.errors import Conflict, NotFound
from appliance.facts import Facts
from appliance.ids import new_id
from timing.averages import averages
from timing.control import RaceControl
from timing.crossing_views import CrossingAt, CrossingQuality, RescoreView
from timing.crossings import EdgeKey, EdgeSeen
from timing.dry_run import best_ms
from timing.events import Events
from timing.facts import CrossingGone
from timing.fold import Race
from timing.journal import Entry, Kind
from timing.loose_store import given_job
from timing.race import accept, laps_view
from timing.race_edges import lines_of
from timing.rescore import Asked, Difference, rescore
from timing.signal_quality import crossing_qualities
from timing.structs import AverageView, RaceView, Track
from timing.taken_back import crossings_by_edge

LEAD_IN_EDGES = 1_000
"""Read before a race's first crossing: that one may fall into the lock-out of a pass before it, and that one again."""
AFTER_END_NS = 60_000_000_000
"""Read after the submit: the longest lock-out, so that the bounces of the last crossing are there too."""


class EdgeSource(Protocol):
    """Who reads recorded edges again (timing/intake.py)."""

    async def recorded(self, recorder_id: str, after: int, enough: Callable[[EdgeSeen], bool]) -> list[EdgeSeen]:
        """Edges after number `after`, in order, to the first that is `enough` or to the present. Raises NotReady."""
        ...

    def times(self, track: Track, recorder_id: str, line: int) -> bool:
        """Whether this line times the track."""
        ...


class Rescoring:
    """Looks and changes; keeps nothing."""

    def __init__(self, db: Database, facts: Facts, events: Events, control: RaceControl, source: EdgeSource) -> None:
        self._db = db
        self._facts = facts
        self._events = events
        self._control = control
        self._source = source

    async def preview(self, race_id: str, lockout_ms: int) -> RescoreView:
        """
        What another lock-out makes of a race; changes nothing.

        Raises:
            NotFound: no such race.
            IllegalAction: it runs, has not started, or is discarded or deleted.
            InvalidInput: more changes than anybody can judge.
            Conflict: a recorder of its track is not known to this box.
            NotReady: a recorder that timed it is not connected.
        """
        view, entries = await self._race(race_id)
        return rescore_view(await self._difference(view, entries, lockout_ms, "preview"), len(entries), lockout_ms)

    async def apply(self, race_id: str, lockout_ms: int, actor: str, expected_version: int) -> RaceView:
        """
        Make a race what another lock-out says: all of it, durable in one piece. The same once more changes nothing.

        Raises:
            As preview().
            Conflict: the race went on since `expected_version` was looked at.
        """
        view, entries = await self._race(race_id)
        if is_scored(entries, lockout_ms, expected_version):
            return view
        if len(entries) != expected_version:
            raise _went_on()
        difference = await self._difference(view, entries, lockout_ms, actor)
        if difference.entries:
            race = await self._control.opened(race_id)
            await self._control.append_many(race, difference.entries, given_job(difference.added, race_id, actor))
            self._facts.publish(CrossingGone(event_id=view.event_id, track_id=view.track_id))
        return await self._control.view(race_id)

    async def quality(self, race_id: str) -> list[CrossingQuality]:
        """
        How clean the signal of each crossing was, in the order of time.

        Raises:
            NotFound: no such race.
            Conflict: a recorder of its track is not known to this box.
            NotReady: a recorder that timed it is not connected.
        """
        view, entries = await self._race(race_id)
        edges = await self._edges(view, entries)
        return await asyncio.to_thread(crossing_qualities, entries, view.rules, edges)

    # ---- inside

    async def _race(self, race_id: str) -> tuple[RaceView, list[Entry]]:
        view = await self._control.view(race_id)
        return view, await self._control.journal(race_id)

    async def _difference(self, view: RaceView, entries: list[Entry], lockout_ms: int, actor: str) -> Difference:
        asked = Asked(
            race_id=view.race_id,
            lockout_ms=lockout_ms,
            action_id=new_id(),
            actor=actor,
            at_ns=clock.mono_ns(),
            boot_id=clock.boot_id(),
            wall_ns=clock.wall_ns(),
            elsewhere=await self._elsewhere(view),
        )
        accept(entries, view.rules, asked.first())  # Refused before anything is read.
        edges = await self._edges(view, entries)
        # Thousands of edges judged three times over take tens of ms: not on the event loop, a lap may be waiting.
        return await asyncio.to_thread(rescore, entries, view.rules, edges, asked)

    async def _elsewhere(self, view: RaceView) -> set[EdgeKey]:
        """Crossings of the event that somebody dismissed, or gave to another race."""
        rows = await self._db.fetch_all(
            "SELECT recorder_id, edge_seq FROM loose_crossing WHERE event_id = ?"
            " AND (dismissed_at IS NOT NULL OR given_race_id <> ?)",
            (view.event_id, view.race_id),
        )
        return {(row["recorder_id"], row["edge_seq"]) for row in rows}

    async def _edges(self, view: RaceView, entries: Sequence[Entry]) -> list[EdgeSeen]:
        """All recorded edges of the lines that time the race, from well before it to its submit or the present."""
        track = self._track(view, entries)
        lines = lines_of(entries)
        for line in (None if track is None else track.lines) or ():
            if line.recorder_id is not None:
                lines.setdefault(line.recorder_id, set())
        read = []
        for recorder_id in sorted(lines):
            after = await self._read_from(entries, recorder_id)
            edges = await self._source.recorded(recorder_id, after, _past(entries))
            timed = lines[recorder_id] | {
                line
                for line in {edge.line for edge in edges}
                if track is not None and self._source.times(track, recorder_id, line)
            }
            read.append([edge for edge in edges if edge.line in timed])
        if len(read) == 1:
            return read[0]
        return await asyncio.to_thread(lambda: list(heapq.merge(*read, key=_moment_in(entries))))

    def _track(self, view: RaceView, entries: Sequence[Entry]) -> Track | None:
        """Where it was driven: the track may have been corrected since, or taken away."""
        try:
            return self._events.track(view.event_id, entries[0].payload.track_id or view.track_id)
        except NotFound:
            return None

    async def _read_from(self, entries: Sequence[Entry], recorder_id: str) -> int:
        known = [edge_seq for of, edge_seq in crossings_by_edge(entries) if of == recorder_id]
        if not known:
            known = [await self._last_before(entries[0], recorder_id)]
        return max(0, min(known) - LEAD_IN_EDGES)

    async def _last_before(self, ready: Entry, recorder_id: str) -> int:
        """The last edge of a recorder that a race used before this one; 0 when it timed none."""
        row = await self._db.fetch_one(
            "SELECT max(json_extract(payload, '$.edge_seq')) AS seq FROM journal WHERE kind = ? AND wall_ns < ?"
            " AND json_extract(payload, '$.recorder_id') = ?",
            (Kind.CROSSING, ready.wall_ns, recorder_id),
        )
        return 0 if row is None or row["seq"] is None else int(row["seq"])


def _moment_in(entries: Sequence[Entry]) -> Callable[[EdgeSeen], tuple[int, int]]:
    """Where an edge lies among those of other recorders: on the race's clock, other boots by the time of day."""
    boots = {entry.boot_id: number for number, entry in enumerate(entries, start=1)}
    ready_wall_ns = entries[0].wall_ns

    def moment(edge: EdgeSeen) -> tuple[int, int]:
        number = boots.get(edge.boot_id)
        if number is not None:
            return number, edge.at_ns
        return (0 if edge.wall_ns < ready_wall_ns else len(entries) + 1), edge.wall_ns

    return moment


def _past(entries: Sequence[Entry]) -> Callable[[EdgeSeen], bool]:
    """Whether an edge is past all that can be of the race: past its submit, or of a boot after it."""
    submit = next((entry for entry in reversed(entries) if entry.kind is Kind.SUBMIT), None)
    boots = {entry.boot_id for entry in entries}
    last: dict[str, int] = {}
    for recorder_id, edge_seq in crossings_by_edge(entries):
        last[recorder_id] = max(edge_seq, last.get(recorder_id, 0))

    def is_past(edge: EdgeSeen) -> bool:
        if submit is None:
            return False
        if edge.boot_id == submit.boot_id:
            return edge.at_ns > submit.at_ns + AFTER_END_NS
        return edge.boot_id not in boots and edge.seq > last.get(edge.recorder_id, edge.seq)

    return is_past


def is_scored(entries: Sequence[Entry], lockout_ms: int, version: int) -> bool:
    """Whether this very change was made already: the answer to a first try was lost on the way."""
    if not 0 <= version < len(entries):
        return False
    entry = entries[version]
    return entry.kind is Kind.RESCORE and entry.payload.lockout_ms == lockout_ms


def rescore_view(difference: Difference, version: int, lockout_ms: int) -> RescoreView:
    """The difference as people see it."""
    before, after = difference.before, difference.after
    return RescoreView(
        race_id=before.race_id,
        version=version,
        lockout_ms_before=before.lockout_ms,
        lockout_ms=lockout_ms,
        changes=bool(difference.dropped or difference.added),
        dropped=[_crossing_at(entry) for entry in difference.dropped],
        added=[_crossing_at(entry) for entry in difference.added],
        state_before=before.state,
        state_after=after.state,
        laps_before=laps_view(before),
        laps_after=laps_view(after),
        best_ms_before=best_ms(before),
        best_ms_after=best_ms(after),
        best_average_before=_best_average(before),
        best_average_after=_best_average(after),
    )


def _crossing_at(entry: Entry) -> CrossingAt:
    return CrossingAt(
        recorder_id=entry.payload.recorder_id or "",
        edge_seq=entry.payload.edge_seq or 0,
        line=entry.payload.line or 0,
        at=clock.iso_utc(entry.wall_ns),
    )


def _best_average(race: Race) -> AverageView | None:
    found = averages(race.laps, race.rules.average_window)
    return found[0] if found else None


def _went_on() -> Conflict:
    return Conflict("The race went on since you looked at the difference.", "Look at it again, then apply it.")
