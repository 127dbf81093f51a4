"""
Simulated GPIO lines inside the private kernel: contacts that close, and what the strips heard of them.

A hit is `pull-down` written to the simulated line: two wires that close to ground.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.errors import ApplianceError
from timing.strips import RawEdge, RawGap, Strips
from timing.strips.choose import add_arguments, open_strips

STRIPS = Path("/run/strips")

APART_S = 0.003
"""The simulation moves its lines 1,000 times a second; edges closer than two ticks merge before the kernel."""

DEADLINE_S = 20


def pull(line: int, up_or_down: str) -> None:
    (STRIPS / f"line{line}" / "pull").write_text(f"pull-{up_or_down}")


def level(line: int) -> int:
    """What a lamp on this line would show: 1 is lit."""
    return int((STRIPS / f"line{line}" / "value").read_text())


async def hit(*lines: int) -> tuple[int, int]:
    """Close contacts and open them again; answers from when to when they were closed, on the kernel's clock."""
    closed_ns = time.monotonic_ns()
    for line in lines:
        pull(line, "down")
    await asyncio.sleep(APART_S)
    opened_ns = time.monotonic_ns()
    for line in lines:
        pull(line, "up")
    await asyncio.sleep(APART_S)
    return closed_ns, opened_ns


def chatter(line: int, edges: int) -> None:
    """Make edges as quickly as the simulation can, in this thread: the event loop reads none of them meanwhile."""
    for number in range(edges):
        pull(line, "up" if number % 2 else "down")
        time.sleep(APART_S)


def assert_stamped_while_closed(hits: list[tuple[int, int]], edges: list[RawEdge]) -> None:
    """Each contact made while it was closed, each release after it was opened; however late they were read."""
    for (closed_ns, opened_ns), made, lost in zip(hits, edges[::2], edges[1::2], strict=True):
        assert closed_ns <= made.at_ns <= opened_ns <= lost.at_ns, (closed_ns, made, opened_ns, lost)


class Heard:
    """A sink that remembers, and can be waited on."""

    def __init__(self) -> None:
        self.raw: list[RawEdge | RawGap] = []
        self._more = asyncio.Event()

    def __call__(self, raw: RawEdge | RawGap) -> None:
        self.raw.append(raw)
        self._more.set()

    @property
    def edges(self) -> list[RawEdge]:
        return [raw for raw in self.raw if isinstance(raw, RawEdge)]

    @property
    def gaps(self) -> list[RawGap]:
        return [raw for raw in self.raw if isinstance(raw, RawGap)]

    async def until(self, is_enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not is_enough():
                self._more.clear()
                await self._more.wait()

    async def until_edges(self, count: int) -> list[RawEdge]:
        await self.until(lambda: len(self.edges) >= count)
        return self.edges


def options(*words: str) -> argparse.Namespace:
    """The recorder's command line, read as the recorder reads it."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(["--strips", "gpio", *words])


@asynccontextmanager
async def watched(*words: str) -> AsyncIterator[tuple[Strips, Heard]]:
    strips, heard = open_strips(options(*words)), Heard()
    await strips.start(heard)
    try:
        yield strips, heard
    finally:
        await strips.stop()


async def until(is_so: Callable[[], bool]) -> None:
    """Something that another thread or process does."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110  it sets no event of ours
            await asyncio.sleep(0.005)


async def refused(words: list[str], message: str) -> None:
    with pytest.raises(ApplianceError) as error:
        async with watched(*words):
            pass
    assert str(error.value).startswith(message), str(error.value)


def backends() -> list[str]:
    """lgpio has no package for Python 3.13 and newer; there is only its refusal to prove."""
    return ["gpiod", "lgpio"] if sys.version_info < (3, 13) else ["gpiod"]
