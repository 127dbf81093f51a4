"""One screen's queue: bounded, and honest about what it had to drop."""

from asyncio import QueueEmpty

from litestar.channels.subscriber import Subscriber

from web.live_messages import Message

WAITING_MESSAGES = 32
"""Some 15 s of a fast race; queued bytes are shared by all screens, so a full queue costs 32 references."""


class Screen(Subscriber):
    """
    A subscriber of a channel. `has_missed`: messages were dropped since the last snapshot, so it needs another.
    `address`: where it is. `leaving`: its stream ends after what waits.
    """

    has_missed = False
    leaving = False
    address = ""

    def put_nowait(self, item: bytes | None) -> bool:
        """Queue a message; the oldest goes when too many wait."""
        if self.qsize >= WAITING_MESSAGES:
            self.has_missed = True
        return super().put_nowait(item)

    async def take(self) -> Message | None:
        """The next message; None ends the stream."""
        item = await self._queue.get()
        assert item is None or isinstance(item, Message)  # noqa: S101  only web/live.py publishes
        return item

    def start_again(self) -> None:
        """Forget what waits: a snapshot is about to say all of it. An end among it stays an end."""
        self.has_missed = False
        ended = False
        try:
            while True:
                ended = self._queue.get_nowait() is None or ended
        except QueueEmpty:
            if ended:
                self.end()

    def end(self) -> None:
        """End the stream after what waits."""
        self.leaving = True
        self._queue.put_nowait(None)
