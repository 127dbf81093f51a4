"""A screen for tests: reads Server-Sent Events from a real connection, one by one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.web.conftest import ANONYMOUS, Site

DEADLINE_S = 30.0
"""A message that has not come by then never will."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One event."""

    name: str
    data: Any
    size_bytes: int


class Screen:
    """An open stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.head = ""

    async def next(self, *names: str) -> Heard:
        """The next event, or the next with one of these names; beats are passed over unless asked for."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                heard = await self._event()
                if heard.name in names or (not names and heard.name != "beat"):
                    return heard

    async def ended(self) -> bool:
        """Whether the server ends the stream as HTTP does, with a last empty chunk."""
        async with asyncio.timeout(DEADLINE_S):
            try:
                while True:
                    await self._event()
            except EOFError:
                return True

    async def _event(self) -> Heard:
        text = b""
        while not text.endswith(b"\n\n"):
            size = int(await self._reader.readline(), 16)
            text += await self._reader.readexactly(size)
            await self._reader.readexactly(2)
            if size == 0:
                raise EOFError
        name, data = text.decode().rstrip("\n").split("\n")
        return Heard(name.removeprefix("event: "), json.loads(data.removeprefix("data: ")), len(text))


@asynccontextmanager
async def watching(site: Site, event_id: str, query: str = "") -> AsyncIterator[Screen]:
    """A screen connected to an event's stream, its answer's head read."""
    async with listening(site, f"/api/events/{event_id}/live{query}") as screen:
        yield screen


@asynccontextmanager
async def listening(site: Site, path: str, role: str = ANONYMOUS) -> AsyncIterator[Screen]:
    """Somebody of this role at any stream, its answer's head read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    token = "" if role == ANONYMOUS else f"Authorization: Bearer {site.tokens[role]}\r\n"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n{token}\r\n".encode())
    screen = Screen(reader, writer)
    async with asyncio.timeout(DEADLINE_S):
        screen.head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    try:
        yield screen
    finally:
        writer.close()
