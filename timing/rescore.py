"""
A race scored anew: its recorded edges judged with another lock-out, and what that changes. Pure.

Only what the two lock-outs judge differently changes. What a person decided holds: a crossing that somebody gave to the
race stays, and one that somebody took out, or whose lap was undone, stays out. Hand laps and edits keep their meaning.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from appliance.errors import InvalidInput
from timing.crossing_entry import entry_of
from timing.crossings import EdgeSeen, detect
from timing.fold import Race, fold, play
from timing.journal import Entry, Kind, Payload
from timing.race import accept
from timing.race_table import CROSSINGS
from timing.rules import RaceRules
from timing.taken_back import EdgeKey, brings_back, crossings_by_edge, current_seq, last_words, replacements

NS_PER_MS = 1_000_000
MOST_CHANGES = 1_000
"""Beyond it nobody can judge the difference: a strip has chattered, and the lock-out is far too short for it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Who re-scores, when, and the id that makes a retry harmless."""

    race_id: str
    action_id: str
    actor: str
    at_ns: int
    boot_id: str
    wall_ns: int

    def first(self, lockout_ms: int) -> Entry:
        """The entry that says with what the race was scored anew."""
        return self.entry(0, Kind.RESCORE, Payload(lockout_ms=lockout_ms))

    def entry(self, number: int, kind: Kind, payload: Payload) -> Entry:
        """An entry of the batch; `number` tells its entries apart."""
        return Entry(
            race_id=self.race_id,
            seq=-1,
            action_id=self.action_id if number == 0 else f"{self.action_id}:{number}",
            at_ns=self.at_ns,
            boot_id=self.boot_id,
            wall_ns=self.wall_ns,
            actor=self.actor,
            kind=kind,
            payload=payload,
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """
    The race as it is and as another lock-out says.

    `entries` is the batch that leads from one to the other, accepted in this order on the journal that was judged;
    empty when the race was scored with this lock-out already. `dropped` and `added` are crossings of the race, in the
    order of time.
    """

    before: Race
    after: Race
    dropped: tuple[Entry, ...]
    added: tuple[Entry, ...]
    entries: tuple[Entry, ...]


def rescore(
    entries: Sequence[Entry], rules: RaceRules, edges: Sequence[EdgeSeen], lockout_ms: int, moment: Moment
) -> Difference:
    """
    What another lock-out makes of a race.

    Args:
        entries: The race's journal.
        edges: Recorded by the lines of its track, from well before its first crossing to after its last, in the
            order in which detect() wants them.
        lockout_ms: Shared by all lines of the track.

    Raises:
        IllegalAction: The race runs, has not started, or was discarded or deleted.
        InvalidInput: More changes than anybody can judge.
    """
    first = accept(entries, rules, moment.first(lockout_ms))
    before = fold(entries, rules)
    if lockout_ms == before.lockout_ms:
        return Difference(before=before, after=before, dropped=(), added=(), entries=())
    judged = _Judged.of(edges, before.lockout_ms, lockout_ms, rules.lockout_ms)
    dropped = _ordered(entries, [*_dropped(entries, judged)])
    batch = [first]
    for number, crossing in enumerate(dropped, start=1):
        payload = Payload(target_seq=crossing.seq, lockout_ms=lockout_ms)
        batch.append(moment.entry(number, Kind.DROP_CROSSING, payload))
    added = [*_brought_back(entries, judged, moment, lockout_ms), *_new(entries, judged, moment, lockout_ms)]
    if len(dropped) + len(added) > MOST_CHANGES:
        raise InvalidInput(
            f"A lock-out of {lockout_ms} ms changes {len(dropped) + len(added)} crossings of this race.",
            "Choose one nearer to the time that a car takes to pass the strips.",
            field="lockout_ms",
        )
    batch = _numbered(entries, batch)
    batch = _numbered(entries, [*batch, *_that_count([*entries, *batch], rules, added)])
    after = fold([*entries, *batch], rules)
    return Difference(
        before=before,
        after=after,
        dropped=tuple(dropped),
        added=tuple(_ordered(entries, [entry for entry in batch if entry.kind is Kind.ADD_CROSSING])),
        entries=tuple(batch),
    )


@dataclass(frozen=True, slots=True)
class _Judged:
    """Edges that are crossings only with the lock-out of before, and only with the new one; `seen`: as seen live."""

    gone: frozenset[EdgeKey]
    come: tuple[EdgeSeen, ...]
    seen: frozenset[EdgeKey]

    @classmethod
    def of(cls, edges: Sequence[EdgeSeen], old_ms: int, new_ms: int, live_ms: int) -> "_Judged":
        old, new, live = (
            {_key(crossing.edge): crossing.edge for crossing in detect(edges, ms * NS_PER_MS)}
            for ms in (old_ms, new_ms, live_ms)
        )
        return cls(
            gone=frozenset(old.keys() - new.keys()),
            come=tuple(edge for key, edge in new.items() if key not in old),
            seen=frozenset(live),
        )


def _key(edge: EdgeSeen) -> EdgeKey:
    return edge.recorder_id, edge.seq


def _dropped(entries: Sequence[Entry], judged: _Judged) -> Iterator[Entry]:
    """Crossings that count now and do not with the new lock-out."""
    words, decided = last_words(entries), decided_by_people(entries)
    for key, crossing in crossings_by_edge(entries).items():
        if key in judged.gone and crossing.seq not in words and crossing.seq not in decided:
            yield crossing


def _brought_back(entries: Sequence[Entry], judged: _Judged, moment: Moment, lockout_ms: int) -> Iterator[Entry]:
    """Crossings that an earlier re-scoring took out."""
    known, words = crossings_by_edge(entries), last_words(entries)
    decided, stand_ins = decided_by_people(entries), replacements(entries)
    for edge in judged.come:
        crossing = known.get(_key(edge))
        if crossing is None:
            continue
        seq = current_seq(crossing.seq, stand_ins)
        if seq in words and seq not in decided:
            entry = _added(moment, edge, lockout_ms, target_seq=seq)
            original = entries[seq]
            yield replace(
                entry,
                action_id=f"{entry.action_id}:{moment.action_id}",
                at_ns=original.at_ns,
                boot_id=original.boot_id,
                wall_ns=original.wall_ns,
            )


def _new(entries: Sequence[Entry], judged: _Judged, moment: Moment, lockout_ms: int) -> Iterator[Entry]:
    """Crossings that the race never had. What was a crossing when it was seen, and was not taken then, stays out."""
    known, boots = crossings_by_edge(entries), {entry.boot_id for entry in entries}
    for edge in judged.come:
        if _key(edge) in known or _key(edge) in judged.seen:
            continue
        placed = on_clock_of(entries, edge)
        if placed.boot_id in boots and not is_cut_off(entries, placed):
            yield _added(moment, placed, lockout_ms)


def _added(moment: Moment, edge: EdgeSeen, lockout_ms: int, target_seq: int | None = None) -> Entry:
    kind = Kind.ADD_CROSSING
    entry = entry_of(moment.race_id, -1, edge, actor=moment.actor, kind=kind, target_seq=target_seq)
    return replace(entry, payload=replace(entry.payload, lockout_ms=lockout_ms))


def _numbered(entries: Sequence[Entry], batch: Iterable[Entry]) -> list[Entry]:
    return [replace(entry, seq=seq) for seq, entry in enumerate(batch, start=len(entries))]


def _ordered(entries: Sequence[Entry], some: Sequence[Entry]) -> list[Entry]:
    """`some` in the order of time, by the boots of the race."""
    boots = list(dict.fromkeys(entry.boot_id for entry in [*entries, *some]))
    return sorted(some, key=lambda entry: (boots.index(entry.boot_id), entry.at_ns, entry.seq))


def _that_count(entries: Sequence[Entry], rules: RaceRules, added: Sequence[Entry]) -> list[Entry]:
    """
    Those that take effect where they happened, in the order of time; the others are no part of the race.

    Each is judged by what happened before it, so that all can be judged at once.
    """
    ordered = _numbered(entries, _ordered(entries, added))
    tape = play([*entries, *ordered], rules)
    return [entry for entry in ordered if entry.seq not in tape.refused]


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


def _is_of_clock(payload: Payload, edge: EdgeSeen) -> bool:
    return (payload.recorder_id, payload.recorder_boot_id) == (edge.recorder_id, edge.recorder_boot_id)


def lines_of(entries: Sequence[Entry]) -> dict[str, set[int]]:
    """The lines that made crossings of the race, by recorder: they timed it, whatever the track says now."""
    lines: dict[str, set[int]] = {}
    for (recorder_id, _), entry in crossings_by_edge(entries).items():
        of_recorder = lines.setdefault(recorder_id, set())
        if entry.payload.line is not None:
            of_recorder.add(entry.payload.line)
    return lines
