"""What became of the crossings that no race took. A released migration is never edited."""

from appliance.migrations import Migrations, SchemaDatabase

MIGRATIONS = Migrations("timing.loose")

_COLUMNS = (
    "recorder_boot_id TEXT",
    "edge_ns INTEGER",
    "dismissed_at TEXT",
    "dismissed_by TEXT",
    "given_at TEXT",
    "given_by TEXT",
    "given_race_id TEXT",
)


@MIGRATIONS(name="0001_loose_crossings")
def loose_crossings(db: SchemaDatabase) -> None:
    """
    The raw stamp (`edge_ns` on the clock of `recorder_boot_id`; NULL in a row of before: the same as `at_ns`), and who
    dismissed it or gave it to which race. The table itself is of timing/schema.py.
    """
    for column in _COLUMNS:
        db.execute(f"ALTER TABLE loose_crossing ADD COLUMN {column}")
    db.execute("CREATE INDEX loose_crossing_track ON loose_crossing (event_id, track_id, wall_ns)")
