"""Races beside the pushes of the bench: a simulated strip that is hit, and screens that show it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from appliance.demo_client import Api
from tests.bench.fanout import Strip, endless_event
from tests.faults.box import Box

LAP_S = 0.15
SCREENS = 20
SCREENS_NICENESS = -15
SETTLE_S = 1.0
"""After the last lap, for the slowest screen."""


class Laps:
    """
    One race after the other on one track, each as long as a block of `driven`; `close()` at the end.

    `durable_ms`, `shown_ms`: by the moment of each lap, in ns of the monotonic clock, how many ms later it was on the
    disk, and the last screen had heard of it.
    """

    def __init__(self, box: Box, api: Api, event: tuple[str, str, str], strip: Strip) -> None:
        self._box, self._api, self._event, self._strip = box, api, event, strip
        self.durable_ms: dict[int, float] = {}
        self.shown_ms: dict[int, float] = {}

    @classmethod
    async def opened(cls, box: Box, api: Api) -> "Laps":
        """The event and the strip."""
        return cls(box, api, await endless_event(api), await Strip.connect(box.timing_socket))

    async def close(self) -> None:
        """Leave the strip."""
        self._strip.close()

    @asynccontextmanager
    async def driven(self) -> AsyncIterator[None]:
        """A race whose strip is hit all the time, once every screen shows it; it is handed in at the end."""
        race = await self._api.create_race(*self._event)
        screens = await self._screens()
        first = len(self._strip.crossings_ns)
        hitting = asyncio.create_task(self._hit())
        try:
            yield
        finally:
            hitting.cancel()
        await asyncio.sleep(SETTLE_S)
        self._keep(first, await _report(screens))
        for kind in ("end", "submit"):
            await self._api.act(race.race_id, kind)

    async def _screens(self) -> asyncio.subprocess.Process:
        path = f"/api/events/{self._event[0]}/live?track=combined"
        screens = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.screens", str(self._box.port), path, str(SCREENS),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=16 * 1024 * 1024,
        )  # fmt: skip
        assert screens.stdout is not None
        assert await screens.stdout.readline() == b"ready\n"
        with contextlib.suppress(PermissionError):  # In truth they are phones, and wait for no processor of the box.
            os.setpriority(os.PRIO_PROCESS, screens.pid, SCREENS_NICENESS)
        return screens

    async def _hit(self) -> None:
        while True:
            self._strip.hit()
            await asyncio.sleep(LAP_S)

    def _keep(self, first: int, heard: dict[str, Any]) -> None:
        assert heard["closed"] == 0, f"{heard['closed']} screens lost their stream"
        assert all(count == SCREENS for count, _ in heard["laps"].values()), "a screen missed a lap"
        # Crossing 0 of the race starts its clock; crossing n completes lap n.
        at_ns, told_ns = self._strip.crossings_ns[first:], self._strip.heard_ns[first:]
        assert len(heard["laps"]) >= len(at_ns) - 1, f"{len(heard['laps'])} of {len(at_ns)} crossings reached a screen"
        self.durable_ms |= {at: (told - at) / 1e6 for at, told in zip(at_ns, told_ns, strict=True)}
        for lap, (_, last_ns) in heard["laps"].items():
            self.shown_ms[at_ns[int(lap)]] = (last_ns - at_ns[int(lap)]) / 1e6


async def _report(screens: asyncio.subprocess.Process) -> dict[str, Any]:
    assert screens.stdin is not None
    assert screens.stdout is not None
    screens.stdin.write(b"report\n")
    heard: dict[str, Any] = msgspec.json.decode(await screens.stdout.readline())
    screens.stdin.close()
    await screens.wait()
    return heard
