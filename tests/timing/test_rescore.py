"""Scoring a race anew with another lock-out: what changes, what stays, and that it can all be had back."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import Driven, edge

from appliance.errors import InvalidInput
from timing import rescore
from timing.crossing_entry import entry_of
from timing.fold import Race
from timing.journal import Kind
from timing.race import IllegalAction
from timing.rules import RaceRules
from timing.structs import RaceState
from timing.taken_back import crossings_by_edge, taken_back

K = Kind
UNLIMITED = RaceRules(race_ms=None, lockout_ms=2_000)


def driven(*hits_s: float, rules: RaceRules = UNLIMITED, end_s: float | None = 100) -> Driven:
    """A race over these hits, ended by hand."""
    run = Driven(rules)
    for at_s in hits_s:
        run.hit(at_s)
    if end_s is not None:
        run.do(K.END, end_s)
    return run


def test_a_longer_lockout_takes_the_double_hit_out() -> None:
    run = driven(10, 20, 22.5, 31)
    assert run.journal.lap_s == [10, 2.5, 8.5]
    difference = run.apply(3_000)
    assert run.journal.lap_s == [10, 11]
    assert [entry.payload.edge_seq for entry in difference.dropped] == [5]
    assert difference.added == ()
    assert difference.after == run.journal.race


def test_a_shorter_lockout_adds_the_crossing_that_it_had_swallowed() -> None:
    run = driven(10, 20, 21.5, 31)
    assert run.journal.lap_s == [10, 11]
    difference = run.apply(1_000)
    assert run.journal.lap_s == [10, 1.5, 9.5]
    assert [entry.payload.edge_seq for entry in difference.added] == [5]
    assert [lap.source for lap in run.journal.laps] == ["strip"] * 3


def test_the_same_lockout_changes_nothing() -> None:
    run = driven(10, 20, 22.5, 31)
    assert run.rescored(2_000).entries == ()
    run.apply(3_000)
    assert run.rescored(3_000).entries == ()


def test_a_lockout_that_judges_alike_is_noted_and_changes_no_crossing() -> None:
    run = driven(10, 20, 31)
    difference = run.apply(1_500)
    assert [entry.kind for entry in difference.entries] == [K.RESCORE]
    assert (run.journal.lap_s, run.journal.race.lockout_ms) == ([10, 11], 1_500)


def test_a_crossing_taken_out_by_a_lockout_comes_back_with_the_one_before_it() -> None:
    run = driven(10, 20, 22.5, 31)
    run.journal.do(K.SET_VALIDITY, 101, lap=2, valid=False)
    before = run.journal.race
    run.apply(3_000, at_s=200)
    run.apply(2_000, at_s=201)
    assert same(run.journal.race, before)


@pytest.mark.parametrize("lockout_ms", [1_000, 3_000])
def test_what_people_decided_holds(lockout_ms: int) -> None:
    run = driven(10, 20, 22.5, 31, 33.5, 40, 41.5, 50, end_s=None)
    taken_out = next(entry.seq for entry in run.journal.entries if entry.payload.edge_seq == 5)
    run.do(K.DROP_CROSSING, 51, target_seq=taken_out)
    run.do(K.END, 60)
    given_by_hand = next(entry.seq for entry in run.journal.entries if entry.payload.edge_seq == 9)
    run.do(K.DROP_CROSSING, 61, target_seq=given_by_hand)
    run.journal.give(33.5, 9)
    run.journal.give(41.5, 13)
    run.apply(lockout_ms)
    assert run.journal.lap_s == [10, 11, 2.5, 6.5, 1.5, 8.5]


def test_an_undone_lap_stays_undone() -> None:
    run = driven(10, 20, 22.5, end_s=None)
    run.do(K.UNDO_LAP, 23)
    run.do(K.END, 100)
    run.apply(3_000, at_s=200)
    run.apply(2_000, at_s=201)
    assert run.journal.lap_s == [10]


def test_a_crossing_that_is_elsewhere_stays_there() -> None:
    run = driven(10, 20, 21.5, 31)
    assert run.rescored(1_000, elsewhere={("box", 5)}).added == ()


def test_a_bounce_that_ended_the_race_goes_and_the_crossing_after_it_counts() -> None:
    run = driven(10, 20, 22.5, 31, rules=RaceRules(race_ms=None, lap_count=2), end_s=None)
    assert (run.journal.state, run.journal.lap_s) == (RaceState.OVER, [10, 2.5])
    run.do(K.SUBMIT, 40)
    difference = run.apply(3_000)
    assert (run.journal.state, run.journal.lap_s) == (RaceState.SUBMITTED, [10, 11])
    assert (len(difference.dropped), len(difference.added)) == (1, 1)


def test_a_submitted_race_stays_submitted_when_the_crossing_that_ended_it_goes() -> None:
    run = driven(10, 20, 22.5, rules=RaceRules(race_ms=None, lap_count=2), end_s=None)
    run.do(K.SUBMIT, 40)
    run.apply(3_000)
    assert (run.journal.state, run.journal.lap_s) == (RaceState.SUBMITTED, [10])


def test_a_race_that_is_over_only_by_a_bounce_runs_on() -> None:
    run = driven(10, 20, 22.5, rules=RaceRules(race_ms=None, lap_count=2), end_s=None)
    run.apply(3_000)
    assert run.journal.state is RaceState.RUNNING


def test_hand_laps_keep_their_meaning() -> None:
    run = driven(10, 20, end_s=None)
    run.do(K.LAP, 25)
    run.hit(33)
    run.hit(35.5)
    run.do(K.END, 60)
    run.apply(3_000)
    assert run.journal.lap_s == [10, 5, 8]
    assert [lap.source for lap in run.journal.laps] == ["strip", "hand", "strip"]


def test_a_pass_before_the_race_can_lock_out_its_first_crossing() -> None:
    run = Driven(UNLIMITED)
    run.edges = [edge(1, -2.5), edge(2, -2.4, active=False), edge(3, -0.5), edge(4, -0.4, active=False)]
    run.hit(2)
    run.hit(12)
    run.do(K.END, 20)
    run.apply(5_000)
    assert (run.journal.lap_s, run.journal.race.started_wall_ns) == ([], run.journal.entries[2].wall_ns)


def test_a_crossing_stamped_between_a_power_cut_and_the_pause_for_it_is_not_added() -> None:
    run = driven(10, 20, end_s=None)
    run.journal.power_cut(5, boot="boot-2")
    run.edges += [
        replace(edge(5, 1), boot_id="boot-2", recorder_boot_id="boot-2"),
        replace(edge(7, 2.5), boot_id="boot-2", recorder_boot_id="boot-2"),
    ]
    assert run.rescored(1_000).added == ()


def test_an_added_crossing_lies_on_the_clock_of_the_race_whatever_the_clock_of_the_reader() -> None:
    run = driven(10, 20, 21.5, 31)
    run.edges = [replace(one, boot_id="boot-9", at_ns=one.at_ns + 10**15) for one in run.edges]
    run.apply(1_000)
    assert run.journal.lap_s == [10, 1.5, 9.5]


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ([], "The race has not started; it can only be scored with another lock-out while it stands still"),
        ([K.START], "The race is running; it can only be scored with another lock-out while it stands still"),
        ([K.DISCARD], "The race is discarded"),
        ([K.END, K.DELETE_RACE], "The race is deleted"),
    ],
)
def test_a_race_that_runs_or_counts_nowhere_is_not_scored_anew(kinds: list[Kind], message: str) -> None:
    run = Driven(UNLIMITED)
    for second, kind in enumerate(kinds, start=1):
        assert run.do(kind, second)
    with pytest.raises(IllegalAction, match=message):
        run.rescored(1_000)


def test_a_paused_race_can_be_scored_anew() -> None:
    run = driven(10, 20, 22.5, end_s=None)
    run.do(K.PAUSE, 25)
    run.apply(3_000)
    assert (run.journal.state, run.journal.lap_s) == (RaceState.PAUSED, [10])


def test_more_changes_than_anybody_can_judge_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rescore, "MOST_CHANGES", 2)
    run = driven(10, 10.1, 10.2, 10.3)
    with pytest.raises(InvalidInput, match="A lock-out of 0 ms changes 3 crossings of this race"):
        run.rescored(0)
    assert len(run.rescored(200).added) == 1


def same(race: Race, other: Race) -> bool:
    """All but the count of entries and the moment of the newest."""
    return replace(race, version=0, last_at_ns=0) == replace(other, version=0, last_at_ns=0)


# ---- for any race

some_rules = st.builds(
    RaceRules,
    race_ms=st.sampled_from([None, 20_000]),
    lap_count=st.sampled_from([None, 3, 5]),
    lockout_ms=st.sampled_from([0, 500, 2_000, 4_000]),
)
lockouts = st.sampled_from([0, 500, 1_000, 2_000, 3_000, 4_000, 6_000])
hits = st.lists(st.tuples(st.integers(50, 6_000), st.sampled_from([17, 27])), min_size=3, max_size=25)
pressed = st.lists(
    st.tuples(
        st.integers(50, 6_000),
        st.sampled_from([K.CROSSING] * 5 + [K.LAP, K.PAUSE, K.RESUME, K.RESET, K.DNF, K.UNDO_LAP, K.START, K.END,
                        K.CANCEL_END, K.SET_VALIDITY]),
    ),
    min_size=5,
    max_size=30,
)  # fmt: skip


def race_of(rules: RaceRules, steps: list[tuple[int, Kind]], last: Kind) -> Driven:
    """Any race, standing still at the end."""
    run, at_ms = Driven(rules), 0
    for step_ms, kind in steps:
        at_ms += step_ms
        if kind is K.CROSSING:
            run.hit(at_ms / 1_000, hold_s=0.01)
        else:
            run.do(kind, at_ms / 1_000, **({"lap": 1, "valid": False} if kind is K.SET_VALIDITY else {}))
    for kind in (K.PAUSE, last) if last is K.END else (K.END, last):
        at_ms += 10
        run.do(kind, at_ms / 1_000)
    return run


@settings(deadline=None, max_examples=200)
@given(some_rules, hits, lockouts, lockouts)
def test_a_race_of_strips_becomes_the_one_that_the_other_lockout_would_have_seen(
    rules: RaceRules, gaps: list[tuple[int, int]], lockout_ms: int, by_the_way_ms: int
) -> None:
    """12."""
    live, other, at_ms = Driven(rules), Driven(replace_lockout(rules, lockout_ms)), 0
    for gap_ms, line in gaps:
        at_ms += gap_ms
        live.hit(at_ms / 1_000, line=line, hold_s=0.01)
        other.hit(at_ms / 1_000, line=line, hold_s=0.01)
    for run in (live, other):
        run.do(K.END, at_ms / 1_000 + 1)
        run.do(K.SUBMIT, at_ms / 1_000 + 2)
    live.apply(by_the_way_ms, at_s=10_000)
    live.apply(lockout_ms, at_s=10_001)
    assert facts(live.journal.race) == facts(other.journal.race)


@settings(deadline=None, max_examples=200)
@given(some_rules, pressed, lockouts, st.sampled_from([K.END, K.SUBMIT]))
def test_scoring_anew_twice_is_once_and_the_way_back_leads_home(
    rules: RaceRules, steps: list[tuple[int, Kind]], lockout_ms: int, last: Kind
) -> None:
    """11."""
    run = race_of(rules, steps, last)
    before = run.journal.race
    if before.state not in (RaceState.OVER, RaceState.SUBMITTED):
        return
    assert run.rescored(rules.lockout_ms).entries == ()
    run.apply(lockout_ms, at_s=10_000)
    if run.journal.state is not RaceState.RUNNING:  # the crossing that had ended it may be gone
        again = run.rescored(lockout_ms, at_s=10_001)
        assert (again.entries, again.after) == ((), run.journal.race)
        run.apply(rules.lockout_ms, at_s=10_002)
        assert same(run.journal.race, before)


@settings(deadline=None, max_examples=150)
@given(
    some_rules,
    hits,
    st.lists(st.one_of(lockouts, st.tuples(st.sampled_from(["drop", "give"]), st.integers(0, 99))), max_size=8),
)
def test_what_people_decided_holds_through_any_number_of_lockouts(
    rules: RaceRules, gaps: list[tuple[int, int]], wishes: list[int | tuple[str, int]]
) -> None:
    run, at_ms = Driven(rules), 0
    for gap_ms, line in gaps:
        at_ms += gap_ms
        run.hit(at_ms / 1_000, line=line, hold_s=0.01)
    run.do(K.END, at_ms / 1_000 + 1)
    run.do(K.SUBMIT, at_ms / 1_000 + 2)
    presses = [one for one in run.edges if one.active]
    decided: dict[int, bool] = {}
    for number, wish in enumerate(wishes, start=1_000):
        if isinstance(wish, int):
            run.apply(wish, at_s=number)
        elif wish[0] == "give":
            press = presses[wish[1] % len(presses)]
            before = len(run.journal.entries)
            run.take(entry_of("race-1", 0, press, kind=K.ADD_CROSSING))
            if len(run.journal.entries) > before:
                decided[press.seq] = True
        elif counting := sorted(in_the_race(run)):
            edge_seq = counting[wish[1] % len(counting)]
            target = crossings_by_edge(run.journal.entries)["box", edge_seq].seq
            assert run.do(K.DROP_CROSSING, number, target_seq=target)
            decided[edge_seq] = False
        now = in_the_race(run)
        assert {edge_seq: edge_seq in now for edge_seq in decided} == decided
    assert run.journal.state is RaceState.SUBMITTED


def in_the_race(run: Driven) -> set[int]:
    """The numbers of the edges that count in it now."""
    gone = taken_back(run.journal.entries)
    return {seq for (_, seq), entry in crossings_by_edge(run.journal.entries).items() if entry.seq not in gone}


def replace_lockout(rules: RaceRules, lockout_ms: int) -> RaceRules:
    return RaceRules(race_ms=rules.race_ms, lap_count=rules.lap_count, lockout_ms=lockout_ms)


def facts(race: Race) -> tuple[object, ...]:
    """All but the numbering of the entries; the clocks of a race that a lock-out took the end from stop elsewhere."""
    return race.state, [replace(lap, seq=0) for lap in race.laps], race.resets, race.started_wall_ns
