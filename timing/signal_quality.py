"""How clean the signal of a race's crossings was: bounces, contact time, other strips of the same pass. Pure."""

from collections.abc import Sequence

from appliance.clock import iso_utc
from timing.crossing_views import CrossingQuality, LineDelay
from timing.crossings import EdgeSeen, since_ns
from timing.fold import fold, in_time_order
from timing.journal import Entry
from timing.rules import RaceRules
from timing.taken_back import crossings_by_edge, taken_back

NS_PER_MS = 1_000_000
LATE_EDGES = 64
"""Two lines are read one after the other, so an edge of the pass may bear an earlier number than its crossing."""


def crossing_qualities(entries: Sequence[Entry], rules: RaceRules, edges: Sequence[EdgeSeen]) -> list[CrossingQuality]:
    """
    Each crossing that counts in the race and whose edge was recorded, in the order of time.

    Args:
        edges: Of the lines of the race's track, as detect() wants them.
    """
    race = fold(entries, rules)
    laps = {lap.seq: lap.number for lap in race.laps}
    places = {(edge.recorder_id, edge.seq): place for place, edge in enumerate(edges)}
    crossings = {entry.seq: key for key, entry in crossings_by_edge(entries).items()}
    gone = taken_back(entries)
    return [
        _quality(entry, laps.get(entry.seq), edges, places[key], race.lockout_ms * NS_PER_MS)
        for entry in in_time_order(entries)
        if entry.seq not in gone and (key := crossings.get(entry.seq)) in places and key is not None
    ]


def _quality(entry: Entry, lap: int | None, edges: Sequence[EdgeSeen], place: int, lockout_ns: int) -> CrossingQuality:
    crossing = edges[place]
    contacts = _same_pass(edges, place, lockout_ns)
    others: dict[tuple[str, int], int] = {}
    for edge, after_ns in contacts:
        key = edge.recorder_id, edge.line
        if key != (crossing.recorder_id, crossing.line):
            others[key] = min(after_ns, others.get(key, after_ns))
    contact_ns = _contact_ns(edges, place)
    return CrossingQuality(
        seq=entry.seq,
        lap=lap,
        line=crossing.line,
        at=iso_utc(crossing.wall_ns),
        bounces=len(contacts),
        contact_ms=None if contact_ns is None else contact_ns // NS_PER_MS,
        other_lines=[
            LineDelay(recorder_id=recorder_id, line=line, delay_us=delay_ns // 1_000)
            for (recorder_id, line), delay_ns in sorted(others.items(), key=lambda item: item[1])
        ],
    )


def _same_pass(edges: Sequence[EdgeSeen], place: int, lockout_ns: int) -> list[tuple[EdgeSeen, int]]:
    """The other contacts within the lock-out, each with its ns since the crossing."""
    found: list[tuple[EdgeSeen, int]] = []
    for number in range(max(0, place - LATE_EDGES), len(edges)):
        edge = edges[number]
        after_ns = since_ns(edges[place], edge)
        if number > place and after_ns is not None and after_ns >= lockout_ns:
            break
        if number != place and edge.active and after_ns is not None and 0 <= after_ns < lockout_ns:
            found.append((edge, after_ns))
    return found


def _contact_ns(edges: Sequence[EdgeSeen], place: int) -> int | None:
    """How long the strip stayed pressed; None when the next that is known of it is not its release."""
    crossing = edges[place]
    for edge in edges[place + 1 :]:
        if (edge.recorder_id, edge.line) == (crossing.recorder_id, crossing.line):
            return None if edge.active else since_ns(crossing, edge)
    return None
