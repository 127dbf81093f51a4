"""
How recorders stand and the strips of a track are doing: what a timekeeper glances at. Pure shapes and sums over
timing/crossings.py.
"""

from collections.abc import Mapping

from msgspec import Struct

from timing.crossings import LineSeen, TrackStrips
from timing.stream import Line

NS_PER_MS = 1_000_000
SILENT_AFTER = 10
"""Crossings of a track in a row without a hit on one of its lines, before that line is called silent (the design)."""


class RecorderState(Struct, frozen=True, kw_only=True):
    """
    How a recorder stands; what only it can tell is of its newest hello, or None.

    `offset_us`: its clock minus ours, right to `offset_error_us`; 0 on the same machine. `clock_difference_ms`: how
    far its time of day is ahead of ours. `remote_id` None is the box's own.
    """

    recorder_id: str | None
    remote_id: str | None
    name: str
    is_own: bool
    connected: bool
    caught_up: bool
    problem: str | None
    note: str | None
    strips: str | None
    lines: list[Line]
    last_seq: int
    offset_us: int | None
    offset_error_us: int | None
    clock_difference_ms: int | None


class LineHealth(Struct, frozen=True, kw_only=True):
    """One line since the server started; None where it has had no edge. `contact_ms`: of its last hit."""

    line: int
    name: str
    hits: int
    bounces: int
    last_edge_age_ms: int | None
    contact_ms: int | None
    silent_crossings: int
    silent: bool


class StripHealth(Struct, frozen=True, kw_only=True):
    """The recorder and a track's lines. `problem` in words, None when all is well; `simulated` strips can be hit."""

    connected: bool
    simulated: bool
    caught_up: bool
    recorder_id: str | None
    problem: str | None
    last_seq: int
    lost_edges: int
    lines: list[LineHealth]


def line_health(strips: TrackStrips, names: Mapping[int, str], recorder_id: str, now_ns: int) -> list[LineHealth]:
    """The lines of `names` that belong to this track, in order of number."""
    return [
        _health(line, name, strips.lines.get((recorder_id, line), LineSeen()), now_ns)
        for line, name in sorted(names.items())
    ]


def _health(line: int, name: str, seen: LineSeen, now_ns: int) -> LineHealth:
    return LineHealth(
        line=line,
        name=name,
        hits=seen.hits,
        bounces=seen.bounces,
        last_edge_age_ms=None if seen.last_at_ns is None else max(0, (now_ns - seen.last_at_ns) // NS_PER_MS),
        contact_ms=None if seen.contact_ns is None else seen.contact_ns // NS_PER_MS,
        silent_crossings=seen.silent_crossings,
        silent=seen.silent_crossings >= SILENT_AFTER,
    )
