"""
From the timing streams to the races: each edge to the tracks it times, each crossing to the race that takes it.

A crossing that no race takes is kept as well ("who was that?"). How far a stream was used, and where the lock-outs
stand, is stored with each crossing in the same transaction; after a restart or a failed write the streams are read on
from there, and an edge's number makes a second reading harmless. Event loop only.
"""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import msgspec

from appliance import clock
from appliance.database import Database
from appliance.errors import ApplianceError, NotFound
from appliance.facts import Facts
from timing.blind import BlindSpots
from timing.buttons import is_new_press, meaning
from timing.control import RaceControl, WriteJob
from timing.crossing_entry import action_id_of, edge_of, entry_of, replaced_entry
from timing.crossings import Crossing, EdgeKey, EdgeSeen, LineKey, TrackStrips, key_of, step
from timing.events import Events
from timing.facts import CrossingUnassigned, EdgeHeard, StripsChanged
from timing.fold import state_at
from timing.journal import ACTOR_BUTTON, Kind
from timing.live_race import LiveRace
from timing.lockouts import TrackKey, load_lockouts, save_lockout, with_crossings
from timing.loose import loose_job
from timing.positions import Positions, Stride
from timing.race_edges import is_cut_off
from timing.recorder_link import RecorderLink
from timing.recorders import Recorders, Remotes
from timing.signal import BlindSpot, StripGap
from timing.signal_store import SignalStore
from timing.strip_health import RecorderState, StripHealth
from timing.strip_report import StripReport
from timing.structs import Track

log = logging.getLogger(__name__)

