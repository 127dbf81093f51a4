"""
The queue's table, its rows in SQL, and nothing of their meaning (that is timing/queue.py's).

A row is never deleted: an entry taken out of the line keeps its row in state `removed`.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from appliance.migrations import Migrations, SchemaDatabase
from timing.queue_structs import QueueState

MIGRATIONS = Migrations("timing.queue")

PAST_ROWS = 500
"""Finished entries kept in memory, newest first: a day's worth of "put back in line"."""


@MIGRATIONS(name="0001_queue_entries")
def queue_entries(db: SchemaDatabase) -> None:
    """One row per time a racer was put in line."""
    db.execute(
        """
        CREATE TABLE queue_entries (
            queue_id TEXT PRIMARY KEY,
            event_id TEXT NOT NULL,
            track_id TEXT NOT NULL,
            racer_id TEXT NOT NULL,
            state TEXT NOT NULL
                CHECK (state IN ('waiting', 'called', 'skipped', 'racing', 'done', 'no_show', 'removed')),
            sort_key INTEGER NOT NULL,
            added_at TEXT NOT NULL,
            called_at TEXT,
            race_id TEXT,
            changed_at TEXT NOT NULL,
            actor TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute("CREATE INDEX queue_entries_state ON queue_entries (state, changed_at)")


@MIGRATIONS(name="0002_prepared_car_and_model")
def prepared_car_and_model(db: SchemaDatabase) -> None:
    """What a race made from the entry gets; ids of the cars' room, which mean nothing here."""
    for column in ("car_id", "model_id"):
        db.execute(f"ALTER TABLE queue_entries ADD COLUMN {column} TEXT")


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One row, fields in the order of the table's columns. `sort_key` orders the line of one track, from 1."""

    queue_id: str
    event_id: str
    track_id: str
    racer_id: str
    state: QueueState
    sort_key: int
    added_at: str
    called_at: str | None
    race_id: str | None
    changed_at: str
    actor: str
    car_id: str | None = None
    model_id: str | None = None


LOAD = """
    SELECT * FROM queue_entries WHERE state IN ('waiting', 'called', 'skipped', 'racing')
    UNION ALL
    SELECT * FROM (
        SELECT * FROM queue_entries WHERE state IN ('done', 'no_show') ORDER BY changed_at DESC LIMIT ?
    )
"""


def row_of(record: sqlite3.Row) -> QueueRow:
    """A stored row as the struct."""
    fields = dict(record)
    return QueueRow(**{**fields, "state": QueueState(fields["state"])})


def save(connection: sqlite3.Connection, rows: Iterable[QueueRow]) -> None:
    """Insert or replace these rows; a job for `Database.write`."""
    connection.executemany(
        "INSERT OR REPLACE INTO queue_entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [astuple(row) for row in rows],
    )
