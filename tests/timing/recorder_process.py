"""A real recorder process and a bare client of its stream, for tests: nothing here waits for time, only for lines."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

MS = 1_000_000
"""In ns."""
DEADLINE_S = 20
"""A test that waits longer for a line has failed."""
Message = dict[str, Any]


class RecorderProcess:
    """`python -m timing.recorder` on a directory; may be killed and started again."""

    def __init__(self, directory: Path, *arguments: str, data: Path | None = None) -> None:
        self.data = data or directory / "data"
        self.socket = directory / "timing.sock"
        self._errors = directory / "recorder.err"
        self.arguments = arguments or ("--strips", "simulated", "--lines", "17,27")
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def stderr(self) -> str:
        return self._errors.read_text()

    async def start(self) -> str:
        """Start it; answers its ready line, or "" when it ended instead."""
        with self._errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "timing.recorder", "--data", str(self.data), "--socket", str(self.socket),
                *self.arguments, stdout=asyncio.subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self._process.stdout.readline()).decode()

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; answers the exit status."""
        assert self._process is not None
        if self._process.returncode is None:
            os.kill(self._process.pid, number)
        return await self.ended()

    async def ended(self) -> int:
        assert self._process is not None
        async with asyncio.timeout(DEADLINE_S):
            return await self._process.wait()

    async def __aenter__(self) -> Self:
        assert await self.start(), self.stderr
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end(signal.SIGKILL)


class BareClient:
    """Lines out, lines in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, line: Message | bytes) -> None:
        self._writer.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")

    def hello(self, after: int | None = 0, **more: object) -> None:
        self.send({"type": "hello", "protocol": 1, "after": after, **more})

    def hit(self, line: int = 17, hold_ms: int = 1, bounces: int = 0) -> None:
        self.send({"type": "hit", "line": line, "hold_ms": hold_ms, "bounces": bounces})

    async def next(self) -> Message | None:
        """The next message of any type; None at the end of the stream."""
        try:
            line = await self._reader.readline()
        except ConnectionError:
            return None
        return json.loads(line) if line.endswith(b"\n") else None

    async def until(self, kind: str) -> Message:
        """The next message of this type; others are passed over."""
        async with asyncio.timeout(DEADLINE_S):
            while (message := await self.next()) is not None:
                if message["type"] == kind:
                    return message
        raise AssertionError(f"the stream ended before any {kind}")

    async def edges(self, count: int) -> list[Message]:
        """The next `count` edges and gaps; heartbeats are passed over."""
        found: list[Message] = []
        async with asyncio.timeout(DEADLINE_S):
            while len(found) < count:
                message = await self.next()
                assert message is not None, f"the stream ended after {len(found)} of {count}"
                if message["type"] in ("edge", "gap"):
                    found.append(message)
        return found

    async def edges_to_the_end(self) -> list[Message]:
        """Every edge and gap until the recorder goes."""
        found: list[Message] = []
        async with asyncio.timeout(DEADLINE_S):
            while (message := await self.next()) is not None:
                if message["type"] in ("edge", "gap"):
                    found.append(message)
        return found

    async def replay(self) -> list[Message]:
        """Every edge and gap until caught_up."""
        found: list[Message] = []
        async with asyncio.timeout(DEADLINE_S):
            while (message := await self.next()) is not None:
                if message["type"] == "caught_up":
                    return found
                if message["type"] in ("edge", "gap"):
                    found.append(message)
        raise AssertionError("the stream ended before caught_up")


@asynccontextmanager
async def connected(socket: Path) -> AsyncIterator[BareClient]:
    """A connection that has said nothing yet."""
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=1_048_576)
    try:
        yield BareClient(reader, writer)
    finally:
        writer.transport.abort()


async def history(socket: Path, after: int | None = 0) -> list[Message]:
    """What a new client is told until caught_up."""
    async with connected(socket) as client:
        client.hello(after)
        return await client.replay()


def numbers(edges: list[Message]) -> list[int]:
    return [edge["seq"] for edge in edges]


def stored(data: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of edges.db."""
    connection = sqlite3.connect(f"file:{data}/edges.db?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def resident_kb(pid: int) -> int:
    """The memory that a process has in use."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
