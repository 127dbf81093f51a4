"""
Where the lock-out of each track stands: its last crossings, stored with them in the same transaction.

A server that starts in the middle of a pass must not count the rest of it as another crossing, however many edges ago
it began: a chattering strip makes hundreds.
"""

import sqlite3
from collections.abc import Callable

import msgspec

from appliance.database import Database
from timing.crossings import Crossing, EdgeSeen, TrackStrips

TrackKey = tuple[str, str]
"""Event id and track id."""

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
    edges = [crossing.edge for crossing in (strips.before, strips.last) if crossing is not None]
    values = (*key, msgspec.json.encode(edges).decode())

    def job(connection: sqlite3.Connection) -> None:
        connection.execute(SAVE, values)

    return job


def _strips(stored: str) -> TrackStrips:
    edges = msgspec.json.decode(stored, type=list[EdgeSeen])
    crossings = [Crossing(edge) for edge in edges]
    return TrackStrips(last=crossings[-1], before=crossings[0] if len(crossings) > 1 else None)
