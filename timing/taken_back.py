"""
Which entries of a journal count as never happened: undone, dropped, or replaced by an earlier stamp. Pure.

Nothing is ever deleted: to take back is one more entry, and a crossing that was taken back can come back by another
one. The last word counts, in the order in which they were accepted.
"""

from collections.abc import Sequence

from timing.crossings import EdgeKey, EdgeSeen
from timing.journal import Entry, Kind
from timing.race_table import CROSSINGS


def taken_back(entries: Sequence[Entry]) -> frozenset[int]:
    """The entries that are not played: what is taken back now, and those that only brought something back."""
    return frozenset(last_words(entries)) | {entry.seq for entry in entries if brings_back(entry)}


def last_words(entries: Sequence[Entry]) -> dict[int, int]:
    """What is taken back now: each entry to the one that took it back, or that stands in for it."""
    stand_ins = replacements(entries)
    words = dict(stand_ins)
    for entry in entries:
        target = entry.payload.target_seq
        if target is None:
            continue
        if entry.kind in (Kind.UNDO_LAP, Kind.DROP_CROSSING):
            words[current_seq(target, stand_ins)] = entry.seq
        elif brings_back(entry):
            words.pop(current_seq(target, stand_ins), None)
    return words


def brings_back(entry: Entry) -> bool:
    """Whether it gives a race a crossing that it had before: the old entry counts again, this one is not played."""
    return entry.kind is Kind.ADD_CROSSING and entry.payload.target_seq is not None


def replacements(entries: Sequence[Entry]) -> dict[int, int]:
    """Crossings whose pass got an earlier stamp from another strip: replaced entry to the one that stands in for it."""
    return {
        entry.payload.target_seq: entry.seq
        for entry in entries
        if entry.kind is Kind.CROSSING
        and entry.payload.target_seq is not None
        and entry.payload.target_seq < entry.seq  # so that following stand-ins always ends
    }


def current_seq(seq: int, stand_ins: dict[int, int]) -> int:
    """Follow an entry to the one that stands in for it now."""
    while seq in stand_ins:
        seq = stand_ins[seq]
    return seq


def crossings_by_edge(entries: Sequence[Entry]) -> dict[EdgeKey, Entry]:
    """The crossings of a race by their edges, whether they count or not; each edge is in a race once at most."""
    return {
        (entry.payload.recorder_id, entry.payload.edge_seq): entry
        for entry in entries
        if entry.kind in CROSSINGS
        and not brings_back(entry)
        and entry.payload.recorder_id is not None
        and entry.payload.edge_seq is not None
    }


def crossing_in(entries: Sequence[Entry], edge: EdgeSeen) -> Entry | None:
    """The newest entry that puts this edge into the race, None when it does not count in it now."""
    known = crossings_by_edge(entries).get((edge.recorder_id, edge.seq))
    if known is None or current_seq(known.seq, replacements(entries)) in last_words(entries):
        return None
    ids = known.payload.recorder_id, known.payload.edge_seq
    return [
        entry
        for entry in entries
        if entry.kind in CROSSINGS and (entry.payload.recorder_id, entry.payload.edge_seq) == ids
    ][-1]


def standing_in(entries: Sequence[Entry], seq: int) -> Entry | None:
    """The crossing of entry `seq`, or the one that took its place; None when that is no crossing."""
    if not 0 <= seq < len(entries) or entries[seq].kind not in CROSSINGS or brings_back(entries[seq]):
        return None
    return entries[current_seq(seq, replacements(entries))]
