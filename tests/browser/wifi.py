"""The Wi-Fi between a phone and the box: a relay of TCP that can be slow, gone, or dead without a word."""

import asyncio
from types import TracebackType

PIECE_BYTES = 16 * 1024
CRUMB_BYTES = 256
A_LOT = 1_000_000_000
SLOW = 300_000
"""Bytes in a second: a file of a megabyte or two is on its way for some seconds."""
HALF_BYTES = 700_000
"""Some pieces of such a file, and the one after them has begun (web/static/js/transfer.js: 256 kB each)."""
CREEP = 10_000
"""Bytes in a second: a file stands nearly still for over a minute, and is not dead; what else is asked gets through."""


class Wifi:
    """
    `async with Wifi(port) as wifi`: the box is at `wifi.url` too.

    `bytes_per_s` is what goes out of the phone, `answer_bytes_per_s` what comes to it on each connection. Once
    `most_bytes` have gone out, of all connections together, the rest creeps.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._is_there = True
        self._links: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._dead: set[asyncio.StreamWriter] = set()
        self._out_bytes = 0
        self.bytes_per_s = A_LOT
        self.most_bytes = A_LOT
        self.answer_bytes_per_s = A_LOT
        self.url = ""

    async def __aenter__(self) -> "Wifi":
        self._server = await asyncio.start_server(self._link, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.go()
        await asyncio.gather(*self._links, return_exceptions=True)

    def go(self) -> None:
        """It is gone, in mid-word; whoever calls finds nobody."""
        self._is_there = False
        for writer in self._links.values():
            writer.transport.abort()

    def come_back(self) -> None:
        """It is there again."""
        self._is_there = True

    def forget(self) -> None:
        """It restarts: what is connected stays open and is never heard of again; whoever calls anew gets through."""
        self._dead.update(self._links.values())

    def stop_half_way(self) -> None:
        """A file that is sent from now on goes slowly, and no further than to its middle until `hurry`."""
        self.bytes_per_s = SLOW
        self.most_bytes = self._out_bytes + HALF_BYTES

    def hurry(self) -> None:
        """Everything goes at once."""
        self.bytes_per_s = self.most_bytes = A_LOT

    async def _link(self, phone_in: asyncio.StreamReader, phone_out: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links[task] = phone_out
        try:
            if self._is_there:
                await self._relay(phone_in, phone_out)
        except OSError:
            pass  # the box or the phone hung up
        finally:
            phone_out.transport.abort()
            self._dead.discard(phone_out)
            del self._links[task]

    async def _relay(self, phone_in: asyncio.StreamReader, phone_out: asyncio.StreamWriter) -> None:
        box_in, box_out = await asyncio.open_connection("127.0.0.1", self._port)
        answers = asyncio.create_task(self._answers(box_in, phone_out))
        try:
            while piece := await phone_in.read(PIECE_BYTES):
                if phone_out in self._dead:
                    continue
                self._out_bytes += len(piece)
                await asyncio.sleep(len(piece) / (self.bytes_per_s if self._out_bytes < self.most_bytes else CREEP))
                box_out.write(piece)
                await box_out.drain()
        finally:
            answers.cancel()
            box_out.transport.abort()

    async def _answers(self, box_in: asyncio.StreamReader, phone_out: asyncio.StreamWriter) -> None:
        try:
            while piece := await box_in.read(PIECE_BYTES):
                for start in range(0, len(piece), CRUMB_BYTES):
                    crumb = piece[start : start + CRUMB_BYTES]
                    if self.answer_bytes_per_s < A_LOT:
                        await asyncio.sleep(len(crumb) / self.answer_bytes_per_s)
                    if phone_out not in self._dead:
                        phone_out.write(crumb)
                        await phone_out.drain()
        finally:
            if phone_out not in self._dead:
                phone_out.transport.abort()
