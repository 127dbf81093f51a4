"""
The one writer of one database file, and the readers beside it.

Two connections that write or checkpoint at the same instant can corrupt a WAL file (SQLite 3.7.0–3.51.2), so exactly
one connection, in one thread of one process, ever writes; readers open the file read-only. See store_writer.py for
how writes become durable.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar

import aiosqlite

from appliance.errors import NotReady
from appliance.migrations import Migrations
from appliance.store_writer import StoreWriter, fold_log

log = logging.getLogger("trackside.database")

T = TypeVar("T")
Parameters: TypeAlias = Sequence[object] | Mapping[str, object]

READERS = 3
"""Read connections: one for the pages, one for a slow export, one spare; each is a thread and 2 MB of cache."""


class Database:
    """An open database file. Make one with `open`; every method belongs to the event loop that opened it."""

    def __init__(self, path: Path, writer: StoreWriter, readers: list[aiosqlite.Connection]) -> None:
        self.path = path
        self._writer = writer
        self._readers = readers
        self._free: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        for reader in readers:
            self._free.put_nowait(reader)
        self._closed = False

    @classmethod
    async def open(cls, path: Path, migrations: Sequence[Migrations], *, partial: bool = False) -> "Database":
        """
        Lock, check, back up when an upgrade is due, upgrade, and open for reading and writing.

        Args:
            migrations: Every room's set, in the order of their dependence.
            partial: `migrations` are only some rooms' sets; the sets of other rooms in the file are let be.

        Raises:
            FileInUse: another process has the file.
            DamagedDatabase: the file is not sound.
            NewerSchema: a newer Trackside has written it.
            NotReady: no space or no permission.
        """
        writer = StoreWriter(path, migrations, partial=partial)
        await writer.start()
        readers: list[aiosqlite.Connection] = []
        try:
            for _ in range(READERS):
                readers.append(await _open_reader(path))
        except BaseException:
            await _close_all(readers)
            await writer.close()
            raise
        return cls(path, writer, readers)

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """
        Run `job` in the writer thread and return its answer once it is durable.

        The job runs in a SAVEPOINT of its own inside a transaction that it may share with other jobs; it must not
        commit, and must not hand out cursors. Jobs run in the order in which `write` was called. An exception undoes
        this job only and is raised here. Cancelling does not undo a job.

        Raises:
            NotReady: disk full, or the database is closing; nothing of the job was kept.
        """
        return await self._writer.submit(job)

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        """All rows of a query, of one consistent and durable state."""
        if self._closed:
            raise _closing()
        reader = await self._free.get()
        try:
            # aiosqlite types parameters as Iterable; a Mapping is one and sqlite3 takes it by name.
            return list(await reader.execute_fetchall(sql, parameters))
        finally:
            # Even after a cancellation: the connection's own thread finishes the old query before the next.
            self._free.put_nowait(reader)

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    async def scrub(self) -> None:
        """Fold the log into the file and empty it, so that what was just erased is not left there either."""
        await self._writer.submit(fold_log, alone=True)

    @property
    def trouble(self) -> NotReady | None:
        """What made the last transaction fail, None while writing works."""
        return self._writer.trouble

    async def close(self) -> None:
        """Finish every job handed in so far, then close; later calls of `write` raise NotReady."""
        if self._closed:
            return
        self._closed = True
        await _close_all(self._readers)
        await self._writer.close()


async def _open_reader(path: Path) -> aiosqlite.Connection:
    reader = await aiosqlite.connect(_read_only_uri(path), uri=True, isolation_level=None)
    reader.row_factory = sqlite3.Row
    await reader.execute_fetchall("PRAGMA query_only = ON")
    await reader.execute_fetchall("PRAGMA busy_timeout = 5000")
    return reader


def _read_only_uri(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


async def _close_all(readers: list[aiosqlite.Connection]) -> None:
    # An aiosqlite connection left open keeps the process alive for ever.
    for reader in readers:
        with contextlib.suppress(sqlite3.Error):
            await reader.close()


def _closing() -> NotReady:
    return NotReady("Trackside is shutting down.", "Try again in a moment.")
