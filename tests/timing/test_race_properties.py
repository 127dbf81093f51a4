"""
The invariants of docs/race.md, for any sequence of actions, crossings, late crossings and power cuts.

Numbers in the names of the checks are those of docs/race.md.
"""

import itertools
from dataclasses import replace

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from journals import Journal, box_edge
from strategies import kinds, payloads, racing_kinds, rules, steps_ms

from timing.averages import averages, mean_ms
from timing.fold import Race, fold
from timing.journal import Entry, Kind
from timing.press_moment import COUNTS_WHEN_PRESSED
from timing.race import IllegalAction, allowed, clocks
from timing.race_table import CROSSINGS, LAP_EDITS, TRANSITIONS
from timing.structs import RaceState
from timing.taken_back import crossings_by_edge, taken_back

FINAL = {RaceState.SUBMITTED, RaceState.DISCARDED}


class AnyRace(RuleBasedStateMachine):
    """A race, and what was seen of it after each entry."""

    @initialize(rules=rules)
    def ready(self, rules) -> None:  # type: ignore[no-untyped-def]
        self.journal = Journal(rules)
        self.seen: list[Race] = [self.journal.race]
        self.now_ms = 0
        self.boot = 1
        self.stamps = {0}
        self.edge_seq = 0

    @rule(kind=kinds, step_ms=steps_ms, payload=payloads, pick=st.integers(0, 99))
    def act(self, kind: Kind, step_ms: int, payload: dict[str, object], pick: int) -> None:
        before = self.seen[-1]
        lap = self._lap_for(kind, before, pick)
        self.now_ms += step_ms
        accepted = self._offer(kind, self.now_ms, **payload, lap=lap)
        mends = kind is Kind.SET_CAR and bool(payload["laps_so_far"])
        if kind is not Kind.CROSSING:
            too_late = kind is Kind.SET_CAR and before.state is RaceState.SUBMITTED and not mends
            assert accepted == (kind in allowed(self._woken(before)) and not too_late)
        if accepted and mends:
            assert {lap.car_id for lap in self.seen[-1].laps} <= {payload["car_id"]}

    @rule(back_ms=steps_ms)
    def late_crossing(self, back_ms: int) -> None:
        self._offer(Kind.CROSSING, max(0, self.now_ms - back_ms))

    @rule(kind=st.sampled_from(sorted(COUNTS_WHEN_PRESSED)), back_ms=steps_ms)
    def late_press(self, kind: Kind, back_ms: int) -> None:
        self._offer(kind, max(0, self.now_ms - back_ms))

    @rule(back_ms=steps_ms)
    def crossing_given_by_hand(self, back_ms: int) -> None:
        self._offer(Kind.ADD_CROSSING, max(0, self.now_ms - back_ms))

    @precondition(lambda self: self._crossings())
    @rule(pick=st.integers(0, 99), step_ms=steps_ms)
    def crossing_taken_out(self, pick: int, step_ms: int) -> None:
        before = self.seen[-1]
        self.now_ms += step_ms
        accepted = self._drop(pick)
        assert accepted == (not before.deleted and (before.state, Kind.DROP_CROSSING) in TRANSITIONS)

    @precondition(lambda self: self._crossings())
    @rule(pick=st.integers(0, 99), step_ms=steps_ms)
    def crossing_taken_out_and_given_back(self, pick: int, step_ms: int) -> None:
        """10. Giving it back restores exactly, also what was decided about its lap."""
        before = self.seen[-1]
        self.now_ms += step_ms
        if before.boot_id != self._boot_id() or not self._drop(pick):
            return
        dropped = self.journal.entries[-1].payload
        crossing = self.journal.entries[dropped.target_seq or 0]
        assert self._offer(Kind.ADD_CROSSING, crossing.at_ns // 1_000_000, edge_of=crossing)
        after = self.seen[-1]
        assert replace(after, version=before.version, last_at_ns=before.last_at_ns) == before
        assert not self._offer(Kind.ADD_CROSSING, crossing.at_ns // 1_000_000, edge_of=crossing)

    @rule(lockout_ms=st.integers(0, 5_000), step_ms=steps_ms)
    def scored_with_another_lockout(self, lockout_ms: int, step_ms: int) -> None:
        self.now_ms += step_ms
        before = self.seen[-1]
        if self._offer(Kind.RESCORE, self.now_ms, lockout_ms=lockout_ms):
            assert self.seen[-1].lockout_ms == lockout_ms
            assert self.seen[-1].laps == before.laps

    @precondition(lambda self: self.seen[-1].state is RaceState.RUNNING)
    @rule(capture=st.sampled_from([Kind.CROSSING, Kind.LAP, Kind.DNF]), step_ms=steps_ms)
    def capture_and_undo(self, capture: Kind, step_ms: int) -> None:
        """3. Undo restores exactly."""
        if self.seen[-1].boot_id != self._boot_id():
            return
        before = self.seen[-1]
        self.now_ms += step_ms
        assert self._offer(capture, self.now_ms)
        self.now_ms += step_ms
        assert self._offer(Kind.UNDO_LAP, self.now_ms)
        after = self.seen[-1]
        assert replace(after, version=before.version, last_at_ns=before.last_at_ns) == before

    @rule()
    def power_cut(self) -> None:
        self.boot += 1
        self.now_ms, self.stamps = 0, set()

    @invariant()
    def clocks_add_up(self) -> None:
        """5. Laps, the running lap and what was given up are the race time."""
        race = self.seen[-1]
        if any(entry.kind is Kind.SET_TIME for entry in self.journal.entries):
            return
        assert sum(lap.lap_ns for lap in race.laps) + race.lap_ns + race.given_up_ns == race.race_ns

    @invariant()
    def clocks_run_only_while_running(self) -> None:
        race = self.seen[-1]
        assert (race.running_since_ns is not None) == (race.state is RaceState.RUNNING)
        at_ns = self.now_ms * 1_000_000
        now, later = clocks(race, at_ns, race.boot_id), clocks(race, at_ns + 10**9, race.boot_id)
        elapsed_ms = later.race_elapsed_ms - now.race_elapsed_ms
        assert elapsed_ms == later.lap_elapsed_ms - now.lap_elapsed_ms
        assert elapsed_ms <= 1_000 if race.state is RaceState.RUNNING else elapsed_ms == 0
        assert clocks(race, at_ns, "another-boot") == clocks(race, race.last_at_ns, race.boot_id)

    @invariant()
    def laps_are_numbered_and_judged_by_the_rules(self) -> None:
        race, limit = self.seen[-1], self.journal.rules.max_resets_per_lap
        assert [lap.number for lap in race.laps] == list(range(1, len(race.laps) + 1))
        judged = {e.payload.target_seq for e in self.journal.entries if e.kind is Kind.SET_VALIDITY}
        for lap in race.laps:
            assert lap.lap_ns >= 0
            assert lap.lap_ms == lap.lap_ns // 1_000_000
            if lap.seq not in judged:
                assert lap.valid == (not lap.dnf and (limit is None or lap.resets <= limit))

    @invariant()
    def averages_are_of_adjacent_valid_laps(self) -> None:
        """6."""
        laps, window = self.seen[-1].laps, self.journal.rules.average_window
        expected = sorted(
            (mean_ms([lap.lap_ms for lap in row]), row[0].number, row[-1].number)
            for row in (laps[i : i + window] for i in range(len(laps) - window + 1))
            if all(lap.valid and not lap.deleted for lap in row)
        )
        found = averages(laps, window)
        assert [(average.average_ms, average.first_lap, average.last_lap) for average in found] == expected

    @invariant()
    def final_is_final(self) -> None:
        """7."""
        if len(self.seen) > 1 and self.seen[-2].state in FINAL:
            assert self.seen[-1].state is self.seen[-2].state

    def teardown(self) -> None:
        """2. and 4. What was seen live is what the journal tells, also when it is read back."""
        if not hasattr(self, "journal"):
            return
        stored = msgspec.json.decode(msgspec.json.encode(self.journal.entries), type=list[Entry])
        for count, race in enumerate(self.seen, start=1):
            assert fold(stored[:count], self.journal.rules) == race

    def _boot_id(self) -> str:
        return f"boot-{self.boot}"

    def _crossings(self) -> list[Entry]:
        """The crossings that count."""
        gone = taken_back(self.journal.entries)
        return [entry for entry in crossings_by_edge(self.journal.entries).values() if entry.seq not in gone]

    def _drop(self, pick: int) -> bool:
        crossings = self._crossings()
        return self._offer(Kind.DROP_CROSSING, self.now_ms, target_seq=crossings[pick % len(crossings)].seq)

    def _offer(self, kind: Kind, at_ms: int, *, edge_of: Entry | None = None, **payload: object) -> bool:
        """Accept, or check that 1. the refusal changed nothing."""
        while at_ms in self.stamps and edge_of is None:
            at_ms += 1
        self.now_ms = max(self.now_ms, at_ms)
        entries = list(self.journal.entries)
        if kind in CROSSINGS:
            self.edge_seq += 1
            edge_seq = self.edge_seq if edge_of is None else edge_of.payload.edge_seq
            payload |= box_edge(at_ms / 1000, edge_seq or 0, boot=self._boot_id())
        try:
            race = self.journal.do(kind, at_ms / 1000, boot=self._boot_id(), **payload)
        except IllegalAction:
            assert self.journal.entries == entries
            assert self.journal.race == self.seen[-1]
            return False
        self.stamps.add(at_ms)
        self.seen.append(race)
        return True

    def _lap_for(self, kind: Kind, race: Race, pick: int) -> int | None:
        """A lap that the edit fits, when there is one."""
        if kind not in LAP_EDITS:
            return None
        fitting = [lap.number for lap in race.laps if lap.deleted == (kind is Kind.RESTORE_LAP)]
        return fitting[pick % len(fitting)] if fitting else 1

    def _woken(self, race: Race) -> Race:
        """As an entry of this boot finds it: a race that ran when the power went is paused."""
        if race.boot_id != self._boot_id() and race.state is RaceState.RUNNING:
            return replace(race, state=RaceState.PAUSED)
        return race


TestAnyRace = AnyRace.TestCase
TestAnyRace.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@settings(deadline=None)
@given(rules, st.lists(st.tuples(racing_kinds, steps_ms), min_size=8, max_size=25), st.randoms(use_true_random=False))
def test_arrival_order_of_crossings_does_not_matter(rules, happened, chance) -> None:  # type: ignore[no-untyped-def]
    """8. On time, or late in any order: the same race."""
    stamps = list(itertools.accumulate(step_ms for _, step_ms in happened))
    moments = [(kind, at_ms / 1000) for (kind, _), at_ms in zip(happened, stamps, strict=True)]
    on_time = _played(Journal(rules), moments)
    crossings = [moment for moment in moments if moment[0] is Kind.CROSSING]
    chance.shuffle(crossings)
    known = Journal(rules)
    known.entries += [
        msgspec.structs.replace(entry, seq=seq)
        for seq, entry in enumerate((e for e in on_time.entries[1:] if e.kind is not Kind.CROSSING), start=1)
    ]
    late = _played(known, crossings)
    assert _facts(late.race) == _facts(on_time.race)


@settings(deadline=None)
@given(rules, st.lists(st.tuples(racing_kinds, steps_ms), min_size=8, max_size=25), st.integers(-(10**6), 10**9))
def test_recorder_with_a_clock_of_its_own_gives_the_same_laps(rules, happened, offset_ms) -> None:  # type: ignore[no-untyped-def]
    """9. Stamps of another clock, however far apart the two are."""
    plain, stamped = Journal(rules), Journal(rules)
    at_ms = 0
    for kind, step_ms in happened:
        at_ms += step_ms
        stamp = {"recorder_id": "pi", "recorder_boot_id": "pi-1", "edge_ns": (at_ms + offset_ms) * 1_000_000}
        _played(plain, [(kind, at_ms / 1000)])
        _played(stamped, [(kind, at_ms / 1000)], **(stamp if kind is Kind.CROSSING else {}))
    assert stamped.race == plain.race


def _played(journal: Journal, moments: list[tuple[Kind, float]], **payload: object) -> Journal:
    for kind, at_s in moments:
        try:
            journal.do(kind, at_s, **payload)
        except IllegalAction:
            continue
    return journal


def _facts(race: Race) -> tuple[object, ...]:
    """All but the numbering by arrival."""
    laps = [replace(lap, seq=0) for lap in race.laps]
    return race.state, laps, race.resets, race.elapsed_ns(10**15), race.lap_elapsed_ns(10**15), race.started_wall_ns
