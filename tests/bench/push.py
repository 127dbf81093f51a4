"""
A model to twenty cars: the box against OpenSSH's scp run four at a time, to the same cars in the same run, in turns.

The cars are stand-ins with real sshd, PAM, sudo and helper (tests/bench/push_hall.py); only root may build them. They,
scp, the box, its recorder and its screens share this machine's processors. scp copies and is done; a push is done when
the car has written the model to its disk, read it back, put it in its place, and the box has stored that.

While it pushes, a simulated strip is hit and screens show the laps: how late the last of them hears of each, beside
what this machine makes any program wait. The cars get only the processor time that the box leaves. Every round begins
without a push worker and without any line to a car; "again" is the same push straight after.
"""

import argparse
import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from appliance.demo_client import Api
from tests.bench.common import CACHE, folder_on_disk, percentile, print_result
from tests.bench.fanout import LINE, cpu_ms, memory_kb
from tests.bench.machine_probe import probing
from tests.bench.other_machines import yielding
from tests.bench.push_hall import FOLDER, SCP_FOLDER, Furnished, built, children_cpu_s, forget, furnished, is_on, scp
from tests.bench.push_laps import Laps
from tests.cars.hall import MISSING, Hall
from tests.cars.hall_car import Car
from tests.faults.box import Box, running_box

NOT_ROOT = "This benchmark builds stand-in cars, which only root may do: sudo make bench NAME=push."
LOOK_S = 0.25
SETTLE_S = 3.0
"""After the box started and before each measure: lines to the cars are made, and what was written is on the disk."""
GCM = ("-c", "aes128-gcm@openssh.com")
"""scp with the cipher that the box takes where both CPUs have AES; by itself it takes ChaCha20."""


@dataclass(slots=True)
class Round:
    """Seconds of each, and what it cost."""

    push_s: float = 0.0
    again_s: float = 0.0
    scp_s: float = 0.0
    scp_gcm_s: float = 0.0
    server_cpu_s: float = 0.0
    worker_cpu_s: float = 0.0
    scp_cpu_s: float = 0.0
    worker_mb: float = 0.0
    server_mb: float = 0.0


@dataclass(slots=True)
class Bench:
    """One box, its cars, and the moments in which it pushed."""

    box: Box
    api: Api
    cars: list[Car]
    has: Furnished
    laps: Laps
    pushing_ns: list[tuple[int, int]] = field(default_factory=list)

    def was_pushing(self, at_ns: int) -> bool:
        """Whether a push was under way at this moment."""
        return any(first <= at_ns <= last for first, last in self.pushing_ns)

    def meanwhile(self, lags_ms: Mapping[int, float]) -> list[float]:
        """Those of laps that were driven while it pushed."""
        return [ms for at_ns, ms in lags_ms.items() if self.was_pushing(at_ns)]

    async def push(self) -> tuple[float, set[str]]:
        """The model to every car; seconds until the last end is stored, and how they ended."""
        begun_ns, begun = time.monotonic_ns(), time.time()
        asked = await self.api.send(
            "POST", "/api/pushes", {"car_ids": self.has.car_ids, "model_ids": [self.has.model_id]}
        )
        while await self.api.send("GET", "/api/pushes?open=true"):  # noqa: ASYNC110  the bench looks as a program does
            await asyncio.sleep(LOOK_S)
        ended = [await self.api.send("GET", f"/api/pushes/{push['push_id']}") for push in asked]
        self.pushing_ns.append((begun_ns, time.monotonic_ns()))
        reasons = {push["reason"] for push in ended} - {None}
        assert not reasons, reasons
        last = max(datetime.fromisoformat(push["ended_at"]).timestamp() for push in ended)
        return last - begun, {push["state"] for push in ended}

    async def round(self, number: int) -> Round:
        """Push, again, scp; every other time scp comes first."""
        one = Round()
        for step in (self._pushes, self._scps) if number % 2 == 0 else (self._scps, self._pushes):
            await self._afresh()
            async with self.laps.driven():
                await step(one)
        return one

    async def _afresh(self) -> None:
        for pid in self.box.push_worker_pids():
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(forget, self.cars)
        await asyncio.sleep(SETTLE_S)

    async def _pushes(self, one: Round) -> None:
        [server] = self.box.server_pids()
        cpu = cpu_ms(server)
        one.push_s, states = await self.push()
        assert states == {"done"}, states
        [worker] = self.box.push_worker_pids()
        one.server_cpu_s, one.worker_cpu_s = (cpu_ms(server) - cpu) / 1000, cpu_ms(worker) / 1000
        one.server_mb, one.worker_mb = memory_kb(server) / 1024, memory_kb(worker) / 1024
        one.again_s, states = await self.push()
        assert states == {"already_there"}, states
        for car in self.cars:
            assert await asyncio.to_thread(is_on, car, FOLDER, self.has.files), f"{car.address} has other bytes"

    async def _scps(self, one: Round) -> None:
        cpu_s = children_cpu_s()
        one.scp_s = await scp(self.cars, self.box.data / "ssh.key", self.has.files)
        one.scp_cpu_s = children_cpu_s() - cpu_s
        assert await asyncio.to_thread(is_on, self.cars[0], SCP_FOLDER, self.has.files)
        await asyncio.to_thread(forget, self.cars)
        one.scp_gcm_s = await scp(self.cars, self.box.data / "ssh.key", self.has.files, GCM)


