"""A server that listens to recorders, and waits for what they tell instead of for time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Racing
from tests.timing.recorder_process import RecorderProcess, connected
from timing.facts import CrossingUnassigned, RaceChanged, StripsChanged
from timing.intake import StripIntake
from timing.rules import RaceRules
from timing.structs import RaceView

DEADLINE_S = 20

NO_LOCKOUT = RaceRules(lockout_ms=0)


class Heard:
    """Waits for facts instead of for time."""

    def __init__(self, racing: Racing) -> None:
        self.races: list[RaceView] = []
        self.loose: list[CrossingUnassigned] = []
        self._changed = asyncio.Event()
        racing.facts.subscribe(RaceChanged, lambda fact: self._hear(self.races, fact.view))
        racing.facts.subscribe(CrossingUnassigned, lambda fact: self._hear(self.loose, fact))
        racing.facts.subscribe(StripsChanged, lambda _: self._changed.set())

    def _hear(self, kept: list, fact: object) -> None:  # type: ignore[type-arg]
        kept.append(fact)
        self._changed.set()

    async def until(self, is_true: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not is_true():
                self._changed.clear()
                await self._changed.wait()


@dataclass
class Way:
    """The way to a remote recorder, as if SSH had forwarded its socket."""

    remote_id: str
    name: str
    socket_path: Path
    problem: str | None = None


class Ways:
    """The remote recorders that there are."""

    def __init__(self, *ways: Way) -> None:
        self.ways = list(ways)

    def links(self) -> list[Way]:
        return self.ways


@asynccontextmanager
async def listening(racing: Racing, own: Path, ways: Ways | None = None) -> AsyncIterator[tuple[StripIntake, Heard]]:
    """The strips of the recorder behind the socket `own`, and of those that the ways lead to."""
    heard = Heard(racing)
    strips = StripIntake(racing.db, racing.facts, racing.events, racing.control, own)
    await strips.load()
    strips.follow(ways or Ways())
    strips.start()
    try:
        yield strips, heard
    finally:
        await strips.stop()


async def press(recorder: RecorderProcess, times: int) -> None:
    """Hits that no server hears of; each is durable when this returns."""
    async with connected(recorder.socket) as client:
        client.hello(None)
        await client.until("caught_up")
        for _ in range(times):
            client.hit(17)
            await client.edges(2)
