"""This machine's own clocks, and of which boot they are."""

import time
import uuid
from functools import cache
from pathlib import Path

from tui.server_clock import Stamp

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


def stamp() -> Stamp:
    """This moment. CLOCK_MONOTONIC is read first: it is what a press is timed with."""
    mono_ns = time.monotonic_ns()
    return Stamp(mono_ns, _boottime_ns() - mono_ns)


@cache
def boot_id() -> str:
    """
    The kernel's id of this boot. Where it has none (macOS), one of this process: stamps are then never taken for
    comparable with those of another process.
    """
    try:
        return BOOT_ID_FILE.read_text().strip()
    except OSError:
        return str(uuid.uuid4())


def _boottime_ns() -> int:
    """Runs on while the machine sleeps. Where there is no such clock, UTC does; a step of it then counts as a sleep."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time_ns() if clock is None else time.clock_gettime_ns(clock)
