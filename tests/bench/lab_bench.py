"""
Benchmarks that need real edges: the same module once outside, which boots the private kernel, and once inside it.

The private kernel makes its edges on a timer tick of a millisecond and has one processor: it compares, it does not say
what a Raspberry Pi does.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.common import folder_on_disk, percentile, print_result
from tests.faults.lab import KERNEL, Machine, make_card

DATA = Path("/card/data")
RESULT = "result.json"
LONGEST_S = 1_800.0


def measure_inside(name: str, module: str, *arguments: str) -> None:
    """Run `python -m MODULE --inside SHARE ARGUMENTS` in the private kernel and print what it found."""
    if KERNEL is None or os.geteuid() != 0:
        sys.exit(f"{name} needs the private kernel, and root to run it. Type: make gpiolab")
    with folder_on_disk() as folder:
        share = folder / "share"
        # The share comes first (Machine), so that the module tells by it that it is inside.
        machine = Machine(make_card(folder / "card.img"), share, module, *arguments, longest_s=LONGEST_S)
        if machine.wait() != 0:
            sys.exit(f"{name} failed:\n{machine.output()}")
        print_result(name, tick_ms=1, **json.loads((share / RESULT).read_text()))


def keep_result(share: Path, figures: dict[str, object]) -> None:
    """Inside: hand the figures out."""
    (share / RESULT).write_text(json.dumps(figures))


def inside() -> Path | None:
    """The share, when this is the module's life inside the private kernel."""
    return Path(sys.argv[1]) if len(sys.argv) > 1 and Path("/run/strips/chip").exists() else None


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """So many programs that do nothing, as fast as they can."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def spread_ms(values_ms: list[float]) -> dict[str, float]:
    """p50, p99 and the worst."""
    named = {"p50_ms": percentile(values_ms, 50), "p99_ms": percentile(values_ms, 99), "max_ms": max(values_ms)}
    return {name: round(value, 3) for name, value in named.items()}


def chance() -> random.Random:
    """The same passes in every run."""
    return random.Random("passes")
