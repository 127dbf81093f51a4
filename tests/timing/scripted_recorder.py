"""A recorder whose every stamp a test decides: it speaks the stream as the real one does, in the test's own process."""

import asyncio
import json
from pathlib import Path
from typing import Any, Self

from appliance import clock

MS = 1_000_000
STRIP = {"line": 17, "name": "strip 1", "role": "strip"}
SECOND_STRIP = {"line": 27, "name": "strip 2", "role": "strip"}
BUTTON = {"line": 5, "name": "button", "role": "button"}


class ScriptedRecorder:
    """Holds edges and tells them to whoever comes; `moment_ns` is where the milliseconds of its edges count from."""

    def __init__(self, socket: Path, recorder_id: str, *lines: dict[str, Any], boot_id: str | None = None) -> None:
        self.socket = socket
        self.recorder_id = recorder_id
        self.boot_id = boot_id or clock.boot_id()
        self.lines = lines or (STRIP,)
        self.moment_ns = 0
        self.from_now()
        self.wall_ahead_ns = 0
        self.mono_ahead_ns = 0
        self.edges: list[dict[str, Any]] = []
        self.asked: list[int | None] = []
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._beat: asyncio.Task[None] | None = None

    @property
    def last_seq(self) -> int:
        return len(self.edges)

    def hang_up(self) -> None:
        """Whoever listens has to come again."""
        for writer in list(self._clients):
            writer.transport.abort()

    def from_now(self) -> int:
        """Let the milliseconds count from this moment; answers it."""
        self.moment_ns = clock.mono_ns()
        return self.moment_ns

    def press(self, at_ms: float, line: int = 17, *, hold_ms: float = 1) -> None:
        """A contact: two edges, told at once."""
        self.edge(at_ms, line, active=True)
        self.edge(at_ms + hold_ms, line, active=False)

    def edge(self, at_ms: float, line: int = 17, *, active: bool) -> None:
        at_ns = self.moment_ns + round(at_ms * MS)
        edge = {
            "type": "edge", "seq": len(self.edges) + 1, "boot_id": self.boot_id, "line": line,
            "edge": "active" if active else "inactive", "at_ns": at_ns + self.mono_ahead_ns,
            "wall_ns": clock.wall_ns() - clock.mono_ns() + at_ns + self.wall_ahead_ns,
        }  # fmt: skip
        self.edges.append(edge)
        for writer in self._clients:
            _say(writer, edge)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._talk, str(self.socket))
        self._beat = asyncio.create_task(self._beat_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._beat is not None
        self._beat.cancel()
        self._server.close()
        self.hang_up()

    async def _beat_on(self) -> None:
        while True:
            await asyncio.sleep(1)
            for writer in self._clients:
                _say(writer, {"type": "clock"} | self._clocks())

    def _clocks(self) -> dict[str, Any]:
        mono_ns, wall_ns = clock.mono_ns() + self.mono_ahead_ns, clock.wall_ns() + self.wall_ahead_ns
        return {"boot_id": self.boot_id, "mono_ns": mono_ns, "wall_ns": wall_ns}

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        after = json.loads(await reader.readline())["after"]
        self.asked.append(after)
        last_seq = len(self.edges)
        hello = {"recorder_id": self.recorder_id, "last_seq": last_seq, "lines": self.lines, "strips": "gpio"}
        _say(writer, {"type": "hello", "protocol": 1} | self._clocks() | hello)
        for edge in self.edges[last_seq if after is None else after :]:
            _say(writer, edge)
        _say(writer, {"type": "caught_up", "seq": last_seq})
        self._clients.add(writer)
        try:
            while line := await reader.readline():
                if (asked := json.loads(line))["type"] == "ping":
                    _say(writer, {"type": "pong", "id": asked["id"], "mono_ns": clock.mono_ns() + self.mono_ahead_ns})
        except ConnectionError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()


def _say(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    writer.write(json.dumps(message).encode() + b"\n")
