"""
Copies a live database into a file that is whole or not there: temporary file, fsync, check, rename.

SQLite's backup API reads one consistent state while the writer goes on.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from appliance.errors import NotReady

PAGES_PER_STEP = -1
"""All in one step, in one read transaction that no writer waits for; in small steps each write would start it anew."""


def copy_database(source: sqlite3.Connection, target: Path) -> Path:
    """
    Copy the database behind `source` to `target`, replacing it only by a checked copy.

    Raises:
        NotReady: no space, no permission; nothing is left behind.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _fill(source, partial)
        os.replace(partial, target)
        sync_directory(target.parent)
    except (OSError, sqlite3.Error) as error:
        raise NotReady(
            f"Could not write {target}: {error}.", "Free some disk space or choose another place, then try again."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def sync_directory(directory: Path) -> None:
    """Make a rename or a new file's name in `directory` durable."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def integrity_faults(connection: sqlite3.Connection) -> list[str]:
    """Everything SQLite's full check finds wrong, at most 20 lines; empty when the file is sound."""
    rows = connection.execute("PRAGMA integrity_check(20)").fetchall()
    return [] if [row[0] for row in rows] == ["ok"] else [str(row[0]) for row in rows]


def _fill(source: sqlite3.Connection, partial: Path) -> None:
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(partial, isolation_level=None)) as copy:
        source.backup(copy, pages=PAGES_PER_STEP)
        # The copy is a file of its own, to be put on a stick: no -wal beside it.
        copy.execute("PRAGMA journal_mode=DELETE")
        faults = integrity_faults(copy)
        if faults:
            raise sqlite3.DatabaseError(f"the copy is not sound: {faults[0]}")
    fd = os.open(partial, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
