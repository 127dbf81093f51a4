"""
The server's own tables about strips: where the lock-outs stand, how remote clocks lie, when a recorder saw nothing.

All of it can be lost and is worked out again, but for what a recorder that has gone cannot tell a second time.
"""

from appliance.migrations import Migrations, SchemaDatabase

MIGRATIONS = Migrations("strips")

_TABLES = (
    """
    CREATE TABLE lockout (
        event_id TEXT NOT NULL,
        track_id TEXT NOT NULL,
        crossings TEXT NOT NULL CHECK (json_valid(crossings)),
        PRIMARY KEY (event_id, track_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE recorder_clock (
        recorder_id TEXT NOT NULL,
        recorder_boot_id TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        offset_ns INTEGER NOT NULL,
        error_ns INTEGER NOT NULL,
        updated_wall_ns INTEGER NOT NULL,
        PRIMARY KEY (recorder_id, recorder_boot_id)
    ) STRICT, WITHOUT ROWID
    """,
    """
    CREATE TABLE strip_gap (
        recorder_id TEXT NOT NULL,
        seq INTEGER NOT NULL,
        line INTEGER,
        lost INTEGER NOT NULL,
        reason TEXT NOT NULL,
        from_boot_id TEXT NOT NULL,
        from_ns INTEGER NOT NULL,
        to_boot_id TEXT NOT NULL,
        to_ns INTEGER NOT NULL,
        from_wall_ns INTEGER NOT NULL,
        to_wall_ns INTEGER NOT NULL,
        PRIMARY KEY (recorder_id, seq)
    ) STRICT, WITHOUT ROWID
    """,
)


@MIGRATIONS(name="0001_strips")
def strips(db: SchemaDatabase) -> None:
    """
    `lockout.crossings`: the last crossings of a track as a list of EdgeSeen, newest last. `recorder_clock.offset_ns`:
    recorder's CLOCK_MONOTONIC of its boot minus the server's of `boot_id`. `strip_gap` is on the server's clocks.
    """
    for table in _TABLES:
        db.execute(table)
