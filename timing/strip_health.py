"""
How the strips of the box's recorder are doing: what a timekeeper glances at.

Signal quality is stored with every edge in the recorder; this is the summary since the server started.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from msgspec import Struct

from timing.crossings import EdgeSeen

SILENT_AFTER = 10
"""Crossings of a track in a row without a hit on one of its lines, before that line is called silent (design.md)."""


class LineHealth(Struct, frozen=True, kw_only=True):
    """One line. `last_edge_age_ms` None when it has had no edge; `contact_ms` of its last hit; ages at the moment asked."""

    line: int
    name: str
    hits: int
    edges: int
    last_edge_age_ms: int | None
    contact_ms: int | None
    silent_crossings: int
    silent: bool


class StripHealth(Struct, frozen=True, kw_only=True):
    """The recorder and the lines of one track. `problem` in words, None when all is well; `simulated` strips can be hit."""

    connected: bool
    simulated: bool
    recorder_id: str | None
    caught_up: bool
    problem: str | None
    last_seq: int
    lost_edges: int
    lines: list[LineHealth]


@dataclass(slots=True)
class _LineState:
    name: str
    hits: int = 0
    edges: int = 0
    last_at_ns: int | None = None
    last_boot_id: str = ""
    pressed_at_ns: int | None = None
    contact_ns: int | None = None
    silent_crossings: int = 0


class LineTally:
    """Counts per line. Event loop only."""

    def __init__(self) -> None:
        self._lines: dict[int, _LineState] = {}

    def name_lines(self, names: Iterable[tuple[int, str]]) -> None:
        """What the recorder said its lines are."""
        for line, name in names:
            self._lines.setdefault(line, _LineState(name)).name = name

    @property
    def lines(self) -> frozenset[int]:
        """All lines known."""
        return frozenset(self._lines)

    def saw(self, edge: EdgeSeen) -> None:
        """Count one edge."""
        state = self._lines.setdefault(edge.line, _LineState(f"line {edge.line}"))
        state.edges += 1
        state.last_at_ns, state.last_boot_id = edge.at_ns, edge.boot_id
        if edge.active:
            state.hits += 1
            state.silent_crossings = 0
            state.pressed_at_ns = edge.at_ns
        elif state.pressed_at_ns is not None:
            state.contact_ns = edge.at_ns - state.pressed_at_ns
            state.pressed_at_ns = None

    def crossed(self, lines: Iterable[int], hit_line: int) -> None:
        """A crossing happened on a track with these lines: those not hit fall one more behind."""
        for line in lines:
            if line != hit_line and line in self._lines:
                self._lines[line].silent_crossings += 1

    def health(self, lines: Iterable[int], now_ns: int, boot_id: str) -> list[LineHealth]:
        """The lines asked for, in order of number."""
        return [_health(line, self._lines[line], now_ns, boot_id) for line in sorted(lines) if line in self._lines]


def _health(line: int, state: _LineState, now_ns: int, boot_id: str) -> LineHealth:
    age = None
    if state.last_at_ns is not None and state.last_boot_id == boot_id:
        age = max(0, (now_ns - state.last_at_ns) // 1_000_000)
    return LineHealth(
        line=line,
        name=state.name,
        hits=state.hits,
        edges=state.edges,
        last_edge_age_ms=age,
        contact_ms=None if state.contact_ns is None else state.contact_ns // 1_000_000,
        silent_crossings=state.silent_crossings,
        silent=state.silent_crossings >= SILENT_AFTER,
    )
