"""
How long the box waits for a request: a visitor who connects and says nothing, or says it letter by letter, is let go.

uvicorn waits for ever, and every connection that waits costs memory and a file. A slow phone is no slow letter: while
bytes keep coming at `LEAST_BYTES` in each `REQUEST_S`, an upload may take as long as it takes.

Refuses here already what would make every reader of the address stumble: a Host that is none (RFC 9112, 3.2).
"""

import asyncio
import re
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

REQUEST_S = 20.0
"""For the whole of an ordinary request, from the connection or its first byte on."""
LEAST_BYTES = 20 * 1024
HOST = re.compile(rb"(?:[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::(\d{0,5}))?")
HIGHEST_PORT = 65_535


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP with an end to its patience. Between two requests `timeout_keep_alive` holds."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._deadline: asyncio.TimerHandle | None = None
        self._heard_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Somebody connected; the request is to follow."""
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        """Some of a request, perhaps of the next one."""
        self._heard_bytes += len(data)
        if self._deadline is None:
            self._expect()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head of a request. What is raised in a callback of the parser is answered with 400."""
        for name, value in self.headers:
            if name == b"host" and not is_host(value):
                raise ValueError("not a Host")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A whole request; its answer may take as long as it takes."""
        self._enough()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more to wait for."""
        self._enough()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._heard_bytes = 0
        self._deadline = self.loop.call_later(REQUEST_S, self._look)

    def _enough(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _look(self) -> None:
        if self._heard_bytes >= LEAST_BYTES:
            self._expect()
            return
        self._deadline = None
        self.transport.close()


def is_host(value: bytes) -> bool:
    """A name or an address, and perhaps a port."""
    match = HOST.fullmatch(value)
    return match is not None and int(match[1] or 0) <= HIGHEST_PORT
