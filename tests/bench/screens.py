"""
Many live screens in one process of their own, as light as they can be: raw sockets, no HTTP library.

`python -m tests.bench.screens PORT PATH COUNT` prints `ready` once every screen has its snapshot; then each line on its
standard input is answered by one JSON line of what arrived since the last.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

from web.open_files import allow_open_files

LAPS = re.compile(rb'"laps":(\d+)')
CONNECTING_AT_ONCE = 100


class Tally:
    """What all screens have received."""

    def __init__(self, count: int) -> None:
        self.waiting = count
        self.snapshots = asyncio.Event()
        self.received_bytes = 0
        self.closed = 0
        self.laps: dict[int, list[int]] = {}

    def snapshot(self) -> None:
        """One more screen shows the board."""
        self.waiting -= 1
        if self.waiting == 0:
            self.snapshots.set()

    def lap(self, number: int, at_ns: int) -> None:
        """A screen heard of a lap: how many have, and when the last did."""
        seen = self.laps.setdefault(number, [0, 0])
        seen[0] += 1
        seen[1] = at_ns

    def report(self) -> str:
        """Everything since the last report, as JSON."""
        out = json.dumps({"bytes": self.received_bytes, "closed": self.closed, "laps": self.laps})
        self.received_bytes, self.laps = 0, {}
        return out


class ScreenProtocol(asyncio.Protocol):
    """One screen: asks for the stream and reads its events."""

    def __init__(self, tally: Tally, request: bytes) -> None:
        self._tally = tally
        self._request = request
        self._rest = b""
        self._has_snapshot = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Stamp first, then look what it was."""
        at_ns = time.monotonic_ns()
        self._tally.received_bytes += len(data)
        self._rest += data
        while (end := self._rest.find(b"\n\n")) >= 0:
            event, self._rest = self._rest[:end], self._rest[end + 2 :]
            self._take(event, at_ns)

    def connection_lost(self, exc: Exception | None) -> None:
        """A screen the server let go: the figures would be worth nothing."""
        self._tally.closed += 1

    def _take(self, event: bytes, at_ns: int) -> None:
        if b"event: race" in event:
            found = LAPS.search(event)
            assert found is not None
            self._tally.lap(int(found[1]), at_ns)
        elif not self._has_snapshot and b"event: snapshot" in event:
            self._has_snapshot = True
            self._tally.snapshot()


async def main(port: int, path: str, count: int) -> None:
    """Open all screens, then answer reports until the input ends."""
    allow_open_files(count + 100)
    loop = asyncio.get_running_loop()
    tally = Tally(count)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n".encode()
    for start in range(0, count, CONNECTING_AT_ONCE):
        wave = range(start, min(start + CONNECTING_AT_ONCE, count))
        await asyncio.gather(
            *(loop.create_connection(lambda: ScreenProtocol(tally, request), "127.0.0.1", port) for _ in wave)
        )
    await tally.snapshots.wait()
    print("ready", flush=True)
    tally.report()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.readline():
        print(tally.report(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
