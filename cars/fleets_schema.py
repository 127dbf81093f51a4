"""The table of fleets and its rows in SQL; what a fleet means is cars/fleets.py's."""

import sqlite3

from appliance.migrations import Migrations, SchemaDatabase
from cars.fleet_structs import Fleet

MIGRATIONS = Migrations("cars.fleets")


@MIGRATIONS(name="0001_fleets")
def fleets(db: SchemaDatabase) -> None:
    """One row per fleet; which cars are in it stands with the cars."""
    db.execute(
        """
        CREATE TABLE fleets (
            fleet_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            made_at TEXT NOT NULL
        ) STRICT
        """
    )


LOAD = "SELECT fleet_id, name, made_at FROM fleets ORDER BY fleet_id"


def fleet_of(record: sqlite3.Row) -> Fleet:
    """A stored row as the struct."""
    return Fleet(**dict(record))


def save(connection: sqlite3.Connection, fleet: Fleet) -> None:
    """Insert or replace a row; a job for `Database.write`."""
    connection.execute(
        "INSERT OR REPLACE INTO fleets (fleet_id, name, made_at) VALUES (?, ?, ?)",
        (fleet.fleet_id, fleet.name, fleet.made_at),
    )


def delete(connection: sqlite3.Connection, fleet_id: str) -> None:
    """A job for `Database.write`."""
    connection.execute("DELETE FROM fleets WHERE fleet_id = ?", (fleet_id,))
