"""
A client of the timing stream written from its description alone: presses simulated strips, keeps every edge it heard.

What it heard is acknowledged: it must be there, unchanged, whatever is killed afterwards. It also refuses what a
recorder must never do: a hole in the numbers, the same number twice with another content.
"""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AWAY_S = 0.02


@dataclass(frozen=True, slots=True)
class HeardEdge:
    """An edge as the stream said it."""

    seq: int
    boot_id: str
    line: int
    active: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class HeardGap:
    """A gap as the stream said it: edges known to be lost, or, with a `blind` reason, nobody knows how many."""

    seq: int
    line: int
    lost: int
    at_ns: int
    blind: str | None


class StripWatch:
    """
    Connected whenever there is a recorder. Use as `async with`.

    With `apart_ms`, presses are at least that far apart: longer than a lock-out, so that each one is a crossing.
    """

    def __init__(self, socket: Path, apart_ms: int = 0) -> None:
        self._socket = socket
        self._apart_ns = apart_ms * 1_000_000
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self._last_seq = 0
        self.edges: list[HeardEdge] = []
        self.gaps: list[HeardGap] = []
        self.connects = 0

    async def __aenter__(self) -> "StripWatch":
        self._task = asyncio.create_task(self._listen_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def press(self, line: int, *, hold_ms: int = 20, patience_s: float = 0.5) -> HeardEdge:
        """
        Press until the stream has said it; a press that a killed recorder never stamped is made again.

        Returns:
            The first new `active` edge of that line.
        """
        known = len(self.edges)
        if self._apart_ns and self.edges:
            wait_ns = self.edges[-1].at_ns + self._apart_ns - time.monotonic_ns()
            await asyncio.sleep(max(0, wait_ns) / 1e9)
        while True:
            await self.touch(line, hold_ms)
            try:
                async with asyncio.timeout(patience_s):
                    return await self._next_active(line, known)
            except TimeoutError:
                continue

    async def touch(self, line: int, hold_ms: int) -> None:
        """Make and break a contact once, whoever records it."""
        await self._send({"type": "hit", "line": line, "hold_ms": hold_ms})

    async def heard_after(self, count: int) -> list[HeardEdge]:
        """Edges after the first `count`, as soon as there is one."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.edges) > count)
            return self.edges[count:]

    async def until(self, true: Callable[["StripWatch"], bool]) -> None:
        """Until what was heard makes it true."""
        async with self._news, asyncio.timeout(60):
            await self._news.wait_for(lambda: true(self))

    async def _next_active(self, line: int, known: int) -> HeardEdge:
        async with self._news:
            while True:
                for edge in self.edges[known:]:
                    if edge.line == line and edge.active:
                        return edge
                await self._news.wait()

    async def _send(self, message: dict[str, object]) -> None:
        async with self._news:
            await self._news.wait_for(lambda: self._writer is not None)
        assert self._writer is not None
        self._writer.write(json.dumps(message).encode() + b"\n")

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._socket, limit=2**20)
            except OSError:
                await asyncio.sleep(AWAY_S)
                continue
            try:
                await self._listen(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                self._writer = None
                writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps({"type": "hello", "protocol": 1, "after": self._last_seq}).encode() + b"\n")
        self.connects += 1
        while line := await reader.readline():
            if not line.endswith(b"\n"):
                return
            message = json.loads(line)
            assert message["type"] != "error", message
            if message["type"] == "hello":
                await self._connected(writer)
            elif message["type"] in ("edge", "gap"):
                await self._hear(message)

    async def _connected(self, writer: asyncio.StreamWriter) -> None:
        async with self._news:
            self._writer = writer
            self._news.notify_all()

    async def _hear(self, message: dict[str, Any]) -> None:
        seq = message["seq"]
        assert seq == self._last_seq + 1, f"edge {seq} came where {self._last_seq + 1} was due"
        async with self._news:
            self._last_seq = seq
            if message["type"] == "gap":
                blind = message.get("blind")
                reason = blind and blind["reason"]
                self.gaps.append(HeardGap(seq, message["line"], message["lost"], message["at_ns"], reason))
            else:
                active = message["edge"] == "active"
                self.edges.append(HeardEdge(seq, message["boot_id"], message["line"], active, message["at_ns"]))
            self._news.notify_all()
