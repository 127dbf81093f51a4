"""The tables of people, of what was done to them, and of their sessions. A released migration is never edited."""

from appliance.migrations import Migrations, SchemaDatabase

MIGRATIONS = Migrations("people")


@MIGRATIONS(name="0001_people")
def people(db: SchemaDatabase) -> None:
    """
    People and their trail.

    `username_key` makes names unique (usernames.py); a merged duplicate has "~" and its id there, which no name can
    be. `roles` is a JSON list. Forgetting sets `details` of the trail to NULL: who and when stay, names do not.
    """
    db.execute(
        """
        CREATE TABLE person (
            person_id TEXT PRIMARY KEY,
            username TEXT NOT NULL,
            username_key TEXT NOT NULL UNIQUE,
            country TEXT CHECK (length(country) = 2),
            colour TEXT,
            avatar TEXT CHECK (avatar IS NULL OR json_valid(avatar)),
            roles TEXT NOT NULL CHECK (json_valid(roles)),
            password_hash TEXT,
            badge_serial INTEGER NOT NULL DEFAULT 0,
            neutral INTEGER NOT NULL DEFAULT 0 CHECK (neutral IN (0, 1)),
            merged_into TEXT REFERENCES person,
            created_at TEXT NOT NULL
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE people_trail (
            trail_id INTEGER PRIMARY KEY,
            person_id TEXT NOT NULL REFERENCES person,
            at TEXT NOT NULL,
            actor TEXT NOT NULL,
            kind TEXT NOT NULL,
            details TEXT CHECK (details IS NULL OR json_valid(details))
        ) STRICT
        """
    )
    db.execute("CREATE INDEX people_trail_person ON people_trail (person_id)")
    db.execute(
        """
        CREATE TRIGGER people_trail_stays BEFORE DELETE ON people_trail
        BEGIN SELECT RAISE(ABORT, 'the trail is never deleted'); END
        """
    )


@MIGRATIONS(name="0002_sessions")
def sessions(db: SchemaDatabase) -> None:
    """
    Who is signed in. Only the SHA-256 of a token is kept.

    `age_s` and `idle_s` are those of the moment of saving: `saved_ns` of the boot's clock, `saved_wall_ns` UTC.
    """
    db.execute(
        """
        CREATE TABLE person_session (
            token_hash BLOB PRIMARY KEY,
            person_id TEXT NOT NULL REFERENCES person,
            age_s REAL NOT NULL,
            idle_s REAL NOT NULL,
            boot_id TEXT NOT NULL,
            saved_ns INTEGER NOT NULL,
            saved_wall_ns INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX person_session_person ON person_session (person_id)")


@MIGRATIONS(name="0003_crew_badges")
def crew_badges(db: SchemaDatabase) -> None:
    """Whether one of the crew was given a badge. Racers always have theirs, and need no mark for it."""
    db.execute("ALTER TABLE person ADD COLUMN crew_badge INTEGER NOT NULL DEFAULT 0 CHECK (crew_badge IN (0, 1))")