SAVE_AFTER_S = 5.0
"""Edges that made no crossing are passed so much later: one write for all of them."""
MOST_TRIES = 5
"""Then a crossing that no race can store is kept without one, and at last let be: it must not stop those behind it."""
RETRY_S = 0.5
"""Pause before the streams are read again after a crossing could not be stored (disk full)."""


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
        self._report = StripReport(events, self._recorders, self._signal, self)
        self._positions = Positions(db)
        self._writing: dict[asyncio.Future[None], EdgeSeen | None] = {}
        """Edges whose effect is on its way to the disk."""
        self._tracks: dict[TrackKey, TrackStrips] = {}
        self._presses: dict[LineKey, tuple[EdgeSeen | None, EdgeSeen | None]] = {}
        """By button: the edge that began its last press, and its last edge."""
        self._saving: asyncio.TimerHandle | None = None
        self._numbers = count()
        self._failed: dict[int, EdgeSeen] = {}
        """Since the streams were read anew: the first of them is why the others failed."""
        self._refused: Counter[EdgeKey] = Counter()
        """How often the database would not take what an edge did though the disk was well."""
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
        if self._saving is not None:
            self._saving.cancel()
        await self._recorders.stop()
        self._save()
        if self._writing:
            await asyncio.wait(list(self._writing))
        await self._signal.settle()

    # ---- what people see

    @property
    def problem(self) -> str | None:
        """What is wrong with the recorders, in words; None when all is well."""
        return self._report.problem

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
        return self._report.of_track(event_id, track_id)

    def silent_lines(self) -> list[str]:
        """Lines that a track's crossings have passed by, as "strip 2 of Track 1"."""
        return self._report.silent_lines()

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
        return self._positions.durable(recorder_id)

    def edge(self, link: RecorderLink, edge: EdgeSeen, *, live: bool) -> None:
        """An edge, once and in order. After a write that failed all wait, so that none passes the crossing in it."""
        if self._recorders.twin_of(link) is not None:
            return
        if self._retry is None:
            self._positions.saw(edge.recorder_id, edge.seq)
            if link.is_button(edge.line):
                self._pressed(edge)
            else:
                self._saw(link, edge)
            self._save_soon()
        if live:
            self._facts.publish(EdgeHeard(edge=edge))
        self._facts.publish(StripsChanged())

    def gap(self, link: RecorderLink, gap: StripGap) -> None:
        """Edges are missing."""
        if self._retry is None:
            self._positions.saw(gap.recorder_id, gap.seq)
            self._save_soon()
        if self._signal.add(gap):
            log.warning("strip_gap recorder=%s reason=%s line=%s lost=%d", link.name, gap.reason, gap.line, gap.lost)
            self._facts.publish(StripsChanged())

    def link_changed(self, link: RecorderLink) -> None:
        """It came, it went, or it has a problem."""
        self._facts.publish(StripsChanged())

    # ---- edges to crossings

    def _saw(self, link: RecorderLink, edge: EdgeSeen) -> None:
        made: list[tuple[TrackKey, Crossing]] = []
        for key, lockout_ms in self._timed_by(edge):
            self._tracks[key], crossing = step(self._tracks.get(key, TrackStrips()), edge, lockout_ms * 1_000_000)
            if crossing is not None:
                made.append((key, crossing))
        refused = self._refused[key_of(edge)]
        if not made or refused >= 2 * MOST_TRIES:
            return
        taken = [
            refused < MOST_TRIES and self._offer(link, key, crossing, is_only=len(made) == 1) for key, crossing in made
        ]
        if taken == [True]:
            return
        stride = self._positions.stride()
        jobs = [stride.job, *(save_lockout(key, self._tracks[key]) for key, _ in made)]
        written = self._db.write(_all(jobs)) if any(taken) else self._keep_loose(*made[0], jobs)
        self._follow_write(asyncio.ensure_future(written), edge, stride, lambda: link.crossed(edge.line))

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

    def _offer(self, link: RecorderLink, key: TrackKey, crossing: Crossing, *, is_only: bool) -> bool:
        """Whether the live race of the track takes the crossing, or has it; not `is_only`: another track may, too."""
        edge, race = crossing.edge, self._control.open_race(*key)
        if race is None or not belongs(race, edge):
            return False
        if race.has(action_id_of(edge.recorder_id, edge.seq)):
            return True
        entry = entry_of(
            race.record.race_id, len(race.entries), edge, target_seq=replaced_entry(race.entries, crossing)
        )
        stride = self._positions.stride(up_to=None if is_only else edge)
        try:
            written = self._control.append(race, entry, _all([stride.job, save_lockout(key, self._tracks[key])]))
        except ApplianceError:
            return False
        self._follow_write(written, edge, stride, lambda: link.crossed(edge.line))
        if edge.boot_id != clock.boot_id():
            self._control.pause_if_cut_off(race)
        return True

    async def _keep_loose(self, key: TrackKey, crossing: Crossing, jobs: list[WriteJob]) -> None:
        edge = crossing.edge
        await self._db.write(_all([loose_job(edge, *key, replaces=crossing.replaces), *jobs]))
        self._facts.publish(CrossingUnassigned(event_id=key[0], track_id=key[1], line=edge.line, at_ns=edge.at_ns))

    def _pressed(self, edge: EdgeSeen) -> None:
        button = (edge.recorder_id, edge.line)
        press, before = self._presses.get(button, (None, None))
        is_new = is_new_press(press, edge, before)
        self._presses[button] = (edge if is_new else press, edge)
        for key, _ in self._timed_by(edge) if is_new else ():
            race = self._control.open_race(*key)
            if race is None or not belongs(race, edge) or race.has(action_id_of(edge.recorder_id, edge.seq)):
                continue
            entry = entry_of(race.record.race_id, len(race.entries), edge, actor=ACTOR_BUTTON, kind=Kind.LAP)
            kind = meaning(state_at(race.entries, race.record.rules, entry))
            if kind is None:
                continue
            stride = self._positions.stride(up_to=edge)
            try:
                written = self._control.append(race, msgspec.structs.replace(entry, kind=kind), stride.job)
            except ApplianceError as error:
                log.warning("button_refused race_id=%s kind=%s error=%s", race.record.race_id, kind, error)
                continue
            self._follow_write(written, edge, stride)

    # ---- what is durable

    def seen(self, event_id: str, track_id: str) -> TrackStrips | None:
        """What the strips of a track did since the server started; None as long as that is nothing."""
        return self._tracks.get((event_id, track_id))

    def handled(self, link: RecorderLink) -> int:
        """The number up to which every edge has had its effect, durably."""
        writing = {edge.recorder_id for edge in self._writing.values() if edge is not None}
        is_waiting = self._retry is not None or link.recorder_id in writing
        return self._positions.durable(link.recorder_id or "") if is_waiting else link.last_seq

    def _follow_write(
        self,
        written: "asyncio.Future[None]",
        edge: EdgeSeen,
        stride: Stride,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        self._positions.took(stride)
        self._writing[written] = edge
        number = next(self._numbers)
        written.add_done_callback(lambda done: self._wrote(done, edge, number, stride, then))

    def _wrote(
        self, written: "asyncio.Future[None]", edge: EdgeSeen, number: int, stride: Stride, then: Callable[[], None]
    ) -> None:
        del self._writing[written]
        if written.cancelled():
            return
        error = written.exception()
        if error is None:
            self._positions.stored(stride)
            then()
            self._facts.publish(StripsChanged())
            return
        log.error("crossing_not_stored seq=%d error=%s", edge.seq, error)
        if self._db.trouble is None:
            self._failed[number] = edge
        if self._retry is None and not self._stopped:
            self._retry = asyncio.ensure_future(self._read_again())

    def _save_soon(self) -> None:
        """What had no effect need not have one after a restart either, when tracks have other lines by then."""
        if self._saving is None and self._positions.is_due and not self._stopped:
            self._saving = asyncio.get_running_loop().call_later(SAVE_AFTER_S, self._save)

    def _save(self) -> None:
        self._saving = None
        if self._retry is None and self._positions.is_due:
            saved = asyncio.ensure_future(self._save_positions(self._positions.stride()))
            self._writing[saved] = None
            saved.add_done_callback(self._writing.pop)

    async def _save_positions(self, stride: Stride) -> None:
        try:
            await self._db.write(stride.job)
            self._positions.took(stride)
            self._positions.stored(stride)
        except ApplianceError as error:
            log.warning("positions_not_stored error=%s", error)
            self._save_soon()

    async def _read_again(self) -> None:
        """The recorders have every edge: read on from the last ones that had their effect, as often as it takes."""
        while self._retry is not None:
            await asyncio.sleep(RETRY_S)
            try:
                await self._recorders.read_again(self._settle)
                self._retry = None
            except Exception:
                log.exception("not_read_again")

    async def _settle(self) -> None:
        """No edge comes meanwhile: what is on its way decides where to go on."""
        while self._writing:
            await asyncio.wait(list(self._writing))
            await asyncio.sleep(0)
        if self._failed:
            self._refused[key_of(self._failed[min(self._failed)])] += 1
            self._failed.clear()
        await self._load_positions()

    async def _load_positions(self) -> None:
        self._signal.store()
        await self._positions.load()
        self._tracks = await load_lockouts(self._db)
        self._presses.clear()
        for race in self._control.open_races():
            key = (race.record.event_id, race.race.track_id)
            self._tracks[key] = with_crossings(self._tracks.get(key, TrackStrips()), race.entries)
            for entry in race.entries:
                if entry.actor == ACTOR_BUTTON and (press := edge_of(entry)) is not None:
                    self._presses[press.recorder_id, press.line] = (press, None)


def belongs(race: LiveRace, edge: EdgeSeen) -> bool:
    """
    Whether an edge can be of this race at all: stamped in one of its boots or the present one, and not between a
    power cut and the moment the box had paused the race for it. Nor is one whose moment was only guessed.
    """
    boots = {clock.boot_id(), *(entry.boot_id for entry in race.entries)}
    return edge.boot_id in boots and not edge.is_guess and not is_cut_off(race.entries, edge)


def _all(jobs: list[WriteJob]) -> WriteJob:
    def job(connection: sqlite3.Connection) -> None:
        for one in jobs:
            one(connection)

    return job
