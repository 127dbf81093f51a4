"""Opens a database file for writing: lock, soundness, upgrade, pragmas, in this order. Runs in the writer's thread."""

import logging
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance import migrate
from appliance.errors import ApplianceError, NotReady
from appliance.file_lock import FileLock
from appliance.migrations import Migrations
from appliance.safe_copy import sync_directory

log = logging.getLogger("trackside.database")

CHECK_BUDGET_S = 1.5
"""Time the check at start may take, so that a box with a large file and a slow card still starts in 2 s;
`trackside doctor` checks to the end."""
STEPS_BETWEEN_LOOKS = 20_000
"""Virtual machine steps of SQLite between two looks at the clock: about a millisecond."""
AUTOCHECKPOINT_PAGES = 16_000
"""Only a net below the writer's own checkpoints: 64 MB of log."""


class DamagedDatabase(ApplianceError):
    """The file fails SQLite's own check; nothing was written to it."""


@dataclass(frozen=True, slots=True)
class OpenedStore:
    """The writing connection and the lock that makes it the only one."""

    connection: sqlite3.Connection
    lock: FileLock


def open_store(path: Path, migrations: Sequence[Migrations], *, partial: bool) -> OpenedStore:
    """See `Database.open`; both belong to the calling thread."""
    lock = FileLock(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        try:
            path.chmod(0o600)
            _prepare(connection, path, migrations, partial=partial)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        lock.release()
        raise _cannot_open(path, error) from error
    except BaseException:
        lock.release()
        raise
    return OpenedStore(connection, lock)


def _prepare(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migrations], *, partial: bool) -> None:
    check_sound(connection, path)
    migrate.check_known(connection, path, migrations, partial=partial)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT_PAGES}")
    backup = migrate.apply(connection, path, migrations)
    if backup is not None:
        log.info("schema_upgraded file=%s backup=%s", path.name, backup)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # What people have us forget is overwritten, not only unlinked.
    connection.row_factory = sqlite3.Row
    sync_directory(path.parent)


def check_sound(connection: sqlite3.Connection, path: Path, budget_s: float = CHECK_BUDGET_S) -> None:
    """
    SQLite's quick check, for as long as `budget_s` allows.

    Raises:
        DamagedDatabase: with the first fault found.
    """
    ends = time.monotonic() + budget_s
    connection.set_progress_handler(lambda: time.monotonic() > ends, STEPS_BETWEEN_LOOKS)
    try:
        rows = connection.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        log.info("check_cut_short file=%s after_s=%.1f", path.name, budget_s)
        return
    finally:
        connection.set_progress_handler(None, 0)
    if [row[0] for row in rows] != ["ok"]:
        raise _damaged(path, str(rows[0][0]))


def _damaged(path: Path, fault: str) -> DamagedDatabase:
    return DamagedDatabase(
        f"The database {path} is damaged ({fault}). It was not touched.",
        f"Restore the newest backup, for example one of {path.parent / 'backups'}: trackside restore FILE.",
    )


def _cannot_open(path: Path, error: sqlite3.Error) -> ApplianceError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _damaged(path, str(error))
    if code == sqlite3.SQLITE_FULL:
        return NotReady(f"The disk of {path.parent} is full: {path.name} cannot be opened.", "Free some space first.")
    return NotReady(f"Cannot open {path}: {error}.", "Check that the file and its directory belong to you.")
