"""
The same strip hits timed by our recorder and by a 10 ms poll with wall-clock stamps: how wrong is each lap?

    python -m tests.bench.timer_vs_poll [--hits N]

In the private kernel (`make gpiolab`). Each pass of a car closes a contact for 3 to 40 ms; a tenth of the passes meet a
second strip 30 ms later. A line can have one reader, so each strip has a twin: both contacts are made one after the
other, and each timer is held against the puller's own monotonic stamp around its own contact. The first half runs idle,
the second with two busy programs beside. Lock-outs are 100 ms on both sides instead of 2,000, so that a thousand passes
take minutes. No clock is stepped here, though a step of the wall clock would be in the poll's laps and not in ours.

An error is that of a lap between two passes that were both seen and whose true moments are known to a tick: where the
puller itself was held up for longer, nobody knows the true gap, and the lap is in `doubtful` instead. `missed`: passes
without a stamp; `double`: stamps too many. A pass that the machine outside stretched until the lock-out was nearly over
is in `stretched` and cannot be double. Both sides include the simulation's tick of 1 ms.
"""

import argparse
import asyncio
import json
import sys
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tests.bench.lab_bench import DATA, busy_loops, chance, inside, keep_result, measure_inside, spread_ms
from tests.faults.pulled_strips import STRIPS, TICK_NS, Pull, PulledStrips, pull
from timing.crossings import EdgeSeen, detect

LOCKOUT_MS = 100
OURS, POLLED = (17, 27), (5, 6)
SECOND_STRIP_EVERY = 10
SECOND_STRIP_S = 0.03
LONGEST_PASS_NS = 90_000_000
"""Longer than any pass as planned, shorter than the lock-out."""
BEFORE_NS, AFTER_NS = 5_000_000, 110_000_000
"""A stamp belongs to the pass that it lies around: the poll may be late, and its clock is read in whole ms."""


@dataclass(frozen=True, slots=True)
class Pass:
    """A car over the strips: when the first contact of each twin was made."""

    ours: Pull
    polled: Pull
    is_stretched: bool


def is_known(made: Pull) -> bool:
    """Whether its moment is known to a tick."""
    return made.before_ns - made.after_ns <= TICK_NS


def middle_ns(made: Pull) -> int:
    """The best guess of a contact's moment."""
    return (made.after_ns + made.before_ns) // 2


class Poll:
    """The poll as a process of its own; its laps on our clock."""

    def __init__(self) -> None:
        self.laps_ns: list[int] = []

    async def start(self) -> None:
        """Until it polls."""
        chip = f"/dev/{(STRIPS / 'chip').read_text().strip()}"
        command = [sys.executable, "-m", "tests.bench.poll_timer", chip, str(LOCKOUT_MS), *map(str, POLLED)]
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"ready\n"
        self._reading = asyncio.create_task(self._read(self._process.stdout))

    async def stop(self) -> None:
        """With all laps read."""
        self._process.terminate()
        await self._reading
        await self._process.wait()

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        wall_minus_mono_ns = time.time_ns() - time.monotonic_ns()
        async for line in stdout:
            self.laps_ns.append(json.loads(line)["timestamp"] * 1_000_000 - wall_minus_mono_ns)


async def drive(hits: int) -> list[Pass]:
    """So many passes."""
    moments, passes = chance(), []
    for number in range(hits):
        await asyncio.sleep(moments.uniform(2.2, 4.0) * LOCKOUT_MS / 1e3)
        contact_s = moments.uniform(0.003, 0.040)
        ours, polled = pull(OURS[0], pressed=True), pull(POLLED[0], pressed=True)
        releases = [(contact_s, 0, False)]
        if number % SECOND_STRIP_EVERY == 0:
            releases += [(SECOND_STRIP_S, 1, True), (SECOND_STRIP_S + contact_s, 1, False)]
        began_s = asyncio.get_running_loop().time()
        for after_s, strip, pressed in sorted(releases):
            await asyncio.sleep(began_s + after_s - asyncio.get_running_loop().time())
            pull(OURS[strip], pressed=pressed)
            last = pull(POLLED[strip], pressed=pressed)
        passes.append(Pass(ours, polled, last.before_ns - ours.after_ns > LONGEST_PASS_NS))
    await asyncio.sleep(2 * LOCKOUT_MS / 1e3)
    return passes


def compared(passes: Sequence[Pass], made: Sequence[Pull], stamps_ns: Sequence[int]) -> dict[str, object]:
    """One timer's stamps, ascending, against its contacts."""
    seen: list[int | None] = []
    double = 0
    for one, contact in zip(passes, made, strict=True):
        first = bisect_left(stamps_ns, contact.after_ns - BEFORE_NS)
        last = bisect_left(stamps_ns, contact.before_ns + AFTER_NS)
        seen.append(stamps_ns[first] if first < last else None)
        double += 0 if one.is_stretched else max(0, last - first - 1)
    laps = [
        (contact, stamp, earlier, before)
        for (earlier, before), (contact, stamp) in pairwise(zip(made, seen, strict=True))
        if before is not None and stamp is not None
    ]
    errors_ms = [
        abs((stamp - before) - (middle_ns(contact) - middle_ns(earlier))) / 1e6
        for contact, stamp, earlier, before in laps
        if is_known(contact) and is_known(earlier)
    ]
    return {
        "lap_error": spread_ms(errors_ms),
        "laps": len(errors_ms),
        "doubtful": len(laps) - len(errors_ms),
        "missed": seen.count(None),
        "double": double,
    }


def crossings_ns(strips: PulledStrips) -> list[int]:
    """The stamps of our crossings, by the server's own rule."""
    edges = [
        EdgeSeen(recorder_id="bench", boot_id=edge.boot_id, seq=edge.seq, line=edge.line, active=edge.active,
                 at_ns=edge.at_ns, wall_ns=0)
        for edge in strips.edges
    ]  # fmt: skip
    return sorted(crossing.edge.at_ns for crossing in detect(edges, LOCKOUT_MS * 1_000_000))


async def run(hits: int) -> dict[str, object]:
    """Half of the hits idle, half busy."""
    socket = DATA / "timing.sock"
    recorder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "timing.recorder", "--data", str(DATA), "--socket", str(socket), "--strips", "gpio",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert recorder.stdout is not None
    assert await recorder.stdout.readline()
    poll = Poll()
    await poll.start()
    halves = {}
    async with PulledStrips(socket) as strips:
        halves["idle"] = await drive(hits // 2)
        with busy_loops(2):
            halves["busy"] = await drive(hits - hits // 2)
        await strips.press(OURS[0], patience_s=10)  # and with it everything before is heard
        await poll.stop()
        ours_ns = crossings_ns(strips)
    recorder.terminate()
    await recorder.wait()
    return {"hits": hits} | {name: figures(passes, ours_ns, poll.laps_ns) for name, passes in halves.items()}


def figures(passes: list[Pass], ours_ns: list[int], polled_ns: list[int]) -> dict[str, object]:
    """One half."""
    return {
        "stretched": sum(one.is_stretched for one in passes),
        "recorder": compared(passes, [one.ours for one in passes], ours_ns),
        "poll": compared(passes, [one.polled for one in passes], polled_ns),
    }


def main() -> None:
    """Outside: boot. Inside: measure."""
    if share := inside():
        Path(DATA).mkdir(exist_ok=True)
        keep_result(share, asyncio.run(run(int(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=1_000)
    measure_inside("timer-vs-poll", "tests.bench.timer_vs_poll", str(parser.parse_args().hits))


if __name__ == "__main__":
    main()
