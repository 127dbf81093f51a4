"""
From the timing streams to the races: each edge to the tracks it times, each crossing to the race that takes it.

A crossing that no race takes is kept as well ("who was that?"). How far a stream was used, and where the lock-outs
stand, is stored with each crossing in the same transaction; after a restart or a failed write the streams are read on
from there, and an edge's number makes a second reading harmless. Event loop only.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance import clock
from appliance.database import Database
from appliance.errors import ApplianceError, Conflict, NotFound
from appliance.facts import Facts
from timing.blind import BlindSpots
from timing.buttons import is_new_press, meaning
from timing.control import RaceControl, WriteJob
from timing.crossing_entry import action_id_of, entry_of
from timing.crossings import Crossing, EdgeSeen, TrackStrips, step
from timing.events import Events
from timing.facts import CrossingUnassigned, EdgeHeard, StripsChanged
from timing.journal import ACTOR_BUTTON
from timing.live_race import LiveRace
from timing.lockouts import TrackKey, load_lockouts, save_lockout
from timing.loose import loose_job
from timing.recorder_link import RecorderLink
from timing.recorders import Recorders, RecorderState, Remotes
from timing.signal import BlindSpot, StripGap
from timing.signal_store import SignalStore
from timing.stream import StripsKind
from timing.strip_health import StripHealth, line_health
from timing.structs import Track

log = logging.getLogger(__name__)

RETRY_S = 0.5
"""Pause before the streams are read again after a crossing could not be stored (disk full)."""

PROBLEMS = {
    "disk_full": "The disk is full. Crossings are still recorded, on the reserve: make room soon.",
    "not_recording": "The disk takes nothing more. Crossings wait in memory only: make room now.",
    "strips_away": "The timer kit does not answer: check its power and the network. Take laps by hand meanwhile.",
}


class StripIntake:
    """Listens to all recorders. `load()`, then `start()`; `stop()` before race control stops."""

    def __init__(self, db: Database, facts: Facts, events: Events, control: RaceControl, socket_path: Path) -> None:
        """`socket_path`: where the box's own recorder listens."""
        self._db = db
        self._facts = facts
        self._events = events
        self._control = control
        self._recorders = Recorders(db, facts, socket_path, self)
        self._signal = SignalStore(db)
        self._blind = BlindSpots(self._signal, events, control, self._recorders, self.times)
        self._cursors: dict[str, int] = {}
        """By recorder: edges up to here had their effect, durably."""
        self._writing: dict[asyncio.Future[None], EdgeSeen] = {}
        """Edges whose effect is on its way to the disk."""
        self._tracks: dict[TrackKey, TrackStrips] = {}
        self._presses: dict[tuple[str, int], EdgeSeen] = {}
        self._retry: asyncio.Task[None] | None = None
        self._stopped = False

    async def load(self) -> None:
        """Where reading stopped last time; once, before the streams start."""
        await self._load_positions()
        await self._signal.load()
        await self._recorders.load()

    def follow(self, remotes: Remotes) -> None:
        """Listen to the recorders of other machines too."""
        self._recorders.follow(remotes)

    def start(self) -> None:
        """Connect, and stay connected."""
        self._recorders.start()

    async def stop(self) -> None:
        """Stop listening."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
        await self._recorders.stop()
        await self._signal.settle()

    # ---- what people see

    @property
    def problem(self) -> str | None:
        """What is wrong with the recorders, in words; None when all is well."""
        return _joined([_problem(link) for link in self._recorders.links()])

    def recorders(self) -> list[RecorderState]:
        """Every recorder as it stands now, the box's own first."""
        return self._recorders.states()

    async def recorded(self, recorder_id: str, after: int, enough: Callable[[EdgeSeen], bool]) -> list[EdgeSeen]:
        """Edges read again from a recorder; raises NotReady. See Recorders.recorded."""
        return await self._recorders.recorded(recorder_id, after, enough)

    def times(self, track: Track, recorder_id: str, line: int) -> bool:
        """Whether this line of this recorder is a strip that times the track."""
        return not self._is_button(recorder_id, line) and self._is_of_track(track, recorder_id, line)

    def _is_button(self, recorder_id: str, line: int) -> bool:
        link = self._recorders.link(recorder_id)
        return link is not None and link.is_button(line)

    def _is_of_track(self, track: Track, recorder_id: str, line: int) -> bool:
        is_own = recorder_id == self._recorders.own.recorder_id
        if track.lines is None:
            return is_own
        return any(
            known.line == line and (known.recorder_id == recorder_id or (known.recorder_id is None and is_own))
            for known in track.lines
        )

    def health(self, event_id: str, track_id: str) -> StripHealth:
        """The recorders and lines of a track. Raises NotFound."""
        track = self._events.track(event_id, track_id)
        strips = self._tracks.get((event_id, track_id), TrackStrips())
        links = self._links_of(track)
        main = links[0]
        return StripHealth(
            connected=all(link.connected for link in links),
            simulated=main.recorder is not None and main.recorder.strips == StripsKind.SIMULATED,
            caught_up=all(link.caught_up for link in links),
            recorder_id=main.recorder_id,
            problem=_joined([_problem(link) for link in links]),
            last_seq=self._handled(main),
            lost_edges=sum(gap.lost for gap in self._signal.all() if self._is_of(gap, track, links)),
            lines=[
                health
                for link in links
                for health in line_health(strips, self._names(track, link), link.recorder_id or "", clock.mono_ns())
            ],
        )

    def silent_lines(self) -> list[str]:
        """Lines that a track's crossings have passed by, as "strip 2 of Track 1"."""
        return [
            f"{line.name} of {track.name}"
            for event in self._events.list()
            for track in event.tracks
            if (event.event_id, track.track_id) in self._tracks
            for line in self.health(event.event_id, track.track_id).lines
            if line.silent
        ]

    def blind_spots(self, event_id: str, track_id: str) -> list[BlindSpot]:
        """What the strips could not see while the live race of a track ran."""
        return self._blind.of_live(event_id, track_id)

    async def blind_spots_of(self, race_id: str) -> list[BlindSpot]:
        """The same of any race. Raises NotFound."""
        return await self._blind.of(race_id)

    def missed(self, recorder_id: str, since_wall_ns: int) -> list[BlindSpot]:
        """What this recorder could not see since a moment, whether a race ran or not."""
        return self._blind.of_recorder(recorder_id, since_wall_ns)

    async def hit(self, line: int, *, hold_ms: int = 40, bounces: int = 0, recorder_id: str | None = None) -> None:
        """Press a simulated strip. Raises NotReady, Conflict (the strips are real), InvalidInput (no such line)."""
        link = self._recorders.own if recorder_id is None else self._recorders.link(recorder_id)
        if link is None:
            raise NotFound("There is no such recorder.", "Reload the page.")
        await link.hit(line, hold_ms=hold_ms, bounces=bounces)

    # ---- what the recorders say (LinkOwner)

    def cursor(self, recorder_id: str) -> int:
        """Edges after this number are still wanted."""
        return self._cursors.get(recorder_id, 0)

    def edge(self, link: RecorderLink, edge: EdgeSeen, *, live: bool) -> None:
        """An edge, once and in order."""
        if link.is_button(edge.line):
            self._pressed(edge)
        else:
            self._saw(link, edge)
        if live:
            self._facts.publish(EdgeHeard(edge=edge))
        self._facts.publish(StripsChanged())

    def gap(self, link: RecorderLink, gap: StripGap) -> None:
        """Edges are missing."""
        if self._signal.add(gap):
            log.warning("strip_gap recorder=%s reason=%s line=%s lost=%d", link.name, gap.reason, gap.line, gap.lost)
            self._facts.publish(StripsChanged())

    def link_changed(self, link: RecorderLink) -> None:
        """It came, it went, or it has a problem."""
        self._facts.publish(StripsChanged())

    # ---- edges to crossings

    def _saw(self, link: RecorderLink, edge: EdgeSeen) -> None:
        for key, lockout_ms in self._timed_by(edge):
            strips, crossing = step(self._tracks.get(key, TrackStrips()), edge, lockout_ms * 1_000_000)
            self._tracks[key] = strips
            if crossing is not None:
                self._crossed(link, key, crossing, strips)

    def _timed_by(self, edge: EdgeSeen) -> Iterator[tuple[TrackKey, int]]:
        """The tracks this edge's line times, with their lock-outs: those with a live race, and the current event's."""
        keys: dict[TrackKey, int] = {}
        current = self._events.current()
        if current is not None:
            keys = {(current.event_id, track.track_id): current.rules.lockout_ms for track in current.tracks}
        for race in self._control.open_races():
            keys[(race.record.event_id, race.race.track_id)] = race.accepted.lockout_ms
        for key, lockout_ms in keys.items():
            try:
                track = self._events.track(*key)
            except NotFound:  # One race whose track is gone must not cost the other tracks their crossings.
                log.error("race_without_track event_id=%s track_id=%s", *key)
                continue
            if self._is_of_track(track, edge.recorder_id, edge.line):
                yield key, lockout_ms

    def _crossed(self, link: RecorderLink, key: TrackKey, crossing: Crossing, strips: TrackStrips) -> None:
        edge, race = crossing.edge, self._control.open_race(*key)
        jobs = [_save_cursor(edge), save_lockout(key, strips)]
        try:
            if race is None or not belongs(race, edge):
                raise Conflict("No race takes it.", "Give it to a race, or let it be.")
            if race.has(action_id_of(edge.recorder_id, edge.seq)):
                return
            target_seq = _replaced_entry(race, crossing)
            entry = entry_of(race.record.race_id, len(race.entries), edge, target_seq=target_seq)
            written = self._control.append(race, entry, _all(jobs))
            if edge.boot_id != clock.boot_id():
                self._control.pause_if_cut_off(race)
        except ApplianceError:
            written = asyncio.ensure_future(self._keep_loose(key, crossing, jobs))
        self._follow_write(written, edge, lambda: link.crossed(edge.line))

    async def _keep_loose(self, key: TrackKey, crossing: Crossing, jobs: list[WriteJob]) -> None:
        edge = crossing.edge
        await self._db.write(_all([loose_job(edge, *key, replaces=crossing.replaces), *jobs]))
        self._facts.publish(CrossingUnassigned(event_id=key[0], track_id=key[1], line=edge.line, at_ns=edge.at_ns))

    def _pressed(self, edge: EdgeSeen) -> None:
        button = (edge.recorder_id, edge.line)
        if not is_new_press(self._presses.get(button), edge):
            return
        self._presses[button] = edge
        for key, _ in self._timed_by(edge):
            race = self._control.open_race(*key)
            kind = None if race is None else meaning(race.accepted.state)
            if race is None or kind is None or not belongs(race, edge):
                continue
            if race.has(action_id_of(edge.recorder_id, edge.seq)):
                continue
            entry = entry_of(race.record.race_id, len(race.entries), edge, actor=ACTOR_BUTTON, kind=kind)
            try:
                written = self._control.append(race, entry, _save_cursor(edge))
            except ApplianceError as error:
                log.warning("button_refused race_id=%s kind=%s error=%s", race.record.race_id, kind, error)
                continue
            self._follow_write(written, edge)

    # ---- what is durable

    def _handled(self, link: RecorderLink) -> int:
        """The number up to which every edge has had its effect, durably."""
        writing = [edge.seq for edge in self._writing.values() if edge.recorder_id == link.recorder_id]
        return min(writing) - 1 if writing else link.last_seq

    def _follow_write(
        self, written: "asyncio.Future[None]", edge: EdgeSeen, then: Callable[[], None] = lambda: None
    ) -> None:
        self._writing[written] = edge
        written.add_done_callback(lambda done: self._wrote(done, edge, then))

    def _wrote(self, written: "asyncio.Future[None]", edge: EdgeSeen, then: Callable[[], None]) -> None:
        del self._writing[written]
        if written.cancelled():
            return
        error = written.exception()
        if error is None:
            self._cursors[edge.recorder_id] = max(edge.seq, self._cursors.get(edge.recorder_id, 0))
            then()
            self._facts.publish(StripsChanged())
            return
        log.error("crossing_not_stored seq=%d error=%s", edge.seq, error)
        if self._retry is None and not self._stopped:
            self._retry = asyncio.ensure_future(self._read_again())

    async def _read_again(self) -> None:
        """The recorders have every edge: read on from the last ones that had their effect."""
        await asyncio.sleep(RETRY_S)
        await self._recorders.read_again(self._settle)
        self._retry = None

    async def _settle(self) -> None:
        """No edge comes meanwhile: what is on its way decides where to go on."""
        while self._writing:
            await asyncio.wait(list(self._writing))
            await asyncio.sleep(0)
        await self._load_positions()

    async def _load_positions(self) -> None:
        rows = await self._db.fetch_all("SELECT recorder_id, seq FROM strip_cursor")
        self._cursors = {row["recorder_id"]: row["seq"] for row in rows}
        self._tracks = await load_lockouts(self._db)
        self._presses.clear()

    # ---- inside

    def _links_of(self, track: Track) -> list[RecorderLink]:
        """The recorders that time a track; the box's own when nothing else is known."""
        links = self._recorders.links()
        if track.lines is None:
            return links[:1]
        wanted = {known.recorder_id for known in track.lines}
        own_is_wanted = None in wanted
        found = [link for link in links if link.recorder_id in wanted or (link.is_own and own_is_wanted)]
        return found or links[:1]

    def _names(self, track: Track, link: RecorderLink) -> dict[int, str]:
        strips = [strip for strip in link.strips if self.times(track, link.recorder_id or "", strip.line)]
        return {strip.line: strip.name if link.is_own else f"{strip.name} ({link.name})" for strip in strips}

    def _is_of(self, gap: StripGap, track: Track, links: list[RecorderLink]) -> bool:
        """Whether a gap of this boot is of a line of the track."""
        if gap.line is None or gap.to_boot_id != clock.boot_id():
            return False
        return any(link.recorder_id == gap.recorder_id for link in links) and self.times(
            track, gap.recorder_id, gap.line
        )


