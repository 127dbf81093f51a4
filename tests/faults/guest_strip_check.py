"""
The strip check on real edges: `python -m tests.faults.guest_strip_check SHARE`, inside the private kernel.

Eight strips, each taped in another way that goes wrong on the floor, tapped when `trackside strips --test` asks for
them. The kernel makes the edges, the recorder records them, the command gives the verdicts.
"""

import asyncio
import re
import time
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from statistics import median

from tests.faults.pulled_strips import pull
from tests.timing.recorder_process import RecorderProcess
from tests.timing.test_strip_terminal import Strips, strips

BETWEEN_TAPS_S = 0.4
APART_S = 0.003
"""Edges closer than two ticks of this kernel merge."""
LINES = "17=good,27:pull-up:active-high=inverted,22=chattering,23=dead,24=short,5=with ghost,6=swapped,12=ghost"
TOUCHES_NS: list[int] = []
SHORT_NS = 4_000_000
"""A touch that lasted no longer than this is too short for certain, whatever the ticks made of it."""
GAPS_NS: list[int] = []
PARTED_NS = 75_000_000
"""Half the quiet that ends a hit (timing/strip_hits.py)."""
Tap = Callable[[], Coroutine[None, None, None]]


async def press(line: int, hold_s: float = 0.08) -> None:
    pull(line, pressed=True)
    await asyncio.sleep(hold_s)
    pull(line, pressed=False)


async def bouncing() -> None:
    """A busy machine may part a tap in two, which is then not judged here."""
    moments = [time.monotonic_ns()]
    for _ in range(12):
        await press(22, APART_S)
        await asyncio.sleep(APART_S)
        moments.append(time.monotonic_ns())
    await press(22)
    GAPS_NS.append(max(after - before for before, after in pairwise(moments)))


async def with_ghost() -> None:
    pull(12, pressed=True)
    await press(5)
    pull(12, pressed=False)


async def touching() -> None:
    """No sleep: a busy machine would make a proper tap of it, which is then not judged here."""
    closed = pull(24, pressed=True)
    while time.monotonic_ns() - closed.before_ns < 2_000_000:
        pass
    TOUCHES_NS.append(pull(24, pressed=False).before_ns - closed.after_ns)


async def nobody() -> None:
    """A cable that hangs loose."""


TAPS: dict[str, Tap] = {
    "good": lambda: press(17),
    "inverted": lambda: press(27),
    "chattering": bouncing,
    "dead": nobody,
    "short": touching,
    "with ghost": with_ghost,
    "swapped": lambda: press(12),
    "ghost": lambda: press(12),
}
WANTED = {
    "good": "Good",
    "inverted": "Inverted",
    "chattering": "Chattering",
    "dead": "Dead",
    "short": "Too short",
    "with ghost": "Fires another strip",
    "swapped": "Another strip answers",
    "ghost": "Good",
}


async def tap_each(shown: Strips) -> None:
    for name, tap in TAPS.items():
        await shown.until(f"^Tap {name} three times$")
        for _ in range(3):
            await tap()
            await asyncio.sleep(BETWEEN_TAPS_S)


async def test(directory: Path) -> None:
    """One test of all."""
    for line in (17, 27, 22, 23, 24, 5, 6, 12):
        pull(line, pressed=False)
    arguments = ("--strips", "gpio", "--gpio-lines", LINES)
    async with RecorderProcess(directory, *arguments) as recorder, strips(recorder.socket, "--test") as shown:
        await shown.until("Keep off the strips")
        await tap_each(shown)
        status = await shown.ended()
    text = "\n".join(shown.rows)
    print(text)
    verdicts = dict(re.findall(r"^ [✓✗] (\S.*?)  +(\S[^.]*)\. ", text, re.MULTILINE))
    if median(TOUCHES_NS) > SHORT_NS:
        verdicts["short"] = WANTED["short"]
    if median(GAPS_NS) > PARTED_NS:
        verdicts["chattering"] = WANTED["chattering"]
    assert verdicts == WANTED, (verdicts, TOUCHES_NS, GAPS_NS)
    assert status == 1


if __name__ == "__main__":
    asyncio.run(test(Path("/run")))