async def run(count: int, model_bytes: int, rounds: int, where: Path) -> dict[str, object]:
    """Build, measure, and say it."""
    load = os.getloadavg()[0]
    with folder_on_disk(where) as folder, yielding("trackside-cars") as others:
        data = folder / "box"
        async with Hall() as hall:
            cars = await built(hall, data, count, others)
            has = await furnished(data, cars, model_bytes)
            await asyncio.to_thread(os.sync)  # A model lies on the disk long before it is pushed.
            async with running_box(data, {"TRACKSIDE_SIMULATED_LINES": str(LINE)}) as (box, api):
                bench = Bench(box, api, cars, has, await Laps.opened(box, api))
                async with probing(data / "probe") as looks:
                    found = [await bench.round(number) for number in range(rounds)]
                await bench.laps.close()
    return {
        "cars": count,
        "bytes": model_bytes,
        "processors": os.cpu_count(),
        "load_before": round(load, 2),
        "cars_yield": others.is_real,
        **figures(found),
        "lag_ms": spread(bench.meanwhile(bench.laps.shown_ms)),
        "lag_to_durable_ms": spread(bench.meanwhile(bench.laps.durable_ms)),
        "any_program_wakes_late_ms": spread(bench.meanwhile({at: late for at, late, _ in looks})),
        "any_page_to_disk_ms": spread(bench.meanwhile({at: disk for at, _, disk in looks})),
        "lag_otherwise_ms": spread([ms for at, ms in bench.laps.shown_ms.items() if not bench.was_pushing(at)]),
    }


def figures(found: Sequence[Round]) -> dict[str, object]:
    """Of every round; ratio and percent are of the medians."""
    names = Round.__dataclass_fields__
    each = {name: [round(getattr(one, name), 2) for one in found] for name in names}
    push, again, peer, gcm = (percentile(each[name], 50) for name in ("push_s", "again_s", "scp_s", "scp_gcm_s"))
    return {
        "ratio_to_scp": round(push / peer, 2),
        "ratio_to_scp_gcm": round(push / gcm, 2),
        "again_percent": round(100 * again / push, 1),
        **each,
    }


def spread(lags_ms: Sequence[float]) -> dict[str, float]:
    """What is late, and how often that was looked at."""
    return {
        "p50": round(percentile(lags_ms, 50), 1),
        "p99": round(percentile(lags_ms, 99), 1),
        "max": round(max(lags_ms), 1),
        "looks": len(lags_ms),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cars", type=int, default=20)
    parser.add_argument("--bytes", type=int, default=22_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=CACHE, help="where the box's data lies while it measures")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        sys.stderr.write(f"{NOT_ROOT}\n")
        return 2
    if MISSING:
        sys.stderr.write(f"This benchmark needs {', '.join(MISSING)}: apt install openssh-server nftables sudo.\n")
        return 2
    print_result("push", **asyncio.run(run(options.cars, options.bytes, options.rounds, options.folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
