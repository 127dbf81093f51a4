"""
Where the lock-out of each track stands: its last crossings, stored with them in the same transaction.

A server that starts in the middle of a pass must not count the rest of it as another crossing, however many edges ago
it began: a chattering strip makes hundreds.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from appliance.database import Database
from timing.crossing_entry import edge_of
from timing.crossings import KEPT_PASSES, Crossing, EdgeSeen, TrackStrips, key_of
from timing.journal import Entry
from timing.taken_back import crossings_by_edge, replacements

TrackKey = tuple[str, str]
"""Event id and track id."""

STORED = 4
"""Crossings; those of a live race are in its journal besides."""

SAVE = (
    "INSERT INTO lockout (event_id, track_id, crossings) VALUES (?, ?, ?)"
    " ON CONFLICT (event_id, track_id) DO UPDATE SET crossings = excluded.crossings"
)


async def load_lockouts(db: Database) -> dict[TrackKey, TrackStrips]:
    """Each track's strips as the last durable crossing left them, but for the counts of hits."""
    rows = await db.fetch_all("SELECT event_id, track_id, crossings FROM lockout")
    return {(row["event_id"], row["track_id"]): _strips(row["crossings"]) for row in rows}


def save_lockout(key: TrackKey, strips: TrackStrips) -> Callable[[sqlite3.Connection], None]:
    """The job that stores how a track's strips stand now."""
    edges = [*strips.past, *([] if strips.last is None else [strips.last.edge])][-STORED:]
    values = (*key, msgspec.json.encode(edges).decode())

    def job(connection: sqlite3.Connection) -> None:
        connection.execute(SAVE, values)

    return job


def with_crossings(strips: TrackStrips, entries: Sequence[Entry]) -> TrackStrips:
    """A track's strips with what its live race knows of them, so that late edges are judged by that too."""
    stand_ins = replacements(entries)
    of_race = [
        edge
        for entry in crossings_by_edge(entries).values()
        if entry.seq not in stand_ins and entry.payload.lockout_ms is None and (edge := edge_of(entry)) is not None
    ]
    known = {key_of(edge) for edge in strips.past} | ({key_of(strips.last.edge)} if strips.last else set())
    past = (*(edge for edge in of_race if key_of(edge) not in known), *strips.past)
    return replace(strips, past=past[-KEPT_PASSES:])


def _strips(stored: str) -> TrackStrips:
    edges = msgspec.json.decode(stored, type=list[EdgeSeen])
    return TrackStrips(last=Crossing(edges[-1]), past=tuple(edges[:-1]))