def belongs(race: LiveRace, edge: EdgeSeen) -> bool:
    """
    Whether an edge can be of this race at all: stamped in one of its boots or the present one, and not between a
    power cut and the moment the box had paused the race for it.
    """
    boots = {entry.boot_id for entry in race.entries}
    if edge.boot_id not in boots and edge.boot_id != clock.boot_id():
        return False
    return not any(
        entry.boot_id == edge.boot_id and entry.payload.reason == "power_cut" and edge.at_ns < entry.at_ns
        for entry in race.entries
    )


def _replaced_entry(race: LiveRace, crossing: Crossing) -> int | None:
    if crossing.replaces is None:
        return None
    replaced = action_id_of(crossing.edge.recorder_id, crossing.replaces)
    return next((entry.seq for entry in race.entries if entry.action_id == replaced), None)


def _problem(link: RecorderLink) -> str | None:
    problem = link.problem
    words = PROBLEMS.get(problem, problem) if problem else None
    return words if link.is_own or words is None else f"{link.name}: {words}"


def _joined(problems: list[str | None]) -> str | None:
    return " ".join(problem for problem in problems if problem) or None


def _all(jobs: list[WriteJob]) -> WriteJob:
    def job(connection: sqlite3.Connection) -> None:
        for one in jobs:
            one(connection)

    return job


def _save_cursor(edge: EdgeSeen) -> WriteJob:
    def job(connection: sqlite3.Connection) -> None:
        connection.execute(
            "INSERT INTO strip_cursor (recorder_id, seq) VALUES (?, ?)"
            " ON CONFLICT (recorder_id) DO UPDATE SET seq = max(seq, excluded.seq)",
            (edge.recorder_id, edge.seq),
        )

    return job
