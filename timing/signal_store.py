"""The server's copy of what its recorders could not see, so that it is known while they are away."""

import asyncio
import logging
import sqlite3
from collections import deque
from dataclasses import astuple, fields

from appliance.database import Database
from appliance.errors import ApplianceError
from timing.signal import StripGap

KEPT = 2_000
"""Newest gaps in memory: years of power cuts, or one loose contact's hour."""

COLUMNS = ", ".join(field.name for field in fields(StripGap))
INSERT = f"INSERT OR IGNORE INTO strip_gap ({COLUMNS}) VALUES ({', '.join('?' for _ in fields(StripGap))})"  # noqa: S608

log = logging.getLogger(__name__)


class SignalStore:
    """Gaps of all recorders, oldest first. `load()` before use, `settle()` before the database closes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gaps: deque[StripGap] = deque(maxlen=KEPT)
        self._known: set[tuple[str, int]] = set()
        self._waiting: dict[tuple[str, int], StripGap] = {}
        """Not durable yet: a write that failed is tried again with the next."""
        self._writes: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """What was told before."""
        query = f"SELECT {COLUMNS} FROM strip_gap ORDER BY to_wall_ns DESC LIMIT {KEPT}"  # noqa: S608
        for row in reversed(await self._db.fetch_all(query)):
            self._remember(StripGap(*row))

    def add(self, gap: StripGap) -> bool:
        """Keep a gap; False when it is known, as after a second reading of the stream."""
        if (gap.recorder_id, gap.seq) in self._known:
            return False
        self._remember(gap)
        self._waiting[gap.recorder_id, gap.seq] = gap
        self.store()
        return True

    def store(self) -> None:
        """Write what is not durable yet."""
        if self._waiting:
            write = asyncio.ensure_future(self._store([*self._waiting.values()]))
            self._writes.add(write)
            write.add_done_callback(self._writes.discard)

    def all(self) -> list[StripGap]:
        """Oldest first."""
        return [*self._gaps]

    async def settle(self) -> None:
        """Wait for what is on its way to the disk."""
        await asyncio.gather(*self._writes, return_exceptions=True)

    def _remember(self, gap: StripGap) -> None:
        self._gaps.append(gap)
        self._known.add((gap.recorder_id, gap.seq))

    async def _store(self, gaps: list[StripGap]) -> None:
        def job(connection: sqlite3.Connection) -> None:
            connection.executemany(INSERT, [astuple(gap) for gap in gaps])

        try:
            await self._db.write(job)
        except ApplianceError as error:  # It waits for the next write; the recorder has it besides.
            log.warning("gaps_not_stored count=%d error=%s", len(gaps), error)
            return
        for gap in gaps:
            self._waiting.pop((gap.recorder_id, gap.seq), None)
