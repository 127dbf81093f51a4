"""
The timekeeper's terminal as somebody who was at this track before starts it: a real box, a real terminal of 140×40.

From the command to the first character on the screen and to the race; then its memory, and how busy it is while the
clocks run and while they stand.
"""

import argparse
import asyncio
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.demo_client import Api
from tests.bench.common import percentile, print_result
from tests.faults.box import PASSWORD, TRACKSIDE, Box, running_box
from tests.faults.driver import make_event, make_racer
from tui.box import Box as Client
from tui.state_dir import RememberedBox, StateDir

COLUMNS, ROWS = 140, 40
STARTS = 5
WATCHED_S = 20.0
SETTLE_S = 3.0
"""The last work of starting is done by then: the clock of the box is measured in the first second."""
PATIENCE_S = 60.0
SEATED = b"WHAT HAPPENED"
"""Words that only the race screen has, and only when it knows the race."""
LIMITS = {"first_paint_ms": 1_500, "rss_mb": 80, "cpu_percent_running": 10}
CONTROL = re.compile(
    rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P_^][^\x1b]*\x1b\\|\x1b[@-Z=>()78c]"
)
"""ECMA-48: what tells a terminal something instead of writing a character."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Terminal:
    """One life of `trackside tui` in a terminal of its own."""

    def __init__(self, address: str, state: Path) -> None:
        self._screen, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environment = {**os.environ, "XDG_STATE_HOME": str(state), "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._begun = time.perf_counter()
        self._process = subprocess.Popen(
            [*TRACKSIDE, "tui", address],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=environment,
            start_new_session=True,
        )
        os.close(inside)
        self._seen = b""
        self.proc = Path(f"/proc/{self._process.pid}")

    def first_paint_ms(self) -> float:
        """Until there is anything to read."""
        return self._until_ms(lambda: bool(CONTROL.sub(b"", self._seen).strip()))

    def seat_ms(self) -> float:
        """Until the race is on the screen."""
        return self._until_ms(lambda: SEATED in self._seen)

    def watch(self, watched_s: float) -> None:
        """Take what it writes, as a terminal does."""
        until = time.perf_counter() + watched_s
        while (left_s := until - time.perf_counter()) > 0:
            self._take(left_s)
        self._seen = b""

    def cpu_percent(self, watched_s: float) -> float:
        """Of one core, system time included."""
        before, begun = self._cpu_s(), time.perf_counter()
        self.watch(watched_s)
        return round((self._cpu_s() - before) / (time.perf_counter() - begun) * 100, 1)

    def cpu_ms(self) -> float:
        """Processor time since the command: what the starting costs, whatever else the machine does."""
        return self._cpu_s() * 1_000

    def rss_mb(self) -> float:
        """Resident memory now."""
        kb = re.findall(r"^VmRSS:\s+(\d+)", (self.proc / "status").read_text(), re.MULTILINE)[0]
        return round(int(kb) / 1024, 1)

    def warm_up(self) -> None:
        """The first start writes Python's byte code."""
        self.seat_ms()
        self.kill()

    def kill(self) -> None:
        """It keeps nothing."""
        self._process.kill()
        self._process.wait()
        os.close(self._screen)

    def _until_ms(self, holds: Callable[[], bool]) -> float:
        while not holds():
            left_s = self._begun + PATIENCE_S - time.perf_counter()
            assert left_s > 0, f"not within {PATIENCE_S} s: {self._seen[-2_000:]!r}"
            self._take(left_s)
        return (time.perf_counter() - self._begun) * 1_000

    def _take(self, patience_s: float) -> None:
        if select.select([self._screen], [], [], patience_s)[0]:
            self._seen += os.read(self._screen, 65_536)

    def _cpu_s(self) -> float:
        fields = (self.proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


async def remembered(box: Box, event_id: str, state: Path) -> None:
    """As if somebody had been at the track before: the box, who they are, the track."""
    client = Client(box.url)
    session = await client.sign_in("crew", PASSWORD)
    identity = await client.identity()
    await client.close()
    known = RememberedBox(box_id=identity.id, address=box.url, name=identity.name, event_id=event_id, track_id="1")
    await asyncio.to_thread(_remember, StateDir(state / "trackside" / "tui"), known, session.token)


def _remember(kept: StateDir, known: RememberedBox, token: str) -> None:
    kept.keep_token(known.box_id, known.address, token)
    kept.remember(known)
    assert kept.trouble is None, kept.trouble


async def running_race(api: Api, event_id: str) -> str:
    """A race with some laps, its clocks running."""
    race = await api.create_race(event_id, "1", await make_racer(api, "Ada"))
    for name in ("Bob", "Åsa", "佐藤健"):
        path = f"/api/events/{event_id}/tracks/1/queue"
        await api.send("POST", path, {"racer_id": await make_racer(api, name)})
    for kind in ("start", "lap", "lap", "reset", "lap"):
        await api.act(race.race_id, kind)
    return race.race_id


async def run(data: Path, starts: int, watched_s: float) -> dict[str, object]:
    """Start it again and again, then watch the last one."""
    state = data.parent / "state"
    paints, costs, seats = [], [], []
    async with running_box(data) as (box, api):
        event_id = await make_event(api)
        race_id = await running_race(api, event_id)
        await remembered(box, event_id, state)
        Terminal(box.url, state).warm_up()
        for _ in range(starts):
            terminal = Terminal(box.url, state)
            paints.append(terminal.first_paint_ms())
            costs.append(terminal.cpu_ms())
            seats.append(terminal.seat_ms())
            terminal.kill()
        terminal = Terminal(box.url, state)
        try:
            terminal.seat_ms()
            terminal.watch(SETTLE_S)
            running = terminal.cpu_percent(watched_s)
            rss_mb = terminal.rss_mb()
            await api.act(race_id, "pause")
            terminal.watch(SETTLE_S)
            idle = terminal.cpu_percent(watched_s)
        finally:
            terminal.kill()
    figures = {
        "first_paint_ms": {"p50": round(percentile(paints, 50)), "max": round(max(paints))},
        "first_paint_cpu_ms": round(percentile(costs, 50)),
        "seat_ms": {"p50": round(percentile(seats, 50)), "max": round(max(seats))},
        "rss_mb": rss_mb,
        "cpu_percent_running": running,
        "cpu_percent_idle": idle,
    }
    reached = {
        "first_paint_ms": percentile(paints, 50) <= LIMITS["first_paint_ms"],
        "rss_mb": rss_mb <= LIMITS["rss_mb"],
        "cpu_percent_running": running <= LIMITS["cpu_percent_running"],
    }
    return {"starts": starts, **figures, "limits": LIMITS, "reached": reached}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--watched-s", type=float, default=WATCHED_S)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        print_result("tui", **asyncio.run(run(Path(directory) / "data", options.starts, options.watched_s)))


if __name__ == "__main__":
    main()
