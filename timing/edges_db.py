"""
edges.db: every edge ever recorded on this box, numbered without holes, durable before anyone hears of it.

Owns the file, its lock and its reserve. One connection writes (timing/edge_writer.py holds it), readers are `mode=ro`.
A damaged file is set aside, never repaired and never in the way of timing.
"""

import logging
import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import Any

from appliance.clock import now_iso
from appliance.errors import Conflict, NotReady
from appliance.file_lock import FileLock
from timing.reserve import Reserve
from timing.stream import Edge, Gap, Level

SCHEMA_VERSION = 1
"""`user_version` after the newest migration in timing/edges_schema.py."""
CHECKPOINT_PAGES = 1_000
"""A write-ahead log of 4 MB at most; the writer checkpoints long before, when no edge comes."""
FULL_BYTES = 256 * 1024
"""Less free than this is a full disk: SQLite asks for up to a write-ahead log's index and some pages at a time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The two clocks read together, so that UTC can be worked out, or corrected, later."""

    boot_id: str
    mono_ns: int
    wall_ns: int
    reason: str


Record = Edge | Gap
Row = tuple[Record, int | None]
"""A record, and the kernel's number of it on its line."""


class EdgesDb:
    """The writing side. Not safe for two threads at once: it belongs to one."""

    def __init__(self, data_dir: Path) -> None:
        """
        Open or make DIR/edges.db.

        Raises:
            FileInUse: another recorder runs on this directory.
            NotReady: the directory cannot be written, or the disk is full and there is no reserve left.
            Conflict: a newer Trackside wrote the file.
        """
        self.path = data_dir / "edges.db"
        self._lock = FileLock(self.path)
        self.reserve = Reserve(data_dir / "edges.reserve")
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.release()
            raise
        self.reserve.take()
        row = self._connection.execute("SELECT recorder_id FROM meta").fetchone()
        self.recorder_id = str(row[0])
        self.last_seq = self._stored_last_seq()

    def commit(self, rows: Sequence[Row], anchors: Sequence[Anchor] = ()) -> None:
        """
        Make these rows durable, all or none. Numbers go on from `last_seq`.

        Raises:
            sqlite3.Error: nothing was stored; the same rows may be tried again.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT INTO edge (seq, kind, boot_id, line, active, at_ns, wall_ns, lost, line_seqno)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [_columns(record, line_seqno) for record, line_seqno in rows],
            )
            self._connection.executemany(
                "INSERT INTO anchor (boot_id, mono_ns, wall_ns, reason) VALUES (?, ?, ?, ?)",
                [(anchor.boot_id, anchor.mono_ns, anchor.wall_ns, anchor.reason) for anchor in anchors],
            )
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if not rows or self._stored_last_seq() != rows[-1][0].seq:
                raise
        if rows:
            self.last_seq = rows[-1][0].seq

    def make_room(self, error: sqlite3.Error) -> bool:
        """Give up the reserve if a full disk is what `error` is about; whether trying again makes sense."""
        if not _is_disk_full(error, self.path.parent) or not self.reserve.give():
            return False
        log.error("disk_full path=%s error=%r doing=using_the_reserve remedy=free_disk_space", self.path, str(error))
        return True

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file; harmless when it fails, it is tried again."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            log.warning("checkpoint failed error=%s", error)

    def close(self) -> None:
        """Close the file and let the next recorder in."""
        self._connection.close()
        self._lock.release()

    def _stored_last_seq(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(seq), 0) FROM edge").fetchone()[0])

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_whole()
        except sqlite3.OperationalError as error:
            if not self.make_room(error):
                raise NotReady(
                    f"{self.path} cannot be opened: {error}.",
                    "Check that the directory belongs to you and that its disk is not full.",
                ) from error
            return self._open_whole()
        except sqlite3.DatabaseError as error:
            self._set_aside(str(error))
            return self._open_whole()

    def _open_whole(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            self._bring_up_to_date(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise Conflict(
                f"{self.path} was written by a newer Trackside.",
                "Start that version, or move the file away to begin a new one.",
            )
        if version < SCHEMA_VERSION:
            from appliance.migrate import apply
            from timing.edges_schema import MIGRATIONS

            apply(connection, self.path, [MIGRATIONS])
            _sync_directory(self.path.parent)

    def _set_aside(self, why: str) -> None:
        stamp = now_iso().replace(":", "").replace("-", "")
        for suffix in ("", "-wal", "-shm"):
            damaged = self.path.with_name(self.path.name + suffix)
            if damaged.exists():
                damaged.rename(self.path.with_name(f"edges-damaged-{stamp}.db{suffix}"))
        _sync_directory(self.path.parent)
        log.error(
            "database_damaged path=%s error=%r kept_as=edges-damaged-%s.db doing=starting_anew", self.path, why, stamp
        )


class EdgesReader:
    """A reading side; belongs to one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        self._connection.execute("PRAGMA query_only = ON")

    def after(self, seq: int, limit: int) -> list[Record]:
        """The next records after number `seq`, oldest first, at most `limit`."""
        rows = self._connection.execute(
            "SELECT seq, kind, boot_id, line, active, at_ns, wall_ns, lost FROM edge"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            [seq, limit],
        )
        return [_record(row) for row in rows]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _columns(record: Record, line_seqno: int | None) -> tuple[object, ...]:
    if isinstance(record, Edge):
        active = int(record.edge is Level.ACTIVE)
        return (record.seq, "edge", record.boot_id, record.line, active, record.at_ns, record.wall_ns, None, line_seqno)
    return (record.seq, "gap", record.boot_id, record.line, None, record.at_ns, None, record.lost, None)


def _record(row: tuple[Any, ...]) -> Record:
    seq, kind, boot_id, line, active, at_ns, wall_ns, lost = row
    if kind == "gap":
        return Gap(seq=seq, line=line, lost=lost, at_ns=at_ns, boot_id=boot_id)
    level = Level.ACTIVE if active else Level.INACTIVE
    return Edge(seq=seq, boot_id=boot_id, line=line, edge=level, at_ns=at_ns, wall_ns=wall_ns)


def _is_disk_full(error: sqlite3.Error, directory: Path) -> bool:
    # A full disk shows as SQLITE_FULL, or as an I/O error of the -wal or -shm file.
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return True
    return name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and disk_usage(directory).free < FULL_BYTES


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
