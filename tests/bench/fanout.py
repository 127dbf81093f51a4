"""
From the stamped edge to the last of N live screens, with the real recorder and the real server.

One race without end; a simulated strip is hit every half second; N raw connections in a process of their own read the
stream. The edge's stamp and the screens' clocks are the same CLOCK_MONOTONIC. Screens and server share this machine's
processors, so the figures include what the screens cost.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from appliance.demo_client import Api
from tests.bench.common import percentile, print_result
from tests.faults.box import Box, running_box

LAP_SECONDS = 0.5
LINE = 17
CLOCK_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SETTLE_S = 2.0
"""After the last lap, for the slowest screen."""


@dataclass(frozen=True, slots=True)
class Burst:
    """What one number of screens measured."""

    screens: int
    delays_ms: list[float]
    missed: int
    bytes_per_screen_and_lap: float
    server_cpu_ms_per_lap: float
    recorder_cpu_ms_per_lap: float
    memory_mb: float

    def figures(self) -> dict[str, float]:
        """Under names that say the number of screens."""
        figures = {
            "p50_ms": percentile(self.delays_ms, 50),
            "p95_ms": percentile(self.delays_ms, 95),
            "max_ms": max(self.delays_ms),
            "missed": self.missed,
            "bytes_per_screen_and_lap": self.bytes_per_screen_and_lap,
            "server_cpu_ms_per_lap": self.server_cpu_ms_per_lap,
            "recorder_cpu_ms_per_lap": self.recorder_cpu_ms_per_lap,
            "memory_mb": self.memory_mb,
        }
        return {name: round(value, 1) for name, value in figures.items()}


class Strip:
    """A client of the timing stream: hits the simulated strip and keeps the stamp of each crossing."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.crossings_ns: list[int] = []
        self.heard_ns: list[int] = []
        """When this client heard of each: by then it is durable."""
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def connect(cls, socket_path: Path) -> "Strip":
        """Join live; earlier edges do not matter."""
        reader, writer = await asyncio.open_unix_connection(str(socket_path))
        writer.write(b'{"type":"hello","protocol":1,"after":null}\n')
        return cls(reader, writer)

    def hit(self) -> None:
        """A car rolls over it."""
        self._writer.write(b'{"type":"hit","line":%d,"hold_ms":40,"bounces":0}\n' % LINE)

    def close(self) -> None:
        """Leave."""
        self._listening.cancel()
        self._writer.close()

    async def _listen(self) -> None:
        async for line in self._reader:
            message = msgspec.json.decode(line)
            if message["type"] == "edge" and message["edge"] == "active":
                self.crossings_ns.append(message["at_ns"])
                self.heard_ns.append(time.monotonic_ns())


async def measure(box: Box, strip: Strip, event_id: str, screens: int, laps: int) -> Burst:
    """Connect `screens`, let `laps` laps happen, and look when the last screen heard of each."""
    path = f"/api/events/{event_id}/live?track=combined"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.screens", str(box.port), path, str(screens),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=16 * 1024 * 1024,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    [server], [recorder] = box.server_pids(), box.recorder_pids()
    first = len(strip.crossings_ns)
    cpu = cpu_ms(server), cpu_ms(recorder)
    await laps_every(strip, laps)
    spent = cpu_ms(server) - cpu[0], cpu_ms(recorder) - cpu[1]
    process.stdin.write(b"report\n")
    heard: dict[str, Any] = msgspec.json.decode(await process.stdout.readline())
    memory_mb = memory_kb(server) + memory_kb(recorder)
    process.stdin.close()
    await process.wait()
    assert heard["closed"] == 0, f"{heard['closed']} screens lost their stream"
    # Crossing 0 of the race starts its clock; crossing n completes lap n.
    stamps = dict(enumerate(strip.crossings_ns))
    seen = {int(number): entry for number, entry in heard["laps"].items() if int(number) >= max(first, 1)}
    assert len(seen) >= laps - 1, f"{len(seen)} of {laps} laps reached a screen"
    return Burst(
        screens=screens,
        delays_ms=[(last_ns - stamps[number]) / 1e6 for number, (_, last_ns) in seen.items()],
        missed=sum(screens - count for count, _ in seen.values()),
        bytes_per_screen_and_lap=heard["bytes"] / screens / laps,
        server_cpu_ms_per_lap=spent[0] / laps,
        recorder_cpu_ms_per_lap=spent[1] / laps,
        memory_mb=memory_mb / 1024,
    )


async def laps_every(strip: Strip, laps: int) -> None:
    """One hit each half second, by the clock, however long a hit takes."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(laps):
        await asyncio.sleep(max(0.0, begin + number * LAP_SECONDS - loop.time()))
        strip.hit()
    await asyncio.sleep(SETTLE_S)


async def ready_race(api: Api) -> str:
    """An event whose race never ends and whose strip is locked out for less than a lap; the race is ready to start."""
    event_id, track_id, racer_id = await endless_event(api)
    await api.create_race(event_id, track_id, racer_id)
    return event_id


async def endless_event(api: Api) -> tuple[str, str, str]:
    """Its id, its track's, and a racer's who may race as often as they like."""
    rules = {"race_ms": None, "max_runs": None, "lockout_ms": 100, "min_lap_ms": 0}
    event = await api.send("POST", "/api/events", {"name": "Fan-out", "rules": rules})
    racer = await api.send("POST", "/api/racers", {"username": "Bench", "country": "DE"})
    return str(event["event_id"]), str(event["tracks"][0]["track_id"]), str(racer["racer_id"])


def cpu_ms(pid: int) -> float:
    """Processor time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / CLOCK_TICKS_PER_S


def memory_kb(pid: int) -> float:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return float(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


async def run(numbers: Sequence[int], laps: int) -> dict[str, object]:
    """All bursts on one box, in one race."""
    with tempfile.TemporaryDirectory() as directory:
        async with running_box(Path(directory) / "box", {"TRACKSIDE_SIMULATED_LINES": str(LINE)}) as (box, api):
            # As on a race day: the box was started before, and what makes its tables is not in its memory.
            box.stop()
            box.start()
            await box.ready()
            event_id = await ready_race(api)
            strip = await Strip.connect(box.timing_socket)
            try:
                bursts = [await measure(box, strip, event_id, number, laps) for number in numbers]
            finally:
                strip.close()
    return {f"screens_{burst.screens}": burst.figures() for burst in bursts}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screens", default="1,100,1000")
    parser.add_argument("--laps", type=int, default=60)
    options = parser.parse_args(arguments)
    numbers = [int(number) for number in options.screens.split(",")]
    print_result("fanout", laps=options.laps, **asyncio.run(run(numbers, options.laps)))


if __name__ == "__main__":
    main()
