"""
The tables of edges.db, imported only when a file is behind: sqlite-utils would cost the recorder memory for nothing.

Append only: triggers refuse any change to what was recorded.
"""

from sqlite_utils.db import Database
from sqlite_utils.migrations import Migrations

from appliance.clock import now_iso
from appliance.ids import new_id

MIGRATIONS = Migrations("edges")

_TABLES = (
    """
    CREATE TABLE meta (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        recorder_id TEXT NOT NULL,
        created_at TEXT NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE edge (
        seq INTEGER PRIMARY KEY CHECK (seq > 0),
        kind TEXT NOT NULL CHECK (kind IN ('edge', 'gap')),
        boot_id TEXT NOT NULL,
        line INTEGER NOT NULL,
        active INTEGER CHECK (active IN (0, 1)),
        at_ns INTEGER NOT NULL,
        wall_ns INTEGER,
        lost INTEGER,
        line_seqno INTEGER,
        CHECK (CASE kind WHEN 'edge' THEN active IS NOT NULL AND wall_ns IS NOT NULL ELSE lost > 0 END)
    ) STRICT
    """,
    """
    CREATE TABLE anchor (
        anchor_id INTEGER PRIMARY KEY,
        boot_id TEXT NOT NULL,
        mono_ns INTEGER NOT NULL,
        wall_ns INTEGER NOT NULL,
        reason TEXT NOT NULL CHECK (reason IN ('start', 'minute', 'step'))
    ) STRICT
    """,
)


@MIGRATIONS(name="0001_edges")
def _edges(db: Database) -> None:
    for table in _TABLES:
        db.execute(table)
    for name in ("meta", "edge", "anchor"):
        for change in ("UPDATE", "DELETE"):
            db.execute(
                f"CREATE TRIGGER {name}_no_{change.lower()} BEFORE {change} ON {name} "
                f"BEGIN SELECT RAISE(ABORT, '{name} is append only'); END"
            )
    db.execute("INSERT INTO meta VALUES (1, ?, ?)", [new_id(), now_iso()])
    db.execute("PRAGMA user_version = 1")
