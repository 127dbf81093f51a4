"""
edges.db: every edge ever recorded on this box, numbered without holes, durable before anyone hears of it.

Owns the file, its lock and its reserve. One connection writes (timing/edge_writer.py holds it), readers are `mode=ro`.
A damaged file is set aside, never repaired and never in the way of timing.
"""

import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import disk_usage
from typing import Any

from appliance.clock import now_iso
from appliance.errors import Conflict, NotReady
from appliance.file_lock import FileLock
from timing.anchors import Anchor, AnchorReason
from timing.blindness import Sign
from timing.reserve import Reserve
from timing.stream import Blind, BlindReason, Edge, Gap, Level, Stamp

SCHEMA_VERSION = 2
"""`user_version` after the newest migration in timing/edges_schema.py."""
CHECKPOINT_PAGES = 1_000
"""A write-ahead log of 4 MB at most; the writer checkpoints long before, when no edge comes."""
FULL_BYTES = 256 * 1024
"""Less free than this is a full disk: SQLite asks for up to a write-ahead log's index and some pages at a time."""

COLUMNS = "seq, kind, boot_id, line, active, at_ns, wall_ns, lost, stamp, from_boot_id, from_ns, from_wall_ns, reason"
"""Of table edge, as `_columns` and `_record` have them."""
LOOK_BACK = 1_000
"""Records looked at for one that the kernel has stamped; strips of one kind have either all of them stamped or none."""

log = logging.getLogger(__name__)

Record = Edge | Gap
Row = tuple[Record, int | None]
"""A record, and the kernel's number of it on its line."""


