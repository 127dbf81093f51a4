"""
From the timing stream to the races: each edge to the tracks it times, each crossing to the race that takes it.

A crossing that no race takes is kept as well ("who was that?"). How far the stream was used is stored with each
crossing, in the same transaction; after a restart or a failed write the stream is read again from a little before
there, and the edge's number makes a second reading harmless. Event loop only.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from appliance import clock
from appliance.database import Database
from appliance.errors import ApplianceError, Conflict, NotFound
from appliance.facts import Facts
from timing.control import RaceControl, WriteJob
from timing.crossings import Crossing, EdgeSeen, TrackStrips, step
from timing.events import Events
from timing.facts import CrossingUnassigned, StripsChanged
from timing.journal import ACTOR_STRIP, Entry, Kind, Payload
from timing.live_race import LiveRace
from timing.stream import Edge, Gap, Level, RecorderHello, StripsKind
from timing.stream_client import StreamClient, StreamMessage
from timing.strip_health import StripHealth, line_health
from timing.structs import Track

log = logging.getLogger(__name__)

WARM_UP_EDGES = 200
"""Edges read again before the stored cursor, so that a lock-out that was running is running again."""
RETRY_S = 0.5
"""Pause before the stream is read again after a crossing could not be stored (disk full)."""
LOOSE_SHOWN = 20

PROBLEMS = {
    "disk_full": "The disk is full. Crossings are still recorded, on the reserve: make room soon.",
    "not_recording": "The disk takes nothing more. Crossings wait in memory only: make room now.",
}

TrackKey = tuple[str, str]


class LooseCrossing(Struct, frozen=True, kw_only=True):
    """A crossing that no race took. `at` is UTC."""

    recorder_id: str
    edge_seq: int
    event_id: str
    track_id: str
    line: int
    at: str


class StripIntake:
    """Listens to the box's own recorder. `load()`, then `start()`; `stop()` before race control stops."""

    def __init__(self, db: Database, facts: Facts, events: Events, control: RaceControl, socket_path: Path) -> None:
        self._db = db
        self._facts = facts
        self._events = events
        self._control = control
        self._socket_path = socket_path
        self._client = self._new_client()
        self._cursors: dict[str, int] = {}
        """By recorder: edges up to here had their effect, durably."""
        self._tracks: dict[TrackKey, TrackStrips] = {}
        self._lost_edges = 0
        self._retry: asyncio.Task[None] | None = None
        self._stopped = False

    async def load(self) -> None:
        """Where reading stopped last time; once, before the stream starts."""
        for row in await self._db.fetch_all("SELECT recorder_id, seq FROM strip_cursor"):
            self._cursors[row["recorder_id"]] = row["seq"]

    def start(self) -> None:
        """Connect, and stay connected."""
        self._client.start()

    async def stop(self) -> None:
        """Stop listening."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
        await self._client.close()

    # ---- what people see

    @property
    def problem(self) -> str | None:
        """What is wrong with the recorder, in words; None when all is well."""
        if not self._client.connected:
            return self._client.last_error or "The recorder is not connected."
        return PROBLEMS.get(self._client.problem or "", self._client.problem)

    def health(self, event_id: str, track_id: str) -> StripHealth:
        """The recorder and this track's lines. Raises NotFound."""
        track = self._events.track(event_id, track_id)
        recorder = self._client.recorder
        names = {} if recorder is None else {line.line: line.name for line in recorder.lines}
        strips = self._tracks.get((event_id, track_id), TrackStrips())
        recorder_id = recorder.recorder_id if recorder else ""
        of_track = {line: name for line, name in names.items() if _times(track, recorder_id, line)}
        return StripHealth(
            connected=self._client.connected,
            simulated=recorder is not None and recorder.strips == StripsKind.SIMULATED,
            caught_up=self._client.connected,
            recorder_id=recorder_id or None,
            problem=self.problem,
            last_seq=self._client.last_seq or 0,
            lost_edges=self._lost_edges,
            lines=line_health(strips, of_track, recorder_id, clock.mono_ns()),
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

    async def loose(self, event_id: str, track_id: str) -> list[LooseCrossing]:
        """The newest crossings of a track that no race took."""
        rows = await self._db.fetch_all(
            "SELECT * FROM loose_crossing WHERE event_id = ? AND track_id = ? ORDER BY wall_ns DESC LIMIT ?",
            (event_id, track_id, LOOSE_SHOWN),
        )
        return [
            LooseCrossing(
                recorder_id=row["recorder_id"],
                edge_seq=row["edge_seq"],
                event_id=row["event_id"],
                track_id=row["track_id"],
                line=row["line"],
                at=clock.iso_utc(row["wall_ns"]),
            )
            for row in rows
        ]

    async def hit(self, line: int, *, hold_ms: int = 40, bounces: int = 0) -> None:
        """Press a simulated strip. Raises NotReady, Conflict (the strips are real), InvalidInput (no such line)."""
        await self._client.hit(line, hold_ms=hold_ms, bounces=bounces)

    # ---- the stream

    def _new_client(self) -> StreamClient:
        return StreamClient(self._socket_path, self._take, self._cursor_of, self._link_changed)

    def _cursor_of(self, recorder: RecorderHello) -> int:
        return max(0, self._cursors.get(recorder.recorder_id, 0) - WARM_UP_EDGES)

    def _link_changed(self, _: bool) -> None:
        self._facts.publish(StripsChanged())

    def _take(self, message: StreamMessage) -> None:
        recorder = self._client.recorder
        if recorder is None:
            return
        if isinstance(message, Edge):
            self._saw(_seen(message, recorder.recorder_id))
            self._facts.publish(StripsChanged())
        elif isinstance(message, Gap):
            self._lost_edges += message.lost
            log.warning("edges_lost line=%d lost=%d seq=%d", message.line, message.lost, message.seq)
            self._facts.publish(StripsChanged())

    def _saw(self, edge: EdgeSeen) -> None:
        is_new = edge.seq > self._cursors.get(edge.recorder_id, 0)
        for key, lockout_ms in self._timed_by(edge):
            strips, crossing = step(self._tracks.get(key, TrackStrips()), edge, lockout_ms * 1_000_000)
            self._tracks[key] = strips
            if crossing is not None and is_new:
                self._crossed(key, crossing)

    def _timed_by(self, edge: EdgeSeen) -> Iterator[tuple[TrackKey, int]]:
        """The tracks this edge's line times, with their lock-outs: those with a live race, and the current event's."""
        keys: dict[TrackKey, int] = {}
        current = self._events.current()
        if current is not None:
            keys = {(current.event_id, track.track_id): current.rules.lockout_ms for track in current.tracks}
        for race in self._control.open_races():
            keys[(race.record.event_id, race.race.track_id)] = race.record.rules.lockout_ms
        for key, lockout_ms in keys.items():
            try:
                track = self._events.track(*key)
            except NotFound:  # One race whose track is gone must not cost the other tracks their crossings.
                log.error("race_without_track event_id=%s track_id=%s", *key)
                continue
            if _times(track, edge.recorder_id, edge.line):
                yield key, lockout_ms

    def _crossed(self, key: TrackKey, crossing: Crossing) -> None:
        race = self._control.open_race(*key)
        try:
            if race is None or not belongs(race, crossing.edge):
                raise Conflict("No race takes it.", "Give it to a race, or let it be.")
            if race.has(_action_id(crossing.edge)):
                return
            written = self._control.append(race, _entry(race, crossing), self._advance(crossing.edge))
            if crossing.edge.boot_id != clock.boot_id():
                self._control.pause_if_cut_off(race)
        except ApplianceError:
            written = asyncio.ensure_future(self._keep_loose(key, crossing.edge))
        written.add_done_callback(lambda done: self._wrote(done, crossing.edge))

    def _advance(self, edge: EdgeSeen) -> WriteJob:
        return lambda connection: _store_cursor(connection, edge)

    async def _keep_loose(self, key: TrackKey, edge: EdgeSeen) -> None:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR IGNORE INTO loose_crossing (recorder_id, edge_seq, event_id, track_id, boot_id, at_ns,"
                " wall_ns, line) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (edge.recorder_id, edge.seq, *key, edge.boot_id, edge.at_ns, edge.wall_ns, edge.line),
            )
            _store_cursor(connection, edge)

        await self._db.write(job)
        self._facts.publish(CrossingUnassigned(event_id=key[0], track_id=key[1], line=edge.line, at_ns=edge.at_ns))

    def _wrote(self, written: "asyncio.Future[None]", edge: EdgeSeen) -> None:
        if written.cancelled():
            return
        error = written.exception()
        if error is None:
            self._cursors[edge.recorder_id] = max(edge.seq, self._cursors.get(edge.recorder_id, 0))
            return
        log.error("crossing_not_stored seq=%d error=%s", edge.seq, error)
        if self._retry is None and not self._stopped:
            self._retry = asyncio.ensure_future(self._read_again())

    async def _read_again(self) -> None:
        """The recorder has every edge: read on from the last one that had its effect."""
        await asyncio.sleep(RETRY_S)
        await self._client.close()
        self._tracks.clear()
        self._retry = None
        self._client = self._new_client()
        self._client.start()


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


def _times(track: Track, recorder_id: str, line: int) -> bool:
    """Whether this line of the box's own recorder times the track."""
    if track.lines is None:
        return True
    return any(known.line == line and known.recorder_id in (None, recorder_id) for known in track.lines)


def _seen(edge: Edge, recorder_id: str) -> EdgeSeen:
    return EdgeSeen(
        recorder_id=recorder_id,
        boot_id=edge.boot_id,
        seq=edge.seq,
        line=edge.line,
        active=edge.edge is Level.ACTIVE,
        at_ns=edge.at_ns,
        wall_ns=edge.wall_ns,
    )


def _action_id(edge: EdgeSeen) -> str:
    return f"{edge.recorder_id}:{edge.seq}"


def _entry(race: LiveRace, crossing: Crossing) -> Entry:
    edge = crossing.edge
    replaced = f"{edge.recorder_id}:{crossing.replaces}"
    target = next((entry.seq for entry in race.entries if entry.action_id == replaced), None)
    return Entry(
        race_id=race.record.race_id,
        seq=len(race.entries),
        action_id=_action_id(edge),
        at_ns=edge.at_ns,
        boot_id=edge.boot_id,
        wall_ns=edge.wall_ns,
        actor=ACTOR_STRIP,
        kind=Kind.CROSSING,
        payload=Payload(
            target_seq=target if crossing.replaces is not None else None,
            recorder_id=edge.recorder_id,
            recorder_boot_id=edge.boot_id,
            edge_seq=edge.seq,
            edge_ns=edge.at_ns,
            line=edge.line,
        ),
    )


def _store_cursor(connection: sqlite3.Connection, edge: EdgeSeen) -> None:
    connection.execute(
        "INSERT INTO strip_cursor (recorder_id, seq) VALUES (?, ?)"
        " ON CONFLICT (recorder_id) DO UPDATE SET seq = max(seq, excluded.seq)",
        (edge.recorder_id, edge.seq),
    )
