"""
The table of recorders on other machines, its rows in SQL, and nothing of their meaning (that is timing/remotes.py's).

No secret is kept here: the host key is the other machine's public one, and passwords are never stored.
"""

import sqlite3
from dataclasses import astuple, dataclass

from appliance.migrations import Migrations, SchemaDatabase

MIGRATIONS = Migrations("timing.remotes")


@MIGRATIONS(name="0001_remote_recorders")
def remote_recorders(db: SchemaDatabase) -> None:
    """One row per recorder that is reached over SSH."""
    db.execute(
        """
        CREATE TABLE remote_recorders (
            remote_id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            host TEXT NOT NULL,
            port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
            username TEXT NOT NULL,
            remote_socket TEXT NOT NULL,
            host_key TEXT,
            added_at TEXT NOT NULL,
            changed_at TEXT NOT NULL,
            actor TEXT NOT NULL
        ) STRICT
        """
    )


@dataclass(frozen=True, slots=True)
class RemoteRow:
    """
    One row, fields in the order of the table's columns.

    `host_key`: the key that the machine must show, as "ssh-ed25519 AAAA…"; None until it was paired or trusted.
    """

    remote_id: str
    name: str
    host: str
    port: int
    username: str
    remote_socket: str
    host_key: str | None
    added_at: str
    changed_at: str
    actor: str


LOAD = "SELECT * FROM remote_recorders ORDER BY remote_id"


def row_of(record: sqlite3.Row) -> RemoteRow:
    """A stored row as the struct."""
    return RemoteRow(**dict(record))


def save(connection: sqlite3.Connection, row: RemoteRow) -> None:
    """Insert or replace a row; a job for `Database.write`."""
    connection.execute(
        "INSERT OR REPLACE INTO remote_recorders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        astuple(row),
    )


def delete(connection: sqlite3.Connection, remote_id: str) -> None:
    """Take a row out; a job for `Database.write`. What it recorded stays, under its recorder's id."""
    connection.execute("DELETE FROM remote_recorders WHERE remote_id = ?", (remote_id,))
