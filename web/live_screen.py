"""
One screen's queue: bounded, and honest about what it had to drop.

Its own queue instead of asyncio's: a lap goes through a thousand of them at once, and each microsecond counts so often.
"""

import asyncio
from collections import deque
from typing import Any

from litestar.channels.subscriber import Subscriber

from web.live_messages import Message

WAITING_MESSAGES = 32
"""Some 15 s of a fast race; queued bytes are shared by all screens, so a full queue costs 32 references."""


class Screen(Subscriber):
    """
    A subscriber of a channel, with one reader. `has_missed`: messages were dropped since the last snapshot, so it
    needs another. `address`: where it is. `leaving`: its stream ends after what waits.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.has_missed = False
        self.leaving = False
        self.address = ""
        self._messages: deque[Message | None] = deque(maxlen=WAITING_MESSAGES)
        self._reader: asyncio.Future[None] | None = None

    @property
    def qsize(self) -> int:
        """How many messages wait."""
        return len(self._messages)

    def put_nowait(self, item: bytes | None) -> bool:
        """Queue a message; the oldest goes when too many wait. Nothing follows the end."""
        if self.leaving:
            return False
        if len(self._messages) == WAITING_MESSAGES:
            self.has_missed = True
        self._messages.append(item)  # type: ignore[arg-type]  # only web/live.py publishes
        self._wake()
        return True

    async def put(self, item: bytes | None) -> None:
        """As `put_nowait`: it never waits."""
        self.put_nowait(item)

    async def take(self) -> Message | None:
        """The next message; None ends the stream."""
        while not self._messages:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._messages.popleft()

    def start_again(self) -> None:
        """Forget what waits: a snapshot is about to say all of it. An end stays an end."""
        self.has_missed = False
        self._messages.clear()
        if self.leaving:
            self._messages.append(None)

    def end(self) -> None:
        """End the stream after what waits."""
        self.put_nowait(None)
        self.leaving = True

    def _wake(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None and not reader.done():
            reader.set_result(None)
