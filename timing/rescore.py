"""
A race scored anew: its recorded edges judged with another lock-out, and what that changes. Pure.

Only what the two lock-outs judge differently changes, and what follows: a crossing after a bounce that had ended the
race counts once the bounce is gone. What a person decided holds: a crossing that somebody gave to the race stays, and
one that somebody took out, or whose lap was undone, stays out. Hand laps and edits keep their meaning.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from appliance.errors import InvalidInput
from timing.crossing_entry import entry_of
from timing.crossings import EdgeKey, EdgeSeen, detect, key_of
from timing.fold import Race, fold, in_time_order, play
from timing.journal import Entry, Kind, Payload
from timing.race import accept
from timing.race_crossings import naming
from timing.race_edges import decided_by_people, is_cut_off, on_clock_of
from timing.race_table import TRANSITIONS
from timing.rules import RaceRules
from timing.taken_back import crossings_by_edge, current_seq, last_words, replacements, taken_back
from timing.tape import Tape

NS_PER_MS = 1_000_000
MOST_CHANGES = 1_000
"""Beyond it nobody can judge the difference: a strip has chattered, and the lock-out is far too short for it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    Who wants which lock-out, and when.

    `action_id` names the batch. `elsewhere`: edges that were dismissed or given to another race.
    """

    race_id: str
    lockout_ms: int
    action_id: str
    actor: str
    at_ns: int
    boot_id: str
    wall_ns: int
    elsewhere: Collection[EdgeKey] = ()

    def first(self) -> Entry:
        """The entry that says with what the race was scored anew."""
        return self._entry(self.action_id, Kind.RESCORE, Payload(lockout_ms=self.lockout_ms))

    def dropped(self, crossing: Entry) -> Entry:
        """A crossing taken out."""
        payload = Payload(target_seq=crossing.seq, lockout_ms=self.lockout_ms)
        return self._entry(f"{self.action_id}:{crossing.seq}", Kind.DROP_CROSSING, naming(payload, crossing))

    def added(self, edge: EdgeSeen) -> Entry:
        """A crossing that the race never had; `edge` on the race's clock."""
        entry = entry_of(self.race_id, -1, edge, actor=self.actor, kind=Kind.ADD_CROSSING)
        return replace(entry, payload=replace(entry.payload, lockout_ms=self.lockout_ms))

    def brought_back(self, crossing: Entry) -> Entry:
        """A crossing that the race had before."""
        payload = Payload(target_seq=crossing.seq, lockout_ms=self.lockout_ms)
        entry = self._entry(f"{self.action_id}:{crossing.seq}", Kind.ADD_CROSSING, naming(payload, crossing))
        return replace(entry, at_ns=crossing.at_ns, boot_id=crossing.boot_id, wall_ns=crossing.wall_ns)

    def _entry(self, action_id: str, kind: Kind, payload: Payload) -> Entry:
        return Entry(
            race_id=self.race_id,
            seq=-1,
            action_id=action_id,
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
    dropped: tuple[Entry, ...] = ()
    added: tuple[Entry, ...] = ()
    entries: tuple[Entry, ...] = ()


def rescore(entries: Sequence[Entry], rules: RaceRules, edges: Sequence[EdgeSeen], asked: Asked) -> Difference:
    """
    What another lock-out makes of a race.

    Args:
        entries: The race's journal.
        edges: Recorded by the lines of its track, from well before its first crossing to after its last, in the
            order in which detect() wants them.

    Raises:
        IllegalAction: The race runs, has not started, or was discarded or deleted.
        InvalidInput: More changes than anybody can judge.
    """
    first = accept(entries, rules, asked.first())
    before = fold(entries, rules)
    if asked.lockout_ms == before.lockout_ms:
        return Difference(before=before, after=before)
    judged = _Judged.of(edges, before.lockout_ms, asked.lockout_ms, rules.lockout_ms)
    race = _Known.of(entries)
    dropped = _ordered(entries, [entries[seq] for seq in race.dropped(judged)])
    batch = _numbered(entries, [first, *(asked.dropped(crossing) for crossing in dropped)])
    added = [asked.brought_back(entries[seq]) for seq in race.brought_back(judged)]
    added += _new(entries, rules, judged, [*_unknown(entries, judged, race, asked)])
    added = _that_count([*entries, *batch], rules, added)
    if len(dropped) + len(added) > MOST_CHANGES:
        raise InvalidInput(
            f"A lock-out of {asked.lockout_ms} ms changes {len(dropped) + len(added)} crossings of this race.",
            "Choose one nearer to the time that a car takes to pass the strips.",
            field="lockout_ms",
        )
    batch = _numbered(entries, [*batch, *added])
    after = fold([*entries, *batch], rules)
    return Difference(before=before, after=after, dropped=tuple(dropped), added=tuple(added), entries=tuple(batch))


@dataclass(frozen=True, slots=True)
class _Judged:
    """
    Edges that are crossings: only with the lock-out of before (`gone`), only with the new one (`come`), with the new
    one (`new`), with the one by which the race was driven (`live`).
    """

    gone: frozenset[EdgeKey]
    come: frozenset[EdgeKey]
    new: tuple[EdgeSeen, ...]
    live: frozenset[EdgeKey]

    @classmethod
    def of(cls, edges: Sequence[EdgeSeen], old_ms: int, new_ms: int, live_ms: int) -> "_Judged":
        old, new, live = (
            {key_of(crossing.edge): crossing.edge for crossing in detect(edges, ms * NS_PER_MS)}
            for ms in (old_ms, new_ms, live_ms)
        )
        return cls(
            gone=frozenset(old.keys() - new.keys()),
            come=frozenset(new.keys() - old.keys()),
            new=tuple(new.values()),
            live=frozenset(live),
        )


@dataclass(frozen=True, slots=True)
class _Known:
    """The race's crossings: the entry that stands for each edge, which are out, and which people decided about."""

    seqs: dict[EdgeKey, int]
    out: Collection[int]
    decided: frozenset[int]

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "_Known":
        stand_ins = replacements(entries)
        return cls(
            seqs={key: current_seq(entry.seq, stand_ins) for key, entry in crossings_by_edge(entries).items()},
            out=last_words(entries).keys(),
            decided=decided_by_people(entries),
        )

    def dropped(self, judged: _Judged) -> list[int]:
        """Crossings that count now and do not with the new lock-out."""
        gone = (seq for key, seq in self.seqs.items() if key in judged.gone)
        return [seq for seq in gone if seq not in self.out and seq not in self.decided]

    def brought_back(self, judged: _Judged) -> list[int]:
        """Crossings that an earlier re-scoring took out and that are some with the new lock-out."""
        come = (seq for key, seq in self.seqs.items() if key in judged.come)
        return [seq for seq in come if seq in self.out and seq not in self.decided]


def _unknown(entries: Sequence[Entry], judged: _Judged, race: _Known, asked: Asked) -> Iterator[Entry]:
    """Crossings with the new lock-out that the race never had, on its own clock."""
    boots = {entry.boot_id for entry in entries}
    for edge in judged.new:
        if key_of(edge) in race.seqs or key_of(edge) in asked.elsewhere:
            continue
        placed = on_clock_of(entries, edge)
        if placed.boot_id in boots and not is_cut_off(entries, placed):
            yield asked.added(placed)


def _new(entries: Sequence[Entry], rules: RaceRules, judged: _Judged, unknown: Sequence[Entry]) -> list[Entry]:
    """Of those the ones that were none when they were driven, and the ones that the race had to refuse then."""
    ordered = _numbered(entries, unknown)
    refused = _refused_then(entries, rules, ordered)
    return [
        entry
        for entry in ordered
        if (entry.payload.recorder_id, entry.payload.edge_seq) not in judged.live or entry.seq in refused
    ]


def _refused_then(entries: Sequence[Entry], rules: RaceRules, crossings: Sequence[Entry]) -> set[int]:
    """Those that the race without any re-scoring has to refuse, each for itself."""
    driven = [entry for entry in entries if entry.payload.lockout_ms is None]
    tape, gone = Tape(rules=rules), taken_back(driven)
    asked, refused = {entry.seq for entry in crossings}, set()
    for entry in in_time_order([*driven, *crossings]):
        if entry.seq in asked:
            if tape.state is None or (tape.state, entry.kind) not in TRANSITIONS:
                refused.add(entry.seq)
        elif entry.seq not in gone:
            tape.play(entry)
    return refused


def _that_count(entries: Sequence[Entry], rules: RaceRules, added: Sequence[Entry]) -> list[Entry]:
    """
    Those that take effect where they happened, in the order of time; the others are no part of the race.

    Each is judged by what happened before it, so that all can be judged at once.
    """
    ordered = _numbered(entries, _ordered(entries, added))
    refused = play([*entries, *ordered], rules).refused
    return [entry for entry in ordered if entry.seq not in refused]


def _numbered(entries: Sequence[Entry], batch: Iterable[Entry]) -> list[Entry]:
    return [replace(entry, seq=seq) for seq, entry in enumerate(batch, start=len(entries))]


def _ordered(entries: Sequence[Entry], some: Sequence[Entry]) -> list[Entry]:
    """`some` in the order of time, by the boots of the race."""
    boots = list(dict.fromkeys(entry.boot_id for entry in [*entries, *some]))
    return sorted(some, key=lambda entry: (boots.index(entry.boot_id), entry.at_ns, entry.seq))
