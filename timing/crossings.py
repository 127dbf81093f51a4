"""
From a strip's edges to crossings: the first `active` edge on any line of a track after the lock-out. Pure.

A car makes many edges: two strips, two axles, a bouncing contact. The first is the crossing, the rest until the
lock-out is over are kept as bounces. The lock-out is shared by all lines of the track (DREM counted one pass over two
strips as two laps, its issue 252) and is counted from the crossing's stamp.

Order: edges are judged in the order in which they come, at once, because a lap must not wait. Two lines are read one
after the other, and a recorder whose cable was out tells of an hour at once, so an edge may come later and yet bear an
earlier stamp. It is judged by the passes of that time. The earliest stamp of a pass wins: such an edge gives a second
`Crossing` that names in `replaces` the one whose place it takes. Judging the stored edges again therefore gives the
same crossings as seen live. It also equals judging them sorted by stamp, unless a further edge lies within that same
lateness of the end of a lock-out.

Clocks: stamps of one recorder's one boot compare by `edge_ns`. Lines of two recorders on one track compare by `at_ns`,
the same moments on the server's clock. Where neither compares (something was rebooted) the edge is a crossing of its
own.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

EdgeKey = tuple[str, int]
"""Recorder id and number of an edge."""

KEPT_PASSES = 500
"""Crossings of a track that late edges are judged by: an hour of laps, for a cable that was out that long."""


@dataclass(frozen=True, slots=True)
class EdgeSeen:
    """
    One edge of one line: `active` when the strip is pressed.

    `edge_ns` is the recorder's own stamp, in `recorder_boot_id`. `at_ns` is the same moment on the server's
    CLOCK_MONOTONIC of `boot_id`: equal when both share a machine, else worked out from the offset of the two clocks.
    """

    recorder_id: str
    boot_id: str
    seq: int
    line: int
    active: bool
    at_ns: int
    wall_ns: int
    recorder_boot_id: str = ""
    """Empty: the same boot as `boot_id`, and `at_ns` is the recorder's own stamp."""
    edge_ns: int = 0
    is_guess: bool = False
    """`at_ns` is worked out from the time of day: another machine's boot was over before its clock was measured."""

    def __post_init__(self) -> None:
        if not self.recorder_boot_id:
            object.__setattr__(self, "recorder_boot_id", self.boot_id)
            object.__setattr__(self, "edge_ns", self.at_ns)


@dataclass(frozen=True, slots=True)
class Crossing:
    """
    A car crossed the line: the edge that says so.

    `bounces` counts the other `active` edges of the same pass, `contact_ns` how long the strip stayed pressed; both are
    0 and None when it is first seen and known once the pass is over. `replaces`: the edge whose crossing this one
    stands in for.
    """

    edge: EdgeSeen
    bounces: int = 0
    contact_ns: int | None = None
    replaces: EdgeKey | None = None


@dataclass(frozen=True, slots=True)
class LineSeen:
    """What one line has done: `silent_crossings` since its last `active` edge tells that a strip has come loose."""

    hits: int = 0
    bounces: int = 0
    silent_crossings: int = 0
    last_at_ns: int | None = None
    last_wall_ns: int | None = None
    active_since_ns: int | None = None
    """On the recorder's own clock."""
    contact_ns: int | None = None


LineKey = tuple[str, int]
"""Recorder id and line."""


@dataclass(frozen=True, slots=True)
class TrackStrips:
    """A track's strips so far: the newest crossing, those before it in the order in which they came, and each line."""

    last: Crossing | None = None
    past: tuple[EdgeSeen, ...] = ()
    lines: Mapping[LineKey, LineSeen] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of_lines(cls, lines: Iterable[LineKey]) -> "TrackStrips":
        """Nothing seen yet; a line named here counts as silent from the first crossing on."""
        return cls(lines=MappingProxyType({line: LineSeen() for line in lines}))


def step(strips: TrackStrips, edge: EdgeSeen, lockout_ns: int) -> tuple[TrackStrips, Crossing | None]:
    """
    Judge the next edge of a track.

    Args:
        strips: What came before.
        edge: In the order of the recorder's numbers; only lines of this track.
        lockout_ns: Shared by all lines; 0 makes every `active` edge a crossing.

    Returns:
        The new state, and the crossing that this edge makes, if any (see `replaces`).
    """
    if not edge.active:
        return _released(strips, edge), None
    soonest: EdgeSeen | None = None
    for known in _newest_first(strips):
        after_ns = since_ns(known, edge)
        if key_of(known) == key_of(edge) or (after_ns is not None and 0 <= after_ns < lockout_ns):
            return _bounced(strips, edge), None
        if soonest is None and after_ns is not None and -lockout_ns < after_ns < 0:
            soonest = known
    return _crossed(strips, edge) if soonest is None else _replaced(strips, soonest, edge)


