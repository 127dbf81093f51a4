"""
Whose turn it is to send an upload's bytes: one request at a time, and a dead one gives way.

A phone that loses its Wi-Fi in mid-chunk leaves a request behind that says nothing any more; the phone comes back on
a new connection long before the old one is known to be dead.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SILENT_S = 3.0
"""A sender that says nothing for so long gives way to one that wants to."""


class Silent(Exception):
    """The sender had to give way."""


class Turn:
    """The turns of one upload."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._limit: asyncio.Timeout | None = None
        self._heard_s = 0.0
        self._is_over = False
        self.users = 0

    @asynccontextmanager
    async def taken(self, *, at_once: bool) -> AsyncIterator[None]:
        """
        Wait for the turn, have it, give it back.

        Args:
            at_once: Whoever is sending gives way even in mid-sentence.
        """
        while not await self._came(at_once):
            pass
        self._is_over, self._heard_s = False, time.monotonic()
        try:
            yield
        finally:
            self._lock.release()

    async def _came(self, at_once: bool) -> bool:
        """Whether the turn has come; whoever has it is told to give way, if there is reason to."""
        if not self._lock.locked():
            return await self._lock.acquire()
        left_s = 0.0 if at_once else self._heard_s + SILENT_S - time.monotonic()
        if left_s <= 0:
            self._give_way()
        try:
            async with asyncio.timeout(max(left_s, SILENT_S / 10)):
                return await self._lock.acquire()
        except TimeoutError:
            return False

    async def heard(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """
        What the sender says, for as long as its turn lasts.

        Raises:
            Silent: it had to give way.
        """
        while not self._is_over:
            try:
                async with asyncio.timeout(None) as self._limit:
                    piece = await anext(body)
            except StopAsyncIteration:
                return
            except TimeoutError:
                break
            finally:
                self._limit = None
            self._heard_s = time.monotonic()
            yield piece
        raise Silent

    def _give_way(self) -> None:
        self._is_over = True
        if self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())


class Turns:
    """The turns of all uploads that somebody is sending just now."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}

    @asynccontextmanager
    async def of(self, upload_id: str, *, at_once: bool = False) -> AsyncIterator[Turn]:
        """The turn of one upload, once it has come."""
        turn = self._turns.setdefault(upload_id, Turn())
        turn.users += 1
        try:
            async with turn.taken(at_once=at_once):
                yield turn
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[upload_id]

    def busy(self) -> list[str]:
        """Uploads that somebody sends or waits to send."""
        return list(self._turns)
