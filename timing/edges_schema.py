"""
The tables of edges.db, imported only when a file is behind: sqlite-utils would cost the recorder memory for nothing.

Append only: triggers refuse any change to what was recorded.
"""

from appliance.clock import now_iso
from appliance.ids import new_id
from appliance.migrations import Migrations, SchemaDatabase

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


_BLIND_TABLES = {
    "edge": """
    CREATE TABLE edge (
        seq INTEGER PRIMARY KEY CHECK (seq > 0),
        kind TEXT NOT NULL CHECK (kind IN ('edge', 'gap', 'blind')),
        boot_id TEXT NOT NULL,
        line INTEGER NOT NULL,
        active INTEGER CHECK (active IN (0, 1)),
        at_ns INTEGER NOT NULL,
        wall_ns INTEGER,
        lost INTEGER,
        line_seqno INTEGER,
        stamp TEXT,
        from_boot_id TEXT,
        from_ns INTEGER,
        from_wall_ns INTEGER,
        reason TEXT CHECK (reason IN ('stopped', 'killed', 'power')),
        CHECK (CASE kind
            WHEN 'edge' THEN active IS NOT NULL AND wall_ns IS NOT NULL
            WHEN 'gap' THEN lost > 0
            ELSE wall_ns IS NOT NULL AND from_boot_id IS NOT NULL AND from_ns IS NOT NULL
                AND from_wall_ns IS NOT NULL AND reason IS NOT NULL
        END)
    ) STRICT
    """,
    "anchor": """
    CREATE TABLE anchor (
        anchor_id INTEGER PRIMARY KEY,
        boot_id TEXT NOT NULL,
        mono_ns INTEGER NOT NULL,
        wall_ns INTEGER NOT NULL,
        reason TEXT NOT NULL CHECK (reason IN ('start', 'minute', 'step', 'wake', 'stop')),
        slept_ns INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
}
"""A blind record's `wall_ns` is its end; SQLite can widen a CHECK only by a new table."""


@MIGRATIONS(name="0001_edges")
def _edges(db: SchemaDatabase) -> None:
    for table in _TABLES:
        db.execute(table)
    for name in ("meta", "edge", "anchor"):
        _keep_append_only(db, name)
    db.execute("INSERT INTO meta VALUES (1, ?, ?)", [new_id(), now_iso()])
    db.execute("PRAGMA user_version = 1")


@MIGRATIONS(name="0002_blind")
def _blind(db: SchemaDatabase) -> None:
    for name, table in _BLIND_TABLES.items():
        columns = ", ".join(str(row[1]) for row in db.execute(f"PRAGMA table_info({name})").fetchall())
        db.execute(f"ALTER TABLE {name} RENAME TO {name}_0001")
        db.execute(table)
        db.execute(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name}_0001")  # noqa: S608 (names above)
        db.execute(f"DROP TABLE {name}_0001")
        _keep_append_only(db, name)
    db.execute("PRAGMA user_version = 2")


def _keep_append_only(db: SchemaDatabase, table: str) -> None:
    for change in ("UPDATE", "DELETE"):
        db.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"
        )