def detect(edges: Iterable[EdgeSeen], lockout_ns: int) -> list[Crossing]:
    """All crossings of a track's stored edges, replaced ones left out, bounces and contact times counted."""
    strips = TrackStrips()
    found: dict[EdgeKey, Crossing] = {}
    for edge in edges:
        strips, crossing = step(strips, edge, lockout_ns)
        if crossing is not None:
            if crossing.replaces is not None:
                found.pop(crossing.replaces, None)
            found[key_of(crossing.edge)] = crossing
        if strips.last is not None:
            found[key_of(strips.last.edge)] = strips.last
    return list(found.values())


def key_of(edge: EdgeSeen) -> EdgeKey:
    """What names an edge."""
    return edge.recorder_id, edge.seq


def since_ns(earlier: EdgeSeen, later: EdgeSeen) -> int | None:
    """Ns from one edge to another by the best clock they share; None when they share none."""
    if (earlier.recorder_id, earlier.recorder_boot_id) == (later.recorder_id, later.recorder_boot_id):
        return later.edge_ns - earlier.edge_ns
    if earlier.is_guess or later.is_guess:
        return None
    if earlier.recorder_id != later.recorder_id and earlier.boot_id == later.boot_id:
        return later.at_ns - earlier.at_ns
    return None


def _newest_first(strips: TrackStrips) -> Iterator[EdgeSeen]:
    if strips.last is not None:
        yield strips.last.edge
    yield from reversed(strips.past)


def _is_earlier(crossing: EdgeSeen, edge: EdgeSeen) -> bool:
    after_ns = since_ns(crossing, edge)
    return after_ns is not None and after_ns < 0


def _crossed(strips: TrackStrips, edge: EdgeSeen) -> tuple[TrackStrips, Crossing]:
    crossing, last = Crossing(edge), strips.last
    lines = {key: replace(line, silent_crossings=line.silent_crossings + 1) for key, line in strips.lines.items()}
    _press(lines, edge, bounced=False)
    is_late = last is not None and _is_earlier(last.edge, edge)
    past = strips.past if last is None else (*strips.past, edge if is_late else last.edge)[-KEPT_PASSES:]
    return TrackStrips(last=last if is_late else crossing, past=past, lines=MappingProxyType(lines)), crossing


def _replaced(strips: TrackStrips, known: EdgeSeen, edge: EdgeSeen) -> tuple[TrackStrips, Crossing]:
    lines = dict(strips.lines)
    _press(lines, edge, bounced=True)
    last = strips.last
    if last is not None and last.edge is known:
        crossing = Crossing(edge, bounces=last.bounces + 1, replaces=key_of(known))
        return replace(strips, last=crossing, lines=MappingProxyType(lines)), crossing
    past = tuple(edge if one is known else one for one in strips.past)
    crossing = Crossing(edge, bounces=1, replaces=key_of(known))
    return replace(strips, past=past, lines=MappingProxyType(lines)), crossing


def _bounced(strips: TrackStrips, edge: EdgeSeen) -> TrackStrips:
    lines = dict(strips.lines)
    _press(lines, edge, bounced=True)
    last = strips.last and replace(strips.last, bounces=strips.last.bounces + 1)
    return replace(strips, last=last, lines=MappingProxyType(lines))


def _press(lines: dict[LineKey, LineSeen], edge: EdgeSeen, *, bounced: bool) -> None:
    line = lines.get((edge.recorder_id, edge.line), LineSeen())
    lines[edge.recorder_id, edge.line] = replace(
        line,
        hits=line.hits + 1,
        bounces=line.bounces + bounced,
        silent_crossings=0,
        last_at_ns=edge.at_ns,
        last_wall_ns=edge.wall_ns,
        active_since_ns=edge.edge_ns,
    )


def _released(strips: TrackStrips, edge: EdgeSeen) -> TrackStrips:
    key = (edge.recorder_id, edge.line)
    line = strips.lines.get(key, LineSeen())
    pressed_ns = line.active_since_ns
    contact_ns = None if pressed_ns is None or edge.edge_ns < pressed_ns else edge.edge_ns - pressed_ns
    lines = dict(strips.lines)
    lines[key] = replace(
        line, last_at_ns=edge.at_ns, last_wall_ns=edge.wall_ns, active_since_ns=None, contact_ns=contact_ns
    )
    last = strips.last
    if last is not None and contact_ns is not None and _is_release_of(last, edge, pressed_ns):
        last = replace(last, contact_ns=contact_ns)
    return replace(strips, last=last, lines=MappingProxyType(lines))


def _is_release_of(crossing: Crossing, edge: EdgeSeen, pressed_ns: int | None) -> bool:
    pressed = crossing.edge
    is_same_line = (pressed.recorder_id, pressed.recorder_boot_id, pressed.line) == (
        edge.recorder_id,
        edge.recorder_boot_id,
        edge.line,
    )
    return is_same_line and pressed.edge_ns == pressed_ns
