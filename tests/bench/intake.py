"""
A model of 22 MB from its first byte on the wire until it is AVAILABLE: alone, and with eight racers at once.

Real server, real HTTP, pieces as the page sends them, from a process of its own (tests/bench/uploaders.py). Meanwhile
somebody asks the box for its name every 10 ms: how much longer that answer takes is how long the event loop was held
up, and the processors taken, on which laps are counted too. Disk, sender, inspection and box share this machine.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.bench.common import folder_on_disk, percentile, print_result
from tests.bench.fanout import cpu_ms, memory_kb
from tests.cars.model_samples import model_archive
from tests.faults.box import Box, running_box

NETWORK_BYTES = 22_000_000
CROWD = 8
ASK_EVERY_S = 0.01
REST_S = 2.0
"""Between two measures: what the last one left to be written is written."""


class Bystander:
    """Asks for the name of the box again and again over one connection, and takes the time of each answer."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._pid = box.server_pids()[0]
        self.waited_ms: list[float] = []
        self.most_mb = 0.0

    async def __aenter__(self) -> "Bystander":
        self._asking = asyncio.create_task(self._ask())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._asking.cancel()
        with suppress(asyncio.CancelledError):
            await self._asking

    async def _ask(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._box.port)
        try:
            while True:
                begin = time.perf_counter()
                writer.write(b"GET /api/box HTTP/1.1\r\nHost: box\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                self.waited_ms.append((time.perf_counter() - begin) * 1000)
                self.most_mb = max(self.most_mb, memory_kb(self._pid) / 1024)
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            writer.close()

    def figures(self) -> dict[str, float]:
        """What it waited."""
        return {
            "answer_p50_ms": round(percentile(self.waited_ms, 50), 1),
            "answer_p95_ms": round(percentile(self.waited_ms, 95), 1),
            "answer_max_ms": round(max(self.waited_ms), 1),
            "server_most_mb": round(self.most_mb, 1),
        }


def make_models(folder: Path, name: str, count: int) -> list[Path]:
    """Models that nobody has sent yet."""
    paths = [folder / f"{name}-{number}.tar.gz" for number in range(count)]
    for path in paths:
        path.write_bytes(model_archive(pb_bytes=NETWORK_BYTES, seed=path.name))
    return paths


async def send_all(box: Box, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """All at once, and what became of each."""
    command = [sys.executable, "-m", "tests.bench.uploaders", box.url, *map(str, paths)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


async def measure(box: Box, folder: Path, name: str, *, at_once: int, times: int) -> dict[str, float]:
    """`times` rounds of `at_once` models each."""
    [server] = box.server_pids()
    looked_ms, rates, spent_ms = [], [], 0.0
    watcher = Bystander(box)
    for number in range(times):
        paths = await asyncio.to_thread(make_models, folder, f"{name}-{number}", at_once)
        await asyncio.sleep(REST_S)
        before_ms = cpu_ms(server)
        async with watcher:
            sent = await send_all(box, paths)
        spent_ms += cpu_ms(server) - before_ms
        looked_ms += [(one["available_ns"] - one["acked_ns"]) / 1e6 for one in sent]
        took_s = (max(one["acked_ns"] for one in sent) - min(one["began_ns"] for one in sent)) / 1e9
        rates.append(sum(one["bytes"] for one in sent) / 1e6 / took_s)
        for path in paths:
            path.unlink()
    return {
        "models": at_once * times,
        "available_p50_ms": round(percentile(looked_ms, 50)),
        "available_p95_ms": round(percentile(looked_ms, 95)),
        "available_max_ms": round(max(looked_ms)),
        "upload_mb_per_s": round(percentile(rates, 50), 1),
        "server_cpu_ms_per_model": round(spent_ms / at_once / times),
        **watcher.figures(),
    }


async def idle(box: Box) -> dict[str, float]:
    """The same answers while nothing comes in."""
    async with (watcher := Bystander(box)):
        await asyncio.sleep(REST_S)
    return watcher.figures()


async def run(folder: Path, times: int) -> dict[str, object]:
    """Idle, alone, and in a crowd; then what the server keeps of it."""
    async with running_box(folder / "box") as (box, _):
        before = await idle(box)
        alone = await measure(box, folder, "alone", at_once=1, times=times)
        crowd = await measure(box, folder, "crowd", at_once=CROWD, times=2)
        after_mb = memory_kb(box.server_pids()[0]) / 1024
    return {"idle": before, "alone": alone, f"at_once_{CROWD}": crowd, "server_after_mb": round(after_mb, 1)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=8, help="models sent alone, one after the other")
    options = parser.parse_args(arguments)
    with folder_on_disk() as folder:
        print_result("intake", **asyncio.run(run(folder, options.times)))


if __name__ == "__main__":
    main()
