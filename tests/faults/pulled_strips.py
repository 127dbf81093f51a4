"""
Real strips of the private kernel, pulled through sysfs, and what the recorder made of them.

A bare strip closes to ground: pulled up at rest, `pull-down` is the contact. Each pull knows the moments between which
it was written, by the clock that the kernel stamps edges with.
"""

import asyncio
import os
import time
from dataclasses import dataclass, replace
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
    """
    One change of a contact, made at some moment between `after_ns` and `before_ns`.

    `stood_still_ns`: the longest that the clock stood still for whoever made it and watched it for two ticks.
    """

    line: int
    after_ns: int
    before_ns: int
    stood_still_ns: int = 0


@cache
def _contact(line: int) -> int:
    return os.open(STRIPS / f"line{line}" / "pull", os.O_WRONLY)


def pull(line: int, *, pressed: bool) -> Pull:
    """Make or break the contact of one strip."""
    contact, way = _contact(line), b"pull-down" if pressed else b"pull-up"
    after_ns = time.monotonic_ns()
    os.pwrite(contact, way, 0)
    return Pull(line, after_ns, time.monotonic_ns())


def watched(made: Pull) -> Pull:
    """
    The same, once the clock was watched for two ticks.

    The kernel hears of a contact at its next tick; where the machine outside holds the kernel up before that, the
    stamp is late by as much, and so is the next look at the clock.
    """
    longest, seen_ns = 0, made.before_ns
    while seen_ns < made.before_ns + 2 * TICK_NS:
        now_ns = time.monotonic_ns()
        longest, seen_ns = max(longest, now_ns - seen_ns), now_ns
    return replace(made, stood_still_ns=longest)


class PulledStrips(StripWatch):
    """A StripWatch whose presses are contacts instead of messages; `presses` has every contact made."""

    def __init__(self, socket: Path, apart_ms: int = 0) -> None:
        super().__init__(socket, apart_ms)
        self.presses: list[Pull] = []

    async def touch(self, line: int, hold_ms: int) -> None:
        """Close the contact, hold it, open it."""
        self.presses.append(watched(pull(line, pressed=True)))
        await asyncio.sleep(hold_ms / 1e3)
        pull(line, pressed=False)
