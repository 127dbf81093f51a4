"""This machine's own clocks, and of which boot they are."""

import time
import uuid
from functools import cache
from operator import itemgetter
from pathlib import Path

from tui.server_clock import Stamp

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
TOGETHER_NS = 100_000
"""Two reads of clocks take some microseconds; who is made to wait between them, waits for milliseconds."""
MORE_READS = 4
"""A machine that holds this process up five times in a row is not to hold up a press for ever."""


def stamp() -> Stamp:
    """
    This moment. CLOCK_MONOTONIC is read first: it is what a press is timed with.

    Read anew where this process was held up between the two clocks: it would look as if the machine had slept.
    """
    apart_ns, now = _read()
    for _ in range(MORE_READS):
        if apart_ns <= TOGETHER_NS:
            break
        apart_ns, now = min((apart_ns, now), _read(), key=itemgetter(0))
    return now


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


def _read() -> tuple[int, Stamp]:
    """How far apart the two clocks were read at most, and the stamp that they make."""
    mono_ns = time.monotonic_ns()
    boottime_ns = _boottime_ns()
    return time.monotonic_ns() - mono_ns, Stamp(mono_ns, boottime_ns - mono_ns)


def _boottime_ns() -> int:
    """Runs on while the machine sleeps. Where there is no such clock, UTC does; a step of it then counts as a sleep."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time_ns() if clock is None else time.clock_gettime_ns(clock)
