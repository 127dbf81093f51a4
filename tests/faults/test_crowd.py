"""A thousand live streams, and some of their readers have stopped: the others get every lap, the box stays small."""

import asyncio
import json
import resource
import socket
from pathlib import Path

import pytest

from tests.faults.box import running_box
from tests.faults.driver import APART_MS, make_event, make_racer
from tests.faults.strip_watch import StripWatch

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]

READERS = 1_000
STOPPED = 20
LAPS = 30
KEYS_PER_LAP = 12
"""Each is a message to every screen, so that a reader that stopped has more unread than the kernel's buffers take."""
GROWTH_BYTES = 60 * 2**20
"""What a server may grow by while readers that stopped are not read: each of them costs a bounded buffer."""


@pytest.fixture(autouse=True)
def many_files() -> None:
    """This process needs a file for every reader."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))


def memory_bytes(pid: int) -> int:
    """What the process has in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


class EndOfStream(Exception):
    """The box has closed the stream."""


class Screen:
    """A live stream read as a browser would; `laps` is what it showed last."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.laps = 0

    @classmethod
    async def open(cls, port: int, event_id: str) -> "Screen":
        """Connect and ask, with a receive buffer as small as the kernel allows."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=2**20)
        writer.write(f"GET /api/events/{event_id}/live HTTP/1.1\r\nHost: box\r\n\r\n".encode())
        return cls(reader, writer)

    def stop(self) -> None:
        """Read nothing from now on, as a phone that fell asleep with its connection open."""
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]

    def go_on(self) -> None:
        """Read again."""
        self.writer.transport.resume_reading()  # type: ignore[attr-defined]

    async def until(self, laps: int) -> None:
        """Read until a message says that the race has so many laps."""
        while self.laps < laps:
            line = await self._reader.readline()
            if not line:
                raise EndOfStream
            if line.startswith(b"data:"):
                self._take(json.loads(line[5:]))

    def _take(self, message: dict[str, object]) -> None:
        races = message.get("races", [message] if "lap_elapsed_ms" in message else [])
        assert isinstance(races, list)
        self.laps = max([self.laps, *(race["laps"] for race in races)])


async def catch_up(screen: Screen, port: int, event_id: str) -> Screen:
    """A screen that wakes up: what waited for it, or, when the box has given it up, a fresh start."""
    screen.go_on()
    try:
        async with asyncio.timeout(20):
            await screen.until(LAPS)
    except (ConnectionError, EndOfStream):
        screen = await Screen.open(port, event_id)
        async with asyncio.timeout(20):
            await screen.until(LAPS)
        screen.writer.close()
    return screen


async def test_stopped_readers_hold_nobody_up(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (box, api), StripWatch(box.timing_socket, APART_MS) as strips:
        event_id = await make_event(api)
        race = await api.create_race(event_id, "1", await make_racer(api, "Ada"))
        await strips.press(17)
        screens = [await Screen.open(box.port, event_id) for _ in range(READERS)]
        stopped, reading = screens[:STOPPED], screens[STOPPED:]
        for screen in stopped:
            screen.stop()
        (server,) = box.server_pids()
        await strips.press(17)
        await asyncio.gather(*(screen.until(1) for screen in reading))
        before = memory_bytes(server)
        for laps in range(2, LAPS + 1):
            for _ in range(KEYS_PER_LAP):
                await api.act(race.race_id, "reset")
            await strips.press(17)
            async with asyncio.timeout(30):
                await asyncio.gather(*(screen.until(laps) for screen in reading))
        assert memory_bytes(server) - before < GROWTH_BYTES
        assert len((await api.race(race.race_id)).laps) == LAPS
        caught_up = [await catch_up(screen, box.port, event_id) for screen in stopped]
        assert [screen.laps for screen in caught_up] == [LAPS] * STOPPED
        for screen in screens:
            screen.writer.close()
