"""
Anchors: readings of a boot's clocks taken together, from which UTC is worked out, or corrected, afterwards.

A box without a network may be years wrong until somebody sets its clock. Within one boot UTC is the monotonic clock,
plus the time the machine slept, plus a number that changes only when the clock is set (reference/timing.md 2.3); so
the newest reading says what time it really was at any stamp of that boot, before the clock was set too. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class AnchorReason(StrEnum):
    """Why a reading was kept: a start, each minute, a clock that was set, the end of a sleep, a clean stop."""

    START = "start"
    MINUTE = "minute"
    STEP = "step"
    WAKE = "wake"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Anchor:
    """Both clocks at one moment. `slept_ns`: how long the machine had slept in that boot, unseen by `mono_ns`."""

    boot_id: str
    mono_ns: int
    wall_ns: int
    reason: str
    slept_ns: int = 0


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment on both clocks. `slept_ns`: the machine's sleep so far in this boot, which `mono_ns` leaves out."""

    mono_ns: int
    wall_ns: int
    slept_ns: int = 0


def by_boot(anchors: Iterable[Anchor]) -> dict[str, list[Anchor]]:
    """The anchors of each boot, so that a long list of stamps need not look through all of them."""
    found: dict[str, list[Anchor]] = {}
    for anchor in anchors:
        found.setdefault(anchor.boot_id, []).append(anchor)
    return found


def utc_of(anchors: Sequence[Anchor], boot_id: str, mono_ns: int) -> int | None:
    """
    UTC of a monotonic stamp, as good as it is known by now.

    Args:
        anchors: In any order, of any boots.
        mono_ns: CLOCK_MONOTONIC of `boot_id`.

    Returns:
        ns since 1970, by the clock as it was last set in that boot; None when nothing is known of that boot.
    """
    of_boot = sorted((anchor for anchor in anchors if anchor.boot_id == boot_id), key=lambda anchor: anchor.mono_ns)
    if not of_boot:
        return None
    newest, before = of_boot[-1], of_boot[0]
    for anchor in of_boot:
        if anchor.mono_ns <= mono_ns:
            before = anchor
    return mono_ns + before.slept_ns + (newest.wall_ns - newest.mono_ns - newest.slept_ns)
