"""
The tables of the cars and of their history, their rows in SQL, and nothing of their meaning (that is cars/cars.py's).

No secret is kept here: the host key is the car's public one, and no password of a car is ever stored.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from appliance.migrations import Migrations, SchemaDatabase
from cars.car_history import CarHistoryLine, CarNote
from cars.car_structs import Car, Platform

MIGRATIONS = Migrations("cars.cars")


@MIGRATIONS(name="0001_cars")
def cars(db: SchemaDatabase) -> None:
    """One row per chassis serial, released or not; its history is append-only."""
    for statement in (
        """
        CREATE TABLE cars (
            car_id TEXT PRIMARY KEY,
            serial TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            platform TEXT NOT NULL,
            username TEXT NOT NULL,
            host_key TEXT NOT NULL,
            address TEXT NOT NULL,
            port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
            fleet_id TEXT,
            light TEXT,
            core_version TEXT,
            os_version TEXT,
            enrolled_at TEXT NOT NULL,
            released_at TEXT,
            last_seen_at TEXT
        ) STRICT
        """,
        """
        CREATE TABLE car_history (
            entry INTEGER PRIMARY KEY AUTOINCREMENT,
            car_id TEXT NOT NULL,
            serial TEXT NOT NULL,
            at TEXT NOT NULL,
            actor TEXT NOT NULL,
            kind TEXT NOT NULL,
            details TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX car_history_by_serial ON car_history (serial, entry)",
        "CREATE TRIGGER car_history_append_only_update BEFORE UPDATE ON car_history"
        " BEGIN SELECT RAISE(ABORT, 'the history of a car is append-only'); END",
        "CREATE TRIGGER car_history_append_only_delete BEFORE DELETE ON car_history"
        " BEGIN SELECT RAISE(ABORT, 'the history of a car is append-only'); END",
    ):
        db.execute(statement)


COLUMNS = (
    "car_id", "serial", "name", "platform", "username", "host_key", "address", "port", "fleet_id", "light",
    "core_version", "os_version", "enrolled_at", "released_at", "last_seen_at",
)  # fmt: skip
LOAD = f"SELECT {', '.join(COLUMNS)} FROM cars ORDER BY car_id"  # noqa: S608  our own names
HISTORY = """
    SELECT entry, car_id, serial, at, actor, kind, details FROM car_history
    WHERE serial = ? AND entry < ? ORDER BY entry DESC LIMIT ?
"""


def car_of(record: sqlite3.Row) -> Car:
    """A stored row as the struct; after a start nothing is known to be online."""
    fields = dict(record)
    return Car(**{**fields, "platform": Platform(fields["platform"]), "is_online": False})


def save(connection: sqlite3.Connection, car: Car) -> None:
    """Insert or replace a row; a job for `Database.write`."""
    names, places = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
    values = msgspec.structs.asdict(car)
    connection.execute(
        f"INSERT OR REPLACE INTO cars ({names}) VALUES ({places})",  # noqa: S608  our own names
        [str(values[name]) if name == "platform" else values[name] for name in COLUMNS],
    )


def write_down(connection: sqlite3.Connection, lines: Sequence[CarHistoryLine]) -> None:
    """Append to the history, each entry under a number of its own; a job for `Database.write`."""
    connection.executemany(
        "INSERT INTO car_history (car_id, serial, at, actor, kind, details) VALUES (?, ?, ?, ?, ?, ?)",
        [(line.car_id, line.serial, line.at, line.actor, line.kind.value, line.details) for line in lines],
    )


def line_of(record: sqlite3.Row) -> CarHistoryLine:
    """A stored entry as the struct."""
    fields = dict(record)
    return CarHistoryLine(**{**fields, "kind": CarNote(fields["kind"])})
