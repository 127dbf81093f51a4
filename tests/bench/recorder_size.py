"""
The recorder's size: how soon it watches the strips, how much memory it keeps, and how quiet it is when nothing happens.

Simulated strips on this machine; and real GPIO lines inside the private kernel where that is there (`make gpiolab`),
whose times are a simulation's but whose memory and wake-ups are the recorder's own.
"""

import argparse
import json
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.common import percentile, print_result
from tests.faults.lab import KERNEL, Machine

STARTS = 7
IDLE_S = 30.0
SETTLE_S = 3.0
"""The last work of starting is done by then."""
PATIENCE_S = 60.0
REAL = ("--strips", "gpio", "--gpio-lines", "17,27", "--lamp", "22", "--buzzer", "23")
"""Everything a box may have wired: gpiod for the strips, gpiozero for the rest."""


class Recorder:
    """One life of `python -m timing.recorder`."""

    def __init__(self, data: Path, *arguments: str) -> None:
        begun = time.perf_counter()
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "timing.recorder",
                "--data", str(data), "--socket", str(data / "timing.sock"), *arguments,
            ],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert select.select([self._process.stdout], [], [], PATIENCE_S)[0], "it does not start"
        line = self._process.stdout.readline()
        self.start_ms = (time.perf_counter() - begun) * 1_000
        assert line.startswith(b"recorder ready"), line
        self.proc = Path(f"/proc/{self._process.pid}")

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait()

    def memory_mb(self) -> dict[str, float]:
        """Resident, and the share of it that is this process's own."""
        rollup = (self.proc / "smaps_rollup").read_text()
        return {f"{name.lower()}_mb": round(_kb(rollup, name) / 1024, 1) for name in ("Rss", "Pss")}

    def cpu_s(self) -> float:
        """Time on a processor so far, of all threads."""
        times = [(task / "schedstat") for task in (self.proc / "task").iterdir()]
        if all(path.exists() for path in times):
            return sum(int(path.read_text().split()[0]) for path in times) / 1e9
        fields = (self.proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def switches(self) -> dict[str, int]:
        """How often its threads were put on a processor and taken off it so far."""
        found = {"voluntary": 0, "nonvoluntary": 0}
        for task in (self.proc / "task").iterdir():
            status = (task / "status").read_text()
            for kind in found:
                found[kind] += int(re.findall(rf"^{kind}_ctxt_switches:\s+(\d+)", status, re.MULTILINE)[0])
        return found

    def loads(self, module: str) -> bool:
        """Whether a compiled part of this module is mapped."""
        return f"/{module}/" in (self.proc / "maps").read_text()


def bare_python_ms(starts: int) -> float:
    """What an interpreter that does nothing needs here: the machine's share of each start."""
    times = []
    for _ in range(starts):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        times.append((time.perf_counter() - begun) * 1_000)
    return percentile(times, 50)


def _kb(rollup: str, name: str) -> int:
    return int(re.findall(rf"^{name}:\s+(\d+)", rollup, re.MULTILINE)[0])


def measure(data: Path, starts: int, idle_s: float, *arguments: str) -> dict[str, Any]:
    """Start and kill it again and again, then let the last one idle."""
    Recorder(data, *arguments).kill()  # The first start makes the file.
    times = []
    for _ in range(starts):
        recorder = Recorder(data, *arguments)
        times.append(recorder.start_ms)
        recorder.kill()
    recorder = Recorder(data, *arguments)
    try:
        time.sleep(SETTLE_S)
        before, cpu_s, begun = recorder.switches(), recorder.cpu_s(), time.perf_counter()
        time.sleep(idle_s)
        after, used_s, took_s = recorder.switches(), recorder.cpu_s() - cpu_s, time.perf_counter() - begun
        return {
            "starts": starts,
            "start_p50_ms": round(percentile(times, 50)),
            "start_max_ms": round(max(times)),
            **recorder.memory_mb(),
            **{f"{kind}_switches_per_s": round((after[kind] - before[kind]) / took_s, 1) for kind in after},
            "idle_cpu_s_per_hour": round(used_s / took_s * 3_600, 2),
            "bare_python_ms": round(bare_python_ms(starts)),
            "loads_gpiod": recorder.loads("gpiod"),
        }
    finally:
        recorder.kill()


def inside(share: Path, starts: int, idle_s: float) -> None:
    """In the private kernel: real lines, the result in `share`."""
    figures = measure(Path("/run/data"), starts, idle_s, *REAL)
    (share / "result.json").write_text(json.dumps(figures))


def in_the_private_kernel(share: Path, starts: int, idle_s: float) -> dict[str, Any] | None:
    """The figures from inside; None without that kernel."""
    if KERNEL is None:
        return None
    machine = Machine(None, share, "tests.bench.recorder_size", "--starts", str(starts), "--idle-s", str(idle_s))
    status = machine.wait()
    if status:
        raise SystemExit(f"The private kernel ended with {status}:\n{machine.output()}")
    found: dict[str, Any] = json.loads((share / "result.json").read_text())
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inside", type=Path, nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--starts", type=int, default=STARTS)
    parser.add_argument("--idle-s", type=float, default=IDLE_S)
    options = parser.parse_args(arguments)
    if options.inside:
        inside(options.inside, options.starts, options.idle_s)
        return
    with tempfile.TemporaryDirectory() as directory:
        simulated = measure(Path(directory) / "data", options.starts, options.idle_s, "--strips", "simulated")
        gpio = in_the_private_kernel(Path(directory) / "share", options.starts, options.idle_s)
    if gpio is None:
        sys.stdout.write("gpio: not measured, the private kernel is not here: type `make gpiolab`\n")
    print_result("recorder-size", simulated=simulated, gpio=gpio)


if __name__ == "__main__":
    main()
