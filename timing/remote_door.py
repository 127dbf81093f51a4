"""
A local Unix socket whose every connection is carried to the other side of an SSH connection, byte for byte.

Owns the socket and the bytes on their way. Only this user may open it: mode 0600, in a directory of mode 0700.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from appliance.errors import ApplianceError

CHUNK_BYTES = 65_536
BACKLOG = 16

log = logging.getLogger(__name__)


class Reader(Protocol):
    """The half of a stream that is read."""

    async def read(self, n: int = -1, /) -> bytes:
        """Up to `n` bytes; none at the end."""


class Writer(Protocol):
    """The half of a stream that is written."""

    def write(self, data: bytes, /) -> None:
        """Send, as soon as there is room."""

    async def drain(self) -> None:
        """Wait until there is room."""

    def close(self) -> None:
        """End the stream once all is sent."""


OpenFar = Callable[[], Awaitable[tuple[Reader, Writer]]]


class Door:
    """Listens at `path` for as long as the block lasts."""

    def __init__(self, path: Path, open_far: OpenFar, on_far: Callable[[ApplianceError | None], None]) -> None:
        """
        Args:
            open_far: A new connection to the other side; raises ApplianceError.
            on_far: Told what each call of `open_far` came to: None when it worked.
        """
        self._path = path
        self._open_far = open_far
        self._on_far = on_far
        self._carried: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        listener = await asyncio.to_thread(_listen, self._path)
        self._server = await asyncio.start_unix_server(self._take, sock=listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays and refuses at once; the next door takes its place.
        if self._server is not None:
            self._server.close()
        carried = list(self._carried)
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await self._open_far()
        except ApplianceError as error:
            self._on_far(error)
            writer.close()
            return
        except BaseException:
            writer.close()
            raise
        self._on_far(None)
        ways = {asyncio.create_task(_copy(reader, far_writer)), asyncio.create_task(_copy(far_reader, writer))}
        try:
            # The stream knows no half-closed state: one end is the end.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.close()
            writer.close()


async def _copy(reader: Reader, writer: Writer) -> None:
    """Until the end of either; what it raises only says that it is the end."""
    with contextlib.suppress(Exception):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()


def _listen(path: Path) -> socket.socket:
    """A socket at `path`, in place of one that an earlier connection or process left."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        os.chmod(path, 0o600)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
