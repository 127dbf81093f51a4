"""What the strips did not see, in words: when a recorder was not running, and edges that were lost. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from timing.signal import BlindSpot
from web.formats import second

REASONS = {
    "stopped": " It was stopped.",
    "killed": " It was killed, or failed.",
    "power": " Its machine was off.",
}
OWN = "this box"
"""What the box's own recorder is called (timing/recorders.py)."""


class Unseen(Struct, frozen=True, kw_only=True):
    """One blind spot: what happened, and what to do."""

    said: str
    remedy: str


def unseen(spots: Sequence[BlindSpot], lines: Mapping[tuple[str, int], str]) -> list[Unseen]:
    """
    The blind spots as people read them, newest first.

    Args:
        lines: Names of the lines, by their recorder's name and number.
    """
    newest_first = sorted(spots, key=lambda spot: spot.from_at, reverse=True)
    return [_blind(spot) if spot.line is None else _lost(spot, lines) for spot in newest_first]


def _blind(spot: BlindSpot) -> Unseen:
    who = "The recorder" if spot.recorder_name == OWN else f"The recorder {spot.recorder_name}"
    start, end = second(spot.from_at), second(spot.to_at)
    length = "" if spot.missing_ms is None else f" ({duration(spot.missing_ms)})"
    moment = f"at {start}" if start == end else f"from {start} to {end}"
    return Unseen(
        said=f"{who} was not running {moment}{length}.{REASONS.get(spot.reason, '')}",
        remedy="A crossing in that time is missing: correct the lap, or take it by hand.",
    )


def _lost(spot: BlindSpot, lines: Mapping[tuple[str, int], str]) -> Unseen:
    name = lines.get((spot.recorder_name, spot.line or 0), f"line {spot.line}")
    where = name if spot.recorder_name == OWN else f"{name} of {spot.recorder_name}"
    edges = "1 edge was" if spot.lost == 1 else f"{spot.lost} edges were"
    return Unseen(
        said=f"{edges} lost on {where} at {second(spot.to_at)}.",
        remedy="A crossing may be missing there: look at the lap around that moment, and correct it if need be.",
    )


def duration(ms: int) -> str:
    """ "0.2 s", "1.9 s", "75 s" or "5 min"."""
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    return f"{ms // 1000} s" if ms < 300_000 else f"{ms // 60_000} min"
