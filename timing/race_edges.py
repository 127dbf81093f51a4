"""The edges behind a race: which of them people decided about, on whose clock they lie, which lines made them. Pure."""

from collections.abc import Sequence

from timing.crossings import EdgeSeen
from timing.journal import Entry, Kind, Payload
from timing.race_table import CROSSINGS
from timing.taken_back import brings_back, crossings_by_edge, current_seq, replacements


def decided_by_people(entries: Sequence[Entry]) -> frozenset[int]:
    """Crossings of which a person had the last word: given by hand, taken out by hand, or undone."""
    stand_ins = replacements(entries)
    decided: dict[int, bool] = {}
    for entry in entries:
        target = entry.payload.target_seq
        if entry.kind in (Kind.UNDO_LAP, Kind.DROP_CROSSING) or brings_back(entry):
            if target is not None:
                decided[current_seq(target, stand_ins)] = entry.payload.lockout_ms is None
        elif entry.kind is Kind.ADD_CROSSING:
            decided[entry.seq] = entry.payload.lockout_ms is None
    return frozenset(seq for seq, by_people in decided.items() if by_people)


def on_clock_of(entries: Sequence[Entry], edge: EdgeSeen) -> EdgeSeen:
    """The edge on the clock by which the race went: by its nearest crossing of the same recorder, if there is one."""
    nearest: Entry | None = None
    nearest_ns = 0
    for entry in entries:
        if entry.kind not in CROSSINGS or not _is_of_clock(entry.payload, edge) or entry.payload.edge_ns is None:
            continue
        away_ns = edge.edge_ns - entry.payload.edge_ns
        if nearest is None or abs(away_ns) < abs(nearest_ns):
            nearest, nearest_ns = entry, away_ns
    if nearest is None:
        return edge
    return EdgeSeen(
        recorder_id=edge.recorder_id,
        boot_id=nearest.boot_id,
        seq=edge.seq,
        line=edge.line,
        active=edge.active,
        at_ns=nearest.at_ns + nearest_ns,
        wall_ns=edge.wall_ns,
        recorder_boot_id=edge.recorder_boot_id,
        edge_ns=edge.edge_ns,
    )


def is_cut_off(entries: Sequence[Entry], edge: EdgeSeen) -> bool:
    """Whether it was stamped between a power cut and the moment the box had paused the race for it."""
    return any(
        entry.boot_id == edge.boot_id and entry.payload.reason == "power_cut" and edge.at_ns < entry.at_ns
        for entry in entries
    )


def lines_of(entries: Sequence[Entry]) -> dict[str, set[int]]:
    """The lines that made crossings of the race, by recorder: they timed it, whatever the track says now."""
    lines: dict[str, set[int]] = {}
    for (recorder_id, _), entry in crossings_by_edge(entries).items():
        of_recorder = lines.setdefault(recorder_id, set())
        if entry.payload.line is not None:
            of_recorder.add(entry.payload.line)
    return lines


def _is_of_clock(payload: Payload, edge: EdgeSeen) -> bool:
    return (payload.recorder_id, payload.recorder_boot_id) == (edge.recorder_id, edge.recorder_boot_id)
