"""
The start and lap button: what a press means, and which presses are the same one. Pure.

A press is an edge like any other: stamped by the kernel, durable before it counts, and never counted twice.
"""

from collections.abc import Mapping

from timing.crossings import EdgeSeen, since_ns
from timing.journal import Kind
from timing.structs import RaceState

BOUNCE_NS = 300_000_000
"""A switch chatters for some milliseconds, and nobody presses twice within 0.3 s and means it."""

QUIET_NS = 50_000_000
"""A contact that closes again so soon after it opened was never let go: letting go chatters too."""

MEANING: Mapping[RaceState, Kind] = {
    RaceState.READY: Kind.START,
    RaceState.RUNNING: Kind.LAP,
    RaceState.PAUSED: Kind.RESUME,
}


def is_new_press(last: EdgeSeen | None, edge: EdgeSeen, before: EdgeSeen | None = None) -> bool:
    """
    Whether the edge begins another press than the last one of the same button.

    Args:
        last: The edge that began that one.
        before: The button's edge right before this one.
    """
    if not edge.active:
        return False
    quiet_ns = None if before is None else since_ns(before, edge)
    if quiet_ns is not None and abs(quiet_ns) < QUIET_NS:
        return False
    after_ns = None if last is None else since_ns(last, edge)
    return after_ns is None or abs(after_ns) >= BOUNCE_NS


def meaning(state: RaceState | None) -> Kind | None:
    """What the button does to a race in this state; None where it does nothing."""
    return None if state is None else MEANING.get(state)
