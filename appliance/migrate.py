"""
Brings a database file to the schema of this program: whole or not at all, and never without a backup.

Refuses a file that a newer Trackside has written, because this one cannot know what it would break.
"""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from appliance.clock import now_iso
from appliance.errors import Conflict, NotReady
from appliance.migrations import TABLE, Migrations
from appliance.safe_copy import copy_database

KEPT_BACKUPS = 5
"""Backups made before an upgrade that stay in DIR/backups; each is as large as the database was."""


class NewerSchema(Conflict):
    """The file knows migrations that this program does not."""


def pending(connection: sqlite3.Connection, migrations: Sequence[Migrations]) -> list[str]:
    """What `apply` would do, as "set/name" in order."""
    done = set(_applied(connection))
    return [
        f"{group.name}/{migration.name}"
        for group in migrations
        for migration in group.all
        if (group.name, migration.name) not in done
    ]


def check_known(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migrations], *, partial: bool = False
) -> None:
    """
    Refuse a file from the future.

    Args:
        partial: `migrations` are only some rooms' (a command that needs only people): sets not named are let pass.

    Raises:
        NewerSchema: names the migrations that nobody here knows.
    """
    known = {(group.name, step.name) for group in migrations for step in group.all}
    names = {group.name for group in migrations}
    unknown = [
        f"{group}/{name}"
        for group, name in _applied(connection)
        if (group, name) not in known and not (partial and group not in names)
    ]
    if unknown:
        raise NewerSchema(
            f"{path} was written by a newer Trackside (it has {', '.join(unknown)}).",
            "Start that newer version, or restore a backup made before the upgrade: trackside restore FILE.",
        )


def apply(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Migrations], backups: Path | None = None
) -> Path | None:
    """
    Apply everything pending in one transaction.

    Args:
        connection: The only writer, in autocommit mode, with foreign keys off.
        backups: Where the backup goes; None is `backups` beside the file.

    Returns:
        The backup made before, or None when nothing was pending or the file was new.

    Raises:
        NotReady: a step failed; the file is as it was.
    """
    steps = pending(connection, migrations)
    if not steps:
        return None
    from sqlite_utils.db import Database as SchemaDatabase

    backup = None if _is_new(connection) else _backup(connection, path, backups or path.parent / "backups")
    schema = SchemaDatabase(connection, execute_plugins=False)
    try:
        connection.execute("BEGIN IMMEDIATE")
        for group in migrations:
            group.loaded().apply(schema)
        _check_foreign_keys(connection)
        connection.execute("COMMIT")
    except Exception as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise NotReady(
            f"Upgrading {path} failed ({error}). The file is as it was.",
            "Free disk space if it is full; else start the version you used before and report this message.",
        ) from error
    return backup


def _applied(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [TABLE]).fetchone()
    if found is None:
        return []
    rows = connection.execute("SELECT migration_set, name FROM _sqlite_migrations ORDER BY rowid").fetchall()
    return [(str(row[0]), str(row[1])) for row in rows]


def _is_new(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None


def _backup(connection: sqlite3.Connection, path: Path, folder: Path) -> Path:
    stamp = now_iso().replace(":", "").replace("-", "")
    target = folder / f"{path.stem}-before-upgrade-{stamp}{path.suffix}"
    copy_database(connection, target)
    for old in sorted(folder.glob(f"{path.stem}-before-upgrade-*{path.suffix}"), key=os.path.getmtime)[:-KEPT_BACKUPS]:
        old.unlink()
    return target


def _check_foreign_keys(connection: sqlite3.Connection) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise sqlite3.IntegrityError(f"a row of {broken[0]} points at a row of {broken[2]} that does not exist")
