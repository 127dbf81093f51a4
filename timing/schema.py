"""The tables of the racing in trackside.db. A released migration is never edited."""

import sqlite3

from appliance.migrations import Migrations, SchemaDatabase
from timing.driven import keep_driven
from timing.fold import fold
from timing.races import race_in

MIGRATIONS = Migrations("timing")

EVENTS = """
CREATE TABLE event (
    event_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    date TEXT,
    country TEXT,
    sponsor TEXT,
    rules TEXT NOT NULL CHECK (json_valid(rules)),
    board_version INTEGER NOT NULL DEFAULT 1,
    next_track INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL,
    created_by TEXT NOT NULL
) STRICT;
CREATE TABLE track (
    event_id TEXT NOT NULL REFERENCES event ON DELETE CASCADE,
    track_id TEXT NOT NULL CHECK (track_id <> 'combined'),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    footer TEXT NOT NULL,
    fleet_id TEXT,
    lines TEXT CHECK (lines IS NULL OR json_valid(lines)),
    PRIMARY KEY (event_id, track_id)
) STRICT;
"""

RACES = """
CREATE TABLE race (
    race_id TEXT PRIMARY KEY,
    event_id TEXT NOT NULL REFERENCES event,
    track_id TEXT NOT NULL,
    racer_id TEXT NOT NULL,
    state TEXT NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    rules TEXT NOT NULL CHECK (json_valid(rules)),
    by_proxy INTEGER NOT NULL,
    car_id TEXT,
    model_id TEXT,
    run INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    submitted_at TEXT
) STRICT;
CREATE INDEX race_event ON race (event_id, track_id, created_at);
CREATE INDEX race_racer ON race (racer_id, event_id);
CREATE UNIQUE INDEX race_live ON race (event_id, track_id)
    WHERE deleted = 0 AND state IN ('ready', 'running', 'paused', 'over');
CREATE TABLE journal (
    race_id TEXT NOT NULL REFERENCES race,
    seq INTEGER NOT NULL,
    action_id TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    wall_ns INTEGER NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    PRIMARY KEY (race_id, seq),
    UNIQUE (race_id, action_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER journal_append_only_update BEFORE UPDATE ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_append_only_delete BEFORE DELETE ON journal
WHEN NOT EXISTS (SELECT 1 FROM event_removal WHERE event_id = (SELECT event_id FROM race WHERE race_id = OLD.race_id))
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE event_removal (event_id TEXT PRIMARY KEY) STRICT;
CREATE TABLE strip_cursor (
    recorder_id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL
) STRICT;
CREATE TABLE loose_crossing (
    recorder_id TEXT NOT NULL,
    edge_seq INTEGER NOT NULL,
    event_id TEXT,
    track_id TEXT,
    boot_id TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    wall_ns INTEGER NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (recorder_id, edge_seq)
) STRICT, WITHOUT ROWID;
"""

DRIVEN = """
CREATE TABLE driven (
    race_id TEXT NOT NULL REFERENCES race ON DELETE CASCADE,
    car_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    laps INTEGER NOT NULL,
    valid_laps INTEGER NOT NULL,
    best_ms INTEGER,
    last_wall_ns INTEGER NOT NULL,
    PRIMARY KEY (race_id, car_id, model_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX driven_car ON driven (car_id);
"""
"""`model_id` is empty where no model was known: a key holds no null."""


@MIGRATIONS(name="0001_events")
def events(db: SchemaDatabase) -> None:
    """Events, their tracks and rules."""
    _run(db, EVENTS)


@MIGRATIONS(name="0002_races")
def races(db: SchemaDatabase) -> None:
    """
    Races and their journal.

    `race.state`, `deleted`, `racer_id`, `track_id` and `submitted_at` repeat what the journal folds to, so that lists
    can be filtered; they are written in the transaction that appends the entry and can be rebuilt from it.
    """
    _run(db, RACES)


@MIGRATIONS(name="0003_driven")
def driven(db: SchemaDatabase) -> None:
    """
    Laps by race, car and model, for the pages of cars; the laps of races that are there already are counted now.

    Repeats what the journal folds to, as the columns of `race` do.
    """
    _run(db, DRIVEN)
    connection = db.conn
    with_car = "SELECT DISTINCT race_id FROM journal WHERE json_extract(payload, '$.car_id') IS NOT NULL"
    for (race_id,) in connection.execute(with_car).fetchall():
        record, entries = race_in(connection, race_id)
        keep_driven(connection, race_id, fold(entries, record.rules).laps)


def _run(db: SchemaDatabase, script: str) -> None:
    """Statement by statement: executescript() would commit the migration's transaction."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if _is_whole(statement):
            db.execute(statement)
            statement = ""


def _is_whole(statement: str) -> bool:
    """Whether the text is a whole SQL statement, triggers included."""
    return bool(statement.strip()) and sqlite3.complete_statement(statement)
