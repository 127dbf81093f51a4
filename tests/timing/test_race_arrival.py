"""Invariant 8 of docs/race.md: whenever presses and crossings arrive, late or on time, the race is the same."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from journals import Journal, box_edge
from strategies import rules, steps_ms

from timing.fold import Race
from timing.journal import Kind
from timing.race import IllegalAction, laps_view
from timing.rules import RaceRules

K = Kind
STRIP = 0

pressed_kinds = st.sampled_from(
    [K.LAP, K.LAP, K.LAP, K.RESET, K.RESET, K.UNDO_RESET, K.SET_CAR, K.PAUSE, K.RESUME, K.DNF, K.END, K.CANCEL_END]
)
"""All that happens at a point of the race's time."""


@dataclass(frozen=True)
class Moment:
    """Something that happened: `source` is the strips or one of the timekeepers."""

    number: int
    source: int
    kind: Kind
    at_ms: int

    def enter(self, journal: Journal) -> None:
        payload = box_edge(self.at_ms / 1000, self.number) if self.kind is K.CROSSING else {}
        if self.kind is K.SET_CAR:
            payload = {"car_id": f"car-{self.number}", "laps_so_far": self.number % 2 == 0}
        journal.do(self.kind, self.at_ms / 1000, **payload)


happened = st.lists(
    st.one_of(
        st.tuples(st.just(STRIP), st.just(K.CROSSING), steps_ms),
        st.tuples(st.integers(1, 3), pressed_kinds, steps_ms),
    ),
    min_size=6,
    max_size=20,
)


def moments_of(drawn: Sequence[tuple[int, Kind, int]]) -> list[Moment]:
    stamps = itertools.accumulate(step_ms for _, _, step_ms in drawn)
    return [
        Moment(n, source, kind, at_ms) for n, ((source, kind, _), at_ms) in enumerate(zip(drawn, stamps, strict=True))
    ]


def on_time(race_rules: RaceRules, moments: Sequence[Moment]) -> tuple[Journal, list[Moment]]:
    """The race when nothing is late, and what it took."""
    journal, taken = Journal(race_rules), []
    for moment in moments:
        try:
            moment.enter(journal)
        except IllegalAction:
            continue
        taken.append(moment)
    return journal, taken


def arrived(race_rules: RaceRules, arrivals: Sequence[Moment]) -> Journal:
    """The race when they arrive in this order; only examples in which all are accepted are looked at."""
    journal = Journal(race_rules)
    for moment in arrivals:
        try:
            moment.enter(journal)
        except IllegalAction:
            event("refused")
            assume(False)
    return journal


def interleaved(taken: Sequence[Moment], pick: st.DataObject) -> list[Moment]:
    """Any order in which each source keeps its own."""
    queues = {source: [one for one in taken if one.source == source] for source in {one.source for one in taken}}
    arrivals = []
    while queues:
        queue = queues[pick.draw(st.sampled_from(sorted(queues)))]
        arrivals.append(queue.pop(0))
        queues = {source: left for source, left in queues.items() if left}
    return arrivals


def facts(journal: Journal) -> tuple[object, ...]:
    """All that people see of it but the numbers of its entries."""
    race: Race = journal.race
    laps = [replace(lap, seq=0) for lap in race.laps]
    suspects = [lap.suspect for lap in laps_view(race)]
    clocks = race.elapsed_ns(10**15), race.lap_elapsed_ns(10**15), race.given_up_ns
    return race.state, laps, suspects, race.resets, clocks, race.car_id, race.started_wall_ns


@settings(deadline=None, max_examples=300)
@given(rules, happened, st.data())
def test_race_is_the_same_in_whatever_order_each_timekeepers_presses_arrive(
    race_rules: RaceRules, drawn: list[tuple[int, Kind, int]], pick: st.DataObject
) -> None:
    punctual, taken = on_time(race_rules, moments_of([(1, K.START, 5_000), *drawn]))
    late = arrived(race_rules, interleaved(taken, pick))
    event(f"late: {[e.at_ns for e in late.entries] != sorted(e.at_ns for e in late.entries)}")
    assert facts(late) == facts(punctual)


@settings(deadline=None, max_examples=200)
@given(rules, happened, st.data())
def test_timekeeper_without_a_network_to_the_end_of_the_race_changes_nothing(
    race_rules: RaceRules, drawn: list[tuple[int, Kind, int]], pick: st.DataObject
) -> None:
    """The usual case: one is away and all of theirs come last, in the order of pressing."""
    punctual, taken = on_time(race_rules, moments_of([(1, K.START, 5_000), *drawn]))
    away = pick.draw(st.integers(2, 3))
    late = arrived(race_rules, sorted(taken, key=lambda one: one.source == away))
    assert facts(late) == facts(punctual)


@settings(deadline=None, max_examples=300)
@given(rules, happened, st.data())
def test_undo_takes_back_the_same_lap_however_late_it_comes(
    race_rules: RaceRules, drawn: list[tuple[int, Kind, int]], pick: st.DataObject
) -> None:
    undos = pick.draw(st.sets(st.integers(1, len(drawn) - 1), min_size=1, max_size=3))
    mixed = [(1, K.UNDO_LAP, step) if n in undos else (who, kind, step) for n, (who, kind, step) in enumerate(drawn)]
    punctual, taken = on_time(race_rules, moments_of([(1, K.START, 5_000), *mixed]))
    delays = {one: pick.draw(st.integers(0, 6)) if one.kind is K.UNDO_LAP else 0 for one in taken}
    late = arrived(race_rules, sorted(taken, key=lambda one: one.number + delays[one]))
    event(f"undone late: {any(delays.values())}")
    assert facts(late) == facts(punctual)


def test_premise_presses_of_an_absent_timekeeper_are_accepted_and_change_the_order() -> None:
    drawn = [(0, K.CROSSING, 5_000), (2, K.LAP, 9_000), (2, K.RESET, 1_000), (0, K.CROSSING, 8_000), (3, K.END, 4_000)]
    punctual, taken = on_time(RaceRules(race_ms=None), moments_of(drawn))
    late = arrived(RaceRules(race_ms=None), sorted(taken, key=lambda one: one.source == 2))

    assert [entry.kind for entry in late.entries[1:]] == [K.CROSSING, K.CROSSING, K.END, K.LAP, K.RESET]
    assert late.lap_s == punctual.lap_s == [9, 9]
    assert facts(late) == facts(punctual)
