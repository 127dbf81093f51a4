"""
A network cable to be cut: a TCP proxy in front of a real server that loses, holds, delays and refuses.

`black_hole` is Wi-Fi that is gone without a word: connections stay open, nothing passes, and what was sent while it was
away arrives after it is back, as TCP does. `lose_answers` lets requests through and their answers not.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class Cable:
    """A way to `port` of this machine; use `plugged`."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._through = asyncio.Event()
        self._through.set()
        self._loses_answers = False
        self._refuses = False
        self._open: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.delay_s = 0.0
        """One way, in both directions."""
        self.answers_lost = 0
        self.port = 0

    @property
    def url(self) -> str:
        """Where the server seems to be."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Plug it in."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Unplug it for good."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def lead_to(self, port: int) -> None:
        """New connections go to another server."""
        self._target = port

    def black_hole(self) -> None:
        """Nothing passes, and nobody is told."""
        self._through.clear()

    def lose_answers(self) -> None:
        """Requests pass, answers do not."""
        self._loses_answers = True

    def cut(self) -> None:
        """End all connections, with a reset."""
        for connection in tuple(self._open):
            connection.reset()

    def refuse(self) -> None:
        """End all connections and every new one: the box is off."""
        self._refuses = True
        self.cut()

    def mend(self) -> None:
        """All is well again; a connection that lost something is reset, as it could never be whole again."""
        self._refuses = self._loses_answers = False
        self._through.set()
        for connection in tuple(self._open):
            if connection.lost_something:
                connection.reset()

    # ---- inside

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        connection = _Connection(writer, there_writer)
        self._open.add(connection)
        self._run(self._pump(reader, there_writer, connection, is_answer=False))
        self._run(self._pump(there_reader, writer, connection, is_answer=True))

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: "_Connection", *, is_answer: bool
    ) -> None:
        try:
            while piece := await reader.read(65_536):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                await self._through.wait()
                if is_answer and self._loses_answers:
                    connection.lost_something = True
                    self.answers_lost += 1
                    continue
                writer.write(piece)
                await writer.drain()
            await self._through.wait()
            if not connection.lost_something:
                writer.close()
        except OSError:
            connection.reset()
        finally:
            if is_answer:
                self._open.discard(connection)


class _Connection:
    def __init__(self, *writers: asyncio.StreamWriter) -> None:
        self._writers = writers
        self.lost_something = False

    def reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def plugged(port: int) -> AsyncIterator[Cable]:
    """A cable to `port`, whole."""
    cable = Cable(port)
    await cable.start()
    try:
        yield cable
    finally:
        await cable.stop()
