"""
The recorder's side of the timing stream: any number of clients, each fed at its own pace.

A client is a cursor. What it lacks comes from memory while it is among the newest edges, else from edges.db, so that a
slow or stopped client costs neither memory nor anybody's time. Owns no edges and decides nothing about them.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Protocol

from appliance.clock import mono_ns
from appliance.errors import ApplianceError
from timing.edges_db import EdgesReader, Record
from timing.stream import (
    PROTOCOL,
    CaughtUp,
    ClientHello,
    Crossed,
    Hit,
    NotUnderstood,
    Ping,
    Pong,
    RecorderHello,
    Refusal,
    decode_client_line,
    encode,
)

RECENT = 1_024
"""Newest edges kept encoded in memory: several laps of a busy track, 200 KB."""
CHUNK = 256
"""Edges written between two looks at whether the client takes them."""
HELLO_TIMEOUT_S = 10.0
FAREWELL_S = 1.0
"""How long a refused client may take to read why."""
MAX_CLIENTS = 64
MAX_UNSENT_BYTES = 65_536
"""A client with more than this unread misses heartbeats, never edges."""

log = logging.getLogger(__name__)


class Source(Protocol):
    """What the clients of a recorder may ask of it."""

    def hello(self) -> RecorderHello:
        """Who records, now."""
        ...

    def hit(self, hit: Hit) -> None:
        """Press a simulated strip, or raise ApplianceError."""
        ...

    def crossed(self, crossed: Crossed) -> None:
        """A client counted a crossing."""
        ...


class RecentEdges:
    """The newest edges as encoded lines, and who waits for the next one."""

    def __init__(self, last_seq: int) -> None:
        self.last_seq = last_seq
        self._lines: deque[bytes] = deque(maxlen=RECENT)
        self._news = asyncio.Event()

    def add(self, records: Sequence[Record]) -> None:
        """These are durable now; what memory cannot hold in order, clients get from edges.db."""
        try:
            lines = [encode(record) for record in records]
        except Exception:
            log.exception("not_kept_in_memory first=%d last=%d", records[0].seq, records[-1].seq)
            lines = []
        if len(lines) != records[-1].seq - self.last_seq:
            self._lines.clear()
        self._lines.extend(lines)
        self.last_seq = records[-1].seq
        self._news.set()
        self._news = asyncio.Event()

    def after(self, seq: int, limit: int) -> list[bytes] | None:
        """The lines after number `seq`; None when memory does not reach back that far."""
        start = seq - (self.last_seq - len(self._lines))
        return None if start < 0 else list(islice(self._lines, start, start + limit))

    async def wait_beyond(self, seq: int) -> None:
        """Return once there is an edge after number `seq`."""
        while self.last_seq <= seq:
            await self._news.wait()


class StreamServer:
    """Serves the timing stream on one listening socket."""

    def __init__(self, source: Source, recent: RecentEdges, reader: EdgesReader) -> None:
        self._source = source
        self._recent = recent
        self._reader = reader
        self._reading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="replay")
        self._clients: dict[asyncio.StreamWriter, bool] = {}
        """Each connection, and whether it has had its hello."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end; a client's fault ends only its own."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (for mypy: this runs as a task)
        self._tasks.add(task)
        self._clients[writer] = False
        try:
            await self._converse(reader, writer)
        except NotUnderstood as error:
            await _refuse(writer, error.message)
        except ApplianceError as error:
            await _refuse(writer, str(error))
        except (ConnectionError, TimeoutError):
            log.info("client_lost clients=%d", len(self._clients) - 1)
        except asyncio.CancelledError:
            if not self._is_closing:  # Python 3.11's streams log a cancelled conversation as a fault.
                raise
        except Exception:
            log.exception("client_failed")
        finally:
            del self._clients[writer]
            self._tasks.discard(task)
            writer.transport.abort()

    def say_to_all(self, line: bytes) -> None:
        """A heartbeat to everybody who keeps up."""
        for writer, has_hello in self._clients.items():
            try:
                if has_hello and writer.transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
                    writer.write(line)
            except Exception:
                log.exception("heartbeat_not_sent")

    async def close(self) -> None:
        """End every conversation."""
        self._is_closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._reading.shutdown()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(HELLO_TIMEOUT_S):
            line = await _read_line(reader)
        if not line:
            return
        if len(self._clients) > MAX_CLIENTS:  # Said after its hello, as a client that still writes may miss it.
            raise NotUnderstood(f"There are {MAX_CLIENTS} clients already.", "Close one of them.")
        cursor = self._start_of(_checked_hello(line))
        writer.write(encode(self._source.hello()))
        self._clients[writer] = True
        feed = asyncio.create_task(self._feed(cursor, writer))
        listen = asyncio.create_task(self._listen(reader, writer))
        try:
            done, _ = await asyncio.wait({feed, listen}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (feed, listen):
                task.cancel()
            await asyncio.gather(feed, listen, return_exceptions=True)

    def _start_of(self, hello: ClientHello) -> int:
        # A client that holds more than there is has another edges.db in mind; the hello tells it so.
        newest = self._recent.last_seq
        return newest if hello.after is None else min(hello.after, newest)

    async def _feed(self, cursor: int, writer: asyncio.StreamWriter) -> None:
        is_replaying = True
        while True:
            if cursor < self._recent.last_seq:
                lines = self._recent.after(cursor, CHUNK)
                if lines is None:
                    lines = await self._read_file(cursor)
                writer.write(b"".join(lines))
                cursor += len(lines)
                await writer.drain()
            elif is_replaying:
                is_replaying = False
                writer.write(encode(CaughtUp(seq=cursor)))
            else:
                await self._recent.wait_beyond(cursor)

    async def _read_file(self, cursor: int) -> list[bytes]:
        def read() -> list[bytes]:
            return [encode(record) for record in self._reader.after(cursor, CHUNK)]

        return await asyncio.get_running_loop().run_in_executor(self._reading, read)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await _read_line(reader):
            message = decode_client_line(line)
            if isinstance(message, Ping):
                writer.write(encode(Pong(id=message.id, mono_ns=mono_ns())))
                await writer.drain()
            elif isinstance(message, Hit):
                self._source.hit(message)
            elif isinstance(message, Crossed):
                self._source.crossed(message)
            else:
                raise NotUnderstood("A second hello on one connection.", "Open a new connection.")


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    """One line, or nothing at the end of the stream."""
    try:
        return await reader.readline()
    except ValueError as error:
        raise NotUnderstood("The line is too long.", "Send one short JSON object per line.") from error


def _checked_hello(line: bytes) -> ClientHello:
    hello = decode_client_line(line)
    if not isinstance(hello, ClientHello):
        raise NotUnderstood("The first line must be a hello.", "Send it first.")
    if hello.protocol != PROTOCOL:
        raise NotUnderstood(f"This recorder speaks protocol {PROTOCOL}, not {hello.protocol}.", "Use that version.")
    return hello


async def _refuse(writer: asyncio.StreamWriter, message: str) -> None:
    log.warning("client_refused why=%r", message)
    writer.write(encode(Refusal(message=message)))
    writer.close()
    with contextlib.suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            await writer.wait_closed()
