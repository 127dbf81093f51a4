"""
Real strips of the private kernel, pulled through sysfs, and what the recorder made of them.

A bare strip closes to ground: pulled up at rest, `pull-down` is the contact. Each pull knows the moments between which
it was written, by the clock that the kernel stamps edges with.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.faults.strip_watch import StripWatch

STRIPS = Path("/run/strips")
TICK_NS = 1_000_000
"""The private kernel's timer makes simulated edges: two within one tick may merge."""
GPIO = {"TRACKSIDE_STRIPS": "gpio"}
"""A box on the strips that every kit has: 17 and 27."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One change of a contact, made at some moment between `after_ns` and `before_ns`."""

    line: int
    after_ns: int
    before_ns: int


@cache
def _contact(line: int) -> int:
    return os.open(STRIPS / f"line{line}" / "pull", os.O_WRONLY)


def pull(line: int, *, pressed: bool) -> Pull:
    """Make or break the contact of one strip."""
    contact, way = _contact(line), b"pull-down" if pressed else b"pull-up"
    after_ns = time.monotonic_ns()
    os.pwrite(contact, way, 0)
    return Pull(line, after_ns, time.monotonic_ns())


class PulledStrips(StripWatch):
    """A StripWatch whose presses are contacts instead of messages; `presses` has every contact made."""

    def __init__(self, socket: Path, apart_ms: int = 0) -> None:
        super().__init__(socket, apart_ms)
        self.presses: list[Pull] = []

    async def touch(self, line: int, hold_ms: int) -> None:
        """Close the contact, hold it, open it."""
        self.presses.append(pull(line, pressed=True))
        await asyncio.sleep(hold_ms / 1e3)
        pull(line, pressed=False)
