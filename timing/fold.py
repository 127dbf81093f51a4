"""
The fold: a race's journal in, the race as it stands out. Pure, and the only place where entries get a meaning.

Entries come in the order in which they were accepted and are played in the order in which they happened, so a crossing
that arrives late takes effect where it happened. An entry that the table does not allow at its place does nothing.
Nothing is ever mended in place: an undone lap is left out and the rest played again, which restores everything exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from timing.journal import Entry, Kind
from timing.lap_edits import LapEdits, edits_by_lap
from timing.laps import Lap
from timing.race_table import UNTIMED
from timing.rules import RaceRules
from timing.structs import RaceState
from timing.taken_back import replacements, taken_back
from timing.tape import Tape

__all__ = ["Race", "fold", "in_time_order", "play", "state_at", "taken_back"]


@dataclass(frozen=True, slots=True)
class Race:
    """
    A race folded from its journal.

    `laps` holds deleted laps too. While it runs, `running_since_ns` (CLOCK_MONOTONIC of `boot_id`) is where the clocks
    were last banked into `race_ns` and `lap_ns`; `last_at_ns` is its last entry. `given_up_ns` is the time of laps cut
    short by a crossing that resumed the race: laps + running lap + given up = race time. `lockout_ms` is what its
    crossings were last scored with. `version` counts entries.
    """

    race_id: str
    rules: RaceRules
    state: RaceState
    laps: tuple[Lap, ...]
    resets: int
    racer_id: str
    track_id: str
    by_proxy: bool
    car_id: str | None
    model_id: str | None
    deleted: bool
    boot_id: str
    last_at_ns: int
    running_since_ns: int | None
    race_ns: int
    lap_ns: int
    given_up_ns: int
    created_wall_ns: int
    started_wall_ns: int | None
    submitted_wall_ns: int | None
    lockout_ms: int
    version: int

    def elapsed_ns(self, now_ns: int) -> int:
        """Race time at `now_ns` of this race's boot, without the pauses."""
        return self.race_ns + self._since_ns(now_ns)

    def lap_elapsed_ns(self, now_ns: int) -> int:
        """Time of the running lap at `now_ns` of this race's boot, without the pauses."""
        return self.lap_ns + self._since_ns(now_ns)

    def _since_ns(self, now_ns: int) -> int:
        return 0 if self.running_since_ns is None else max(0, now_ns - self.running_since_ns)


def fold(entries: Sequence[Entry], rules: RaceRules) -> Race:
    """
    The race as its journal tells it.

    Args:
        entries: Of one race, in the order of acceptance; the first is `ready`.
        rules: As copied into the race when it became ready.

    Raises:
        ValueError: There is no race in it.
    """
    if not entries or entries[0].kind is not Kind.READY:
        raise ValueError("A race's journal begins with its ready entry.")
    return _race(entries, play(entries, rules))


def play(entries: Sequence[Entry], rules: RaceRules) -> Tape:
    """Play the entries in the order in which they happened, without the ones that were taken back."""
    absent = taken_back(entries)
    tape = Tape(rules=rules)
    for entry in in_time_order(entries):
        if entry.seq not in absent:
            tape.play(entry)
    return tape


def state_at(entries: Sequence[Entry], rules: RaceRules, moment: Entry) -> RaceState | None:
    """The state that an entry finds the race in at the moment when it happened; None before it was ready."""
    absent = taken_back(entries)
    tape = Tape(rules=rules)
    for entry in in_time_order([*entries, moment]):
        if entry is moment:
            break
        if entry.seq not in absent:
            tape.play(entry)
    was_cut_off = tape.state is RaceState.RUNNING and tape.boot_id != moment.boot_id
    return RaceState.PAUSED if was_cut_off else tape.state


def in_time_order(entries: Sequence[Entry]) -> list[Entry]:
    """Boots in the order in which they first appear, then by stamp; equal stamps in the order of acceptance."""
    boots: dict[str, int] = {}
    for entry in entries:
        boots.setdefault(entry.boot_id, len(boots))
    return sorted(entries, key=lambda entry: (boots[entry.boot_id], entry.at_ns, entry.seq))


def _race(entries: Sequence[Entry], tape: Tape) -> Race:
    who = _Who.of(entries)
    return Race(
        race_id=entries[0].race_id,
        rules=tape.rules,
        state=tape.state or RaceState.READY,
        laps=_laps(entries, tape),
        resets=tape.resets,
        racer_id=who.racer_id,
        track_id=who.track_id,
        by_proxy=who.by_proxy,
        car_id=tape.car_id,
        model_id=tape.model_id,
        deleted=who.deleted,
        boot_id=tape.boot_id,
        last_at_ns=tape.last_ns,
        running_since_ns=tape.since_ns,
        race_ns=tape.race_ns,
        lap_ns=tape.lap_ns,
        given_up_ns=tape.given_up_ns,
        created_wall_ns=entries[0].wall_ns,
        started_wall_ns=tape.started_wall_ns,
        submitted_wall_ns=tape.submitted_wall_ns,
        lockout_ms=tape.rules.lockout_ms if who.lockout_ms is None else who.lockout_ms,
        version=len(entries),
    )


def _laps(entries: Sequence[Entry], tape: Tape) -> tuple[Lap, ...]:
    edits = edits_by_lap(entries, replacements(entries))
    untouched = LapEdits()
    limit = tape.rules.max_resets_per_lap
    return tuple(
        edits.get(capture.seq, untouched).applied(capture, number, limit)
        for number, capture in enumerate(tape.captures, start=1)
    )


@dataclass(slots=True)
class _Who:
    """What the edits say about the race as a whole."""

    racer_id: str
    track_id: str
    by_proxy: bool
    deleted: bool = False
    lockout_ms: int | None = None

    @classmethod
    def of(cls, entries: Sequence[Entry]) -> "_Who":
        ready = entries[0].payload
        who = cls(ready.racer_id or "", ready.track_id or "", ready.by_proxy or False)
        for entry in entries:
            if entry.kind in UNTIMED:
                who._apply(entry)
        return who

    def _apply(self, entry: Entry) -> None:
        match entry.kind:
            case Kind.SET_RACER:
                self.racer_id = entry.payload.racer_id or self.racer_id
            case Kind.SET_TRACK:
                self.track_id = entry.payload.track_id or self.track_id
            case Kind.SET_PROXY:
                self.by_proxy = bool(entry.payload.by_proxy)
            case Kind.DELETE_RACE | Kind.RESTORE_RACE:
                self.deleted = entry.kind is Kind.DELETE_RACE
            case Kind.RESCORE:
                self.lockout_ms = entry.payload.lockout_ms
