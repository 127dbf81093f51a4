"""
The writer thread: takes jobs, runs all that wait in one transaction (group commit), answers when they are durable.

With synchronous=FULL a commit waits for the disk, 40 ms on a poor card. Jobs that arrive meanwhile share the next
commit, so nobody waits for more than about two of them, however many write.
"""

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from appliance.errors import NotReady
from appliance.migrations import Migrations
from appliance.store_opening import OpenedStore, open_store

log = logging.getLogger("trackside.database")

T = TypeVar("T")

MAX_BATCH = 256
"""Jobs in one transaction; bounds how long the first of them waits for the others' work."""
CHECKPOINT_COMMITS = 300
"""Commits after which the log is folded into the database when nobody waits; about 1,000 pages of log."""
FORCED_CHECKPOINT_COMMITS = 3_000
"""The same when the box is never idle; keeps the log under some 50 MB."""

_GONE = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})


@dataclass(slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    answer: "asyncio.Future[Any]"
    alone: bool
    result: Any = None
    error: BaseException | None = field(default=None)


class StoreWriter:
    """Owns the writing connection and the file's lock; both live in one thread of their own."""

    def __init__(self, path: Path, migrations: Sequence[Migrations], *, partial: bool) -> None:
        self._path = path
        self._migrations = migrations
        self._partial = partial
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"writer {path.name}", daemon=True)
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._closing = False
        self._commits = 0
        self.trouble: NotReady | None = None

    async def start(self) -> None:
        """Open the file in the thread; raises what opening raises."""
        self._thread.start()
        # Shielded: a cancelled start must not leave a thread that finds its future cancelled.
        await asyncio.shield(self._opened)

    async def submit(self, work: Callable[[sqlite3.Connection], T], *, alone: bool = False) -> T:
        """See `Database.write`; with `alone` the work runs outside any transaction, after the commit before it."""
        if self._closing:
            raise NotReady("Trackside is shutting down.", "Try again in a moment.")
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work, answer, alone))
        return await answer

    async def close(self) -> None:
        """Run what was submitted, close the connection, release the lock."""
        if not self._closing:
            self._closing = True
            self._jobs.put(None)
        await asyncio.shield(self._ended)
        self._thread.join()

    def _run(self) -> None:
        try:
            store = open_store(self._path, self._migrations, partial=self._partial)
        except BaseException as error:  # Handed to whoever waits in start().
            self._closing = True
            self._tell(_fail, self._opened, error)
            self._tell(_succeed, self._ended)
            return
        self._tell(_succeed, self._opened)
        try:
            self._serve(store.connection)
        finally:
            _close(store)
            self._tell(_succeed, self._ended)

    def _serve(self, connection: sqlite3.Connection) -> None:
        while batch := self._next_batch():
            together = [job for job in batch if not job.alone]
            if together:
                self._run_batch(connection, together)
            for job in batch:
                if job.alone:
                    _run_alone(connection, job)
            self._tell(_answer, batch)
            self._checkpoint_when_due(connection)

    def _next_batch(self) -> list[_Job]:
        """All jobs that wait now, at least one; empty when it is time to close."""
        job = self._jobs.get()
        batch: list[_Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) == MAX_BATCH:
                return batch
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return batch
        if batch:
            self._jobs.put(None)  # Nothing can be submitted after the end mark, so it stays the last.
        return batch

    def _run_batch(self, connection: sqlite3.Connection, batch: list[_Job]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                _run_job(connection, job)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up(connection, batch, error)
        else:
            self.trouble = None
            self._commits += 1

    def _give_up(self, connection: sqlite3.Connection, batch: list[_Job], error: sqlite3.Error) -> None:
        """Nothing of this transaction is kept: say so to everyone in it. The next one starts afresh."""
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        self.trouble = _not_ready(self._path, error)
        log.error("write_failed file=%s jobs=%d error=%s", self._path.name, len(batch), error)
        for job in batch:
            if job.error is None or isinstance(job.error, sqlite3.OperationalError):
                job.error = _not_ready(self._path, error)

    def _checkpoint_when_due(self, connection: sqlite3.Connection) -> None:
        idle = self._jobs.empty()
        if self._commits < (CHECKPOINT_COMMITS if idle else FORCED_CHECKPOINT_COMMITS):
            return
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            log.warning("checkpoint_failed file=%s error=%s", self._path.name, error)
        self._commits = 0

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is gone: nobody waits any more.
            self._loop.call_soon_threadsafe(callback, *arguments)


def _run_job(connection: sqlite3.Connection, job: _Job) -> None:
    """
    Run one job in its savepoint; its failure stays its own.

    Raises:
        sqlite3.Error: the whole transaction is gone (disk full), so the batch cannot go on.
    """
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except BaseException as error:  # Raised again in the task that asked.
        if not connection.in_transaction or _code(error) in _GONE:
            raise error if isinstance(error, sqlite3.Error) else _lost() from error
        job.error = error
        connection.execute("ROLLBACK TO job")
    if not connection.in_transaction:
        raise _lost()
    connection.execute("RELEASE job")


def _run_alone(connection: sqlite3.Connection, job: _Job) -> None:
    try:
        job.result = job.work(connection)
    except Exception as error:  # Raised again in the task that asked.
        job.error = error


def fold_log(connection: sqlite3.Connection) -> None:
    """Checkpoint everything and cut the log to nothing; a reader in the way only makes it incomplete."""
    connection.execute("PRAGMA busy_timeout = 100")
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute("PRAGMA busy_timeout = 5000")


def _lost() -> sqlite3.Error:
    return sqlite3.ProgrammingError("a job ended the shared transaction; a job must never COMMIT or ROLLBACK")


def _code(error: BaseException) -> int:
    """SQLite's primary result code, 0 for other errors."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _not_ready(path: Path, error: sqlite3.Error) -> NotReady:
    if _code(error) == sqlite3.SQLITE_FULL:
        return NotReady(
            f"The disk of {path.parent} is full: nothing was changed.",
            "Free some space (old backups are in backups/), then do it again. Crossings are still recorded.",
        )
    if _code(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return NotReady(
            f"The database {path} is damaged ({error}): nothing was changed.",
            "Stop Trackside, run trackside doctor, then restore the newest backup: trackside restore FILE.",
        )
    return NotReady(
        f"The database {path} could not be written ({error}): nothing was changed.",
        "Try again; if it stays, run trackside doctor and check the disk.",
    )


def _close(store: OpenedStore) -> None:
    with contextlib.suppress(sqlite3.Error):
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with contextlib.suppress(sqlite3.Error):
        store.connection.close()
    store.lock.release()


def _answer(batch: list[_Job]) -> None:
    for job in batch:
        if job.answer.done():
            continue  # Cancelled; the job is done all the same.
        if job.error is None:
            job.answer.set_result(job.result)
        else:
            job.answer.set_exception(job.error)


def _succeed(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _fail(future: "asyncio.Future[None]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
