"""
From the timing stream to the races: each edge to the tracks it times, each crossing to the race that takes it.

A crossing that no race takes is kept as well ("who was that?"). How far the stream was used is stored with each
crossing, in the same transaction; after a restart or a failed write the stream is read again from there, and the
edge's number makes a second reading harmless. Event loop only.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from appliance import clock
from appliance.database import Database
from appliance.errors import ApplianceError, Conflict, NotReady
from appliance.facts import Facts
from timing.control import RaceControl
from timing.crossings import Crossing, CrossingState, EdgeSeen, step
from timing.events import Events
from timing.facts import CrossingUnassigned, StripsChanged
from timing.journal import ACTOR_STRIP, Entry, Kind, Payload
from timing.live_race import LiveRace
from timing.race import IllegalAction
from timing.stream import CaughtUp, Clock, Edge, Gap, Level, RecorderHello, RecorderMessage
from timing.stream_client import StreamClient
from timing.strip_health import LineTally, StripHealth
from timing.structs import Track

log = logging.getLogger("trackside.intake")

WARM_UP_EDGES = 200
"""Edges read again before the stored cursor, so that a lock-out that was running is running again."""

PROBLEMS = {
    "disk_full": "The disk is full. Laps are still recorded, on the reserve: make room soon.",
    "not_recording": "The disk takes nothing more. Edges wait in memory only: make room now.",
}

TrackKey = tuple[str, str]


class LooseCrossing(Struct, frozen=True, kw_only=True):
    """A crossing that no race took. `at` is UTC."""

    recorder_id: str
    edge_seq: int
    event_id: str | None
    track_id: str | None
    line: int
    at: str


@dataclass(slots=True)
class _Recorder:
    """What is known of the recorder on the other end."""

    recorder_id: str | None = None
    simulated: bool = False
    last_seq: int = 0
    caught_up: bool = False
    lost_edges: int = 0
    problem: str | None = None
    cursor: int = 0
    """Edges up to here had their effect, durably."""
    lines: LineTally = field(default_factory=LineTally)


class StripIntake:
    """Listens to the box's own recorder. `load()`, then `start()`; `stop()` before race control stops."""

    def __init__(self, db: Database, facts: Facts, events: Events, control: RaceControl, client: StreamClient) -> None:
        self._db = db
        self._facts = facts
        self._events = events
        self._control = control
        self._client = client
        self._recorder = _Recorder()
        self._tracks: dict[TrackKey, CrossingState] = {}
        self._writes: set[asyncio.Future[None]] = set()
        self._loose: list[LooseCrossing] = []
        client.on_message = self.take
        client.on_link = self._link_changed

    async def load(self) -> None:
        """Where reading stopped last time; once, before the stream starts."""
        row = await self._db.fetch_one("SELECT recorder_id, seq FROM strip_cursor ORDER BY rowid DESC LIMIT 1")
        if row is not None:
            self._recorder.recorder_id, self._recorder.cursor = row["recorder_id"], row["seq"]