class EdgesDb:
    """The writing side. Not safe for two threads at once: it belongs to one."""

    def __init__(self, data_dir: Path, boot_id: str | None = None) -> None:
        """
        Open or make DIR/edges.db.

        Args:
            boot_id: Of this boot. A file that was found whole in this boot is not looked through again: a process that
                is killed cannot damage it, and a large one would keep the strips waiting for seconds.

        Raises:
            FileInUse: another recorder runs on this directory.
            NotReady: the directory cannot be written, or the disk is full and there is no reserve left.
            Conflict: a newer Trackside wrote the file.
        """
        self.path = data_dir / "edges.db"
        self._boot_id = boot_id
        self._doubt = data_dir / "edges.db.doubted"
        self._lock = FileLock(self.path)
        self.reserve = Reserve(data_dir / "edges.reserve")
        try:
            self._connection = self._open()
        except BaseException:
            self._lock.release()
            raise
        self.reserve.take()
        self.recorder_id = str(self._connection.execute("SELECT recorder_id FROM meta").fetchone()[0])
        self.last_seq = _last_seq(self._connection)

    def commit(self, rows: Sequence[Row], anchors: Sequence[Anchor] = ()) -> None:
        """
        Make these rows durable, all or none. Numbers go on from `last_seq`.

        Raises:
            sqlite3.Error: nothing was stored; the same rows may be tried again.
            OverflowError, TypeError: nothing was stored; a row holds what SQLite cannot.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                f"INSERT INTO edge ({COLUMNS}, line_seqno) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 (a constant)
                [_columns(record, line_seqno) for record, line_seqno in rows],
            )
            self._connection.executemany(
                "INSERT INTO anchor (boot_id, mono_ns, wall_ns, reason, slept_ns) VALUES (?, ?, ?, ?, ?)",
                [(one.boot_id, one.mono_ns, one.wall_ns, one.reason, one.slept_ns) for one in anchors],
            )
            self._connection.execute("COMMIT")
        except Exception as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            if not isinstance(error, sqlite3.Error) or not rows or _last_seq(self._connection) != rows[-1][0].seq:
                raise
        if rows:
            self.last_seq = rows[-1][0].seq

    def make_room(self, error: sqlite3.Error) -> bool:
        """Give up the reserve if a full disk is what `error` is about; whether trying again makes sense."""
        if not _is_disk_full(error, self.path.parent) or not self.reserve.give():
            return False
        log.error("disk_full path=%s error=%r doing=using_the_reserve remedy=free_disk_space", self.path, str(error))
        return True

    def is_damaged(self, error: sqlite3.Error) -> bool:
        """Whether the file itself is what `error` is about; if so, the next opening looks it through."""
        name = getattr(error, "sqlite_errorname", "") or ""
        if not name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return False
        with suppress(OSError):
            self._doubt.touch()
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
        except NotReady as error:  # From a migration.
            cause = error.__cause__
            if not (isinstance(cause, sqlite3.Error) and self.make_room(cause)):
                raise
            return self._open_whole()

    def _open_whole(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            if self._is_to_be_checked(connection):
                verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
                if verdict != "ok":
                    raise sqlite3.DatabaseError(verdict)
                self._doubt.unlink(missing_ok=True)
            self._bring_up_to_date(connection)
            _last_seq(connection)  # Where the next edge goes must be readable, looked through or not.
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_to_be_checked(self, connection: sqlite3.Connection) -> bool:
        if self._boot_id is None or self._doubt.exists():
            return True
        try:
            row = connection.execute("SELECT boot_id FROM anchor ORDER BY anchor_id DESC LIMIT 1").fetchone()
        except sqlite3.OperationalError:  # A new file has no tables.
            return True
        return row is None or row[0] != self._boot_id

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

            # A folder of our own: under systemd `backups` belongs to the server's user.
            apply(connection, self.path, [MIGRATIONS], self.path.parent / "edges-backups")
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
            f"SELECT {COLUMNS} FROM edge WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 (a constant)
            [seq, limit],
        )
        return [_record(row) for row in rows]

    def anchors(self) -> list[Anchor]:
        """Every reading of the clocks that was kept, oldest first."""
        rows = self._connection.execute(
            "SELECT boot_id, mono_ns, wall_ns, reason, slept_ns FROM anchor ORDER BY anchor_id"
        )
        return [Anchor(*row) for row in rows]

    def last_sign(self, from_file: Sign | None = None) -> Sign | None:
        """
        The last sign of life of whoever wrote this file.

        Args:
            from_file: What was left beside the socket; the newer of the two counts.
        """
        stored = self._stored_sign()
        if stored is None or from_file is None:
            return stored or from_file
        if from_file.boot_id == stored.boot_id:
            return stored if stored.is_stop or stored.mono_ns >= from_file.mono_ns else from_file
        query = "SELECT 1 FROM anchor WHERE boot_id = ? LIMIT 1"
        is_old = self._connection.execute(query, [from_file.boot_id]).fetchone() is not None
        return stored if is_old else from_file

    def _stored_sign(self) -> Sign | None:
        row = self._connection.execute(
            "SELECT boot_id, mono_ns, wall_ns, reason, slept_ns FROM anchor ORDER BY anchor_id DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        anchor = Anchor(*row)
        (edge_ns,) = self._connection.execute(
            "SELECT max(at_ns) FROM (SELECT boot_id, at_ns, stamp FROM edge ORDER BY seq DESC LIMIT ?)"
            " WHERE boot_id = ? AND stamp IS NULL",
            [LOOK_BACK, anchor.boot_id],
        ).fetchone()
        later_ns = max(0, (edge_ns or 0) - anchor.mono_ns)
        return Sign(
            boot_id=anchor.boot_id,
            mono_ns=anchor.mono_ns + later_ns,
            wall_ns=anchor.wall_ns + later_ns,
            slept_ns=anchor.slept_ns,
            is_stop=anchor.reason == AnchorReason.STOP,
        )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _last_seq(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM edge").fetchone()[0])


def _columns(record: Record, line_seqno: int | None) -> tuple[object, ...]:
    kind, active, wall_ns, lost, stamp, spot = "gap", None, None, None, None, None
    if isinstance(record, Edge):
        kind, active, wall_ns = "edge", int(record.edge is Level.ACTIVE), record.wall_ns
        stamp = record.stamp.value if record.stamp else None
    elif record.blind:
        kind, wall_ns, spot = "blind", record.blind.to_wall_ns, record.blind
    else:
        lost = record.lost
    since = (spot.boot_id, spot.from_ns, spot.from_wall_ns, spot.reason.value) if spot else (None, None, None, None)
    head = (record.seq, kind, record.boot_id, record.line, active, record.at_ns, wall_ns, lost, stamp)
    return (*head, *since, line_seqno)


def _record(row: tuple[Any, ...]) -> Record:
    seq, kind, boot_id, line, active, at_ns, wall_ns, lost, stamp, from_boot_id, from_ns, from_wall_ns, reason = row
    if kind == "gap":
        return Gap(seq=seq, line=line, lost=lost, at_ns=at_ns, boot_id=boot_id)
    if kind == "blind":
        blind = Blind(
            boot_id=from_boot_id,
            from_ns=from_ns,
            from_wall_ns=from_wall_ns,
            to_wall_ns=wall_ns,
            reason=BlindReason(reason),
        )
        return Gap(seq=seq, line=line, lost=0, at_ns=at_ns, boot_id=boot_id, blind=blind)
    level = Level.ACTIVE if active else Level.INACTIVE
    origin = Stamp(stamp) if stamp else None
    return Edge(seq=seq, boot_id=boot_id, line=line, edge=level, at_ns=at_ns, wall_ns=wall_ns, stamp=origin)


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
