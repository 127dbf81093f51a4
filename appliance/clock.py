"""
The box's clocks. Laps use `mono_ns` only; wall time is for people and records.

The boot id tells which boot a monotonic stamp belongs to: two stamps compare only within one boot.
"""

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


def mono_ns() -> int:
    """CLOCK_MONOTONIC in ns: the clock of the kernel's GPIO edge stamps."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def wall_ns() -> int:
    """UTC in ns since 1970, as good as this box knows it; may step."""
    return time.time_ns()


@cache
def boot_id() -> str:
    """The kernel's id of this boot, 36 characters."""
    return BOOT_ID_FILE.read_text().strip()


def iso_utc(at_wall_ns: int) -> str:
    """UTC as ISO 8601 with milliseconds and `Z`; the form of every `…_at` in SQL and JSON."""
    moment = datetime.fromtimestamp(at_wall_ns / 1e9, tz=UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def now_iso() -> str:
    """This moment as `iso_utc`."""
    return iso_utc(wall_ns())


def today() -> str:
    """YYYY-MM-DD in this machine's time zone: an event's day is that of the people at the track."""
    return datetime.fromtimestamp(wall_ns() / 1e9, tz=UTC).astimezone().date().isoformat()
