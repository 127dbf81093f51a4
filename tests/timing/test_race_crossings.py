"""Crossings that people give to a race and take out of it: what that does to the race, and what is refused."""

import pytest
from journals import UNLIMITED, Journal, box_edge, in_state, ns, running

from timing.journal import Kind
from timing.race import IllegalAction, laps_view
from timing.rules import RaceRules
from timing.structs import RaceState

K, S = Kind, RaceState


def crossed(*seconds: float, rules: RaceRules = UNLIMITED) -> Journal:
    """Crossings with edges numbered from 1."""
    journal = Journal(rules)
    for edge_seq, at_s in enumerate(seconds, start=1):
        journal.cross(at_s, edge_seq)
    return journal


@pytest.mark.parametrize("state", [S.RUNNING, S.PAUSED, S.OVER, S.SUBMITTED])
def test_a_given_crossing_counts_where_it_happened_whatever_the_race_is_now(state: RaceState) -> None:
    journal = in_state(state)
    assert journal.lap_s == [10]
    assert journal.give(16, 1).state is state
    assert journal.lap_s == [6, 4]
    assert [lap.source for lap in journal.laps] == ["strip", "strip"]


def test_a_given_crossing_can_start_the_race_and_resume_it() -> None:
    journal = Journal()
    journal.give(10, 1)
    journal.do(K.PAUSE, 12)
    journal.give(13, 2)
    journal.do(K.LAP, 18)
    assert journal.lap_s == [5]


def test_a_given_crossing_is_measured_by_the_recorders_own_stamps() -> None:
    journal = Journal()
    stamp = {"recorder_id": "pi", "recorder_boot_id": "pi-1", "line": 17}
    journal.do(K.CROSSING, 10, **stamp, edge_seq=1, edge_ns=ns(500))
    journal.do(K.ADD_CROSSING, 20.004, **stamp, edge_seq=2, edge_ns=ns(510))
    assert journal.lap_s == [10]


def test_a_late_end_by_a_given_crossing_leaves_the_pressed_end_without_effect() -> None:
    journal = crossed(10, 20, rules=RaceRules(race_ms=None, lap_count=2))
    journal.do(K.END, 40)
    journal.do(K.SUBMIT, 41)
    journal.give(30, 3)
    assert (journal.state, journal.lap_s, journal.race.race_ns) == (S.SUBMITTED, [10, 10], ns(20))


@pytest.mark.parametrize(
    ("at_s", "message", "remedy"),
    [
        (-1, "This crossing happened before the race was made ready, so it cannot be a part of it.",
         "Give it to the race before, or dismiss it."),
        (35, "This crossing happened when the race was over already, so it cannot be a part of it.",
         "Give it to another race, or dismiss it. If a crossing ended the race by mistake, take that one out first."),
        (45, "This crossing happened when the race was submitted already, so it cannot be a part of it.",
         "Give it to another race, or dismiss it. If a crossing ended the race by mistake, take that one out first."),
    ],
)  # fmt: skip
def test_a_crossing_from_outside_the_race_is_refused_with_what_to_do(at_s: float, message: str, remedy: str) -> None:
    journal = in_state(S.SUBMITTED)
    before = list(journal.entries)
    with pytest.raises(IllegalAction) as refused:
        journal.give(at_s, 1)
    assert (refused.value.message, refused.value.remedy) == (message, remedy)
    assert journal.entries == before


def test_a_crossing_that_ended_the_race_is_taken_out_and_the_real_one_given() -> None:
    journal = crossed(10, 20, 22, rules=RaceRules(race_ms=None, lap_count=2))
    journal.do(K.SUBMIT, 40)
    with pytest.raises(IllegalAction, match="when the race was over already"):
        journal.give(31, 4)
    journal.do(K.DROP_CROSSING, 50, target_seq=3)
    journal.give(31, 4)
    assert (journal.state, journal.lap_s) == (S.SUBMITTED, [10, 11])


@pytest.mark.parametrize("state", [S.DISCARDED, S.OVER])
def test_a_race_that_counts_nowhere_takes_none(state: RaceState) -> None:
    journal = in_state(state)
    if state is S.OVER:
        journal.do(K.DELETE_RACE, 50)
    with pytest.raises(IllegalAction, match="discarded" if state is S.DISCARDED else "deleted"):
        journal.give(15, 1)


@pytest.mark.parametrize("known", [K.CROSSING, K.ADD_CROSSING])
def test_an_edge_is_in_a_race_once(known: Kind) -> None:
    journal = running()
    journal.do(known, 20, **box_edge(20, 1))
    with pytest.raises(IllegalAction, match="in the race already"):
        journal.give(20, 1)


def test_an_edge_whose_place_an_earlier_stamp_took_is_in_the_race_with_it() -> None:
    journal = crossed(10, 20.003)
    journal.do(K.CROSSING, 20.001, **box_edge(20.001, 3), target_seq=2)
    with pytest.raises(IllegalAction, match="in the race already"):
        journal.give(20.003, 2)
    journal.do(K.DROP_CROSSING, 30, target_seq=2)
    assert journal.lap_s == []
    journal.give(20.003, 2)
    assert journal.lap_s == [10.001]


def test_a_dropped_crossing_stays_dropped_when_its_pass_gets_an_earlier_stamp() -> None:
    journal = crossed(10, 20.003, 30)
    journal.do(K.DROP_CROSSING, 31, target_seq=2)
    journal.do(K.CROSSING, 20.001, **box_edge(20.001, 9), target_seq=2)
    assert journal.lap_s == [20]


def test_without_its_first_crossing_the_next_one_starts_the_race() -> None:
    journal = crossed(10, 20, 31)
    journal.do(K.DROP_CROSSING, 32, target_seq=1)
    assert (journal.lap_s, journal.race.race_ns) == ([11], ns(11))


def test_a_race_that_a_foot_started_is_ready_again() -> None:
    journal = crossed(10)
    journal.do(K.SET_PROXY, 11, by_proxy=True)
    assert journal.do(K.DROP_CROSSING, 12, target_seq=1).state is S.READY
    journal.cross(20, 2)
    journal.cross(30, 3)
    assert (journal.lap_s, journal.race.by_proxy) == ([10], True)


def test_what_was_decided_about_a_lap_comes_back_with_its_crossing() -> None:
    journal = crossed(10, 20, 31)
    journal.do(K.END, 40)
    journal.do(K.SET_TIME, 41, lap=1, lap_ms=9_500)
    journal.do(K.SET_VALIDITY, 42, lap=2, valid=False)
    before = journal.laps
    journal.do(K.DROP_CROSSING, 43, target_seq=2)
    assert journal.lap_s == [21]
    journal.give(20, 2)
    assert journal.laps == before


def test_the_crossing_of_an_undone_lap_can_be_given_back() -> None:
    journal = crossed(10, 20, 31)
    before = journal.laps
    journal.do(K.UNDO_LAP, 32)
    with pytest.raises(IllegalAction, match="not in the race any more"):
        journal.do(K.DROP_CROSSING, 33, target_seq=3)
    journal.give(31, 3)
    assert journal.laps == before
    journal.do(K.UNDO_LAP, 35)
    assert journal.lap_s == [10]


def test_a_crossing_is_dropped_once() -> None:
    journal = crossed(10, 20)
    journal.do(K.DROP_CROSSING, 21, target_seq=2)
    with pytest.raises(IllegalAction, match="not in the race any more"):
        journal.do(K.DROP_CROSSING, 22, target_seq=2)


def test_a_drop_says_by_itself_which_edge_it_was() -> None:
    journal = crossed(10, 20)
    journal.do(K.DROP_CROSSING, 21, target_seq=2)
    dropped = journal.entries[-1].payload
    assert (dropped.recorder_id, dropped.edge_seq, dropped.line) == ("box", 2, 17)


def test_a_crossing_of_a_boot_that_the_race_never_saw_has_its_place_by_the_time_of_day() -> None:
    """The journals' time of day goes with the seconds, whatever the boot."""
    journal = crossed(10, 20)
    with pytest.raises(IllegalAction, match="before the race was made ready"):
        journal.do(K.ADD_CROSSING, -5, boot="boot-0", **box_edge(-5, 9))
    with pytest.raises(IllegalAction, match="The box was restarted between this crossing and the race"):
        journal.do(K.ADD_CROSSING, 15, boot="boot-2", **box_edge(15, 9))
    assert journal.do(K.ADD_CROSSING, 30, boot="boot-2", **box_edge(30, 9)).state is S.RUNNING
    assert journal.lap_s == [10]


@pytest.mark.parametrize(("first", "then"), [(K.CROSSING, K.LAP), (K.LAP, K.CROSSING), (K.START, K.CROSSING)])
def test_the_later_capture_within_the_lockout_of_the_other_is_suspect_and_counts(first: Kind, then: Kind) -> None:
    journal = Journal(RaceRules(race_ms=None, min_lap_ms=0, lockout_ms=2_000))
    if first is not K.START:
        journal.do(K.START, 5)
    journal.do(first, 10)
    journal.do(then, 11.9)
    journal.do(K.LAP, 14)
    laps = laps_view(journal.race)
    assert [lap.suspect for lap in laps] == [False] * (len(laps) - 2) + [True, False]
    assert all(lap.valid for lap in laps)


def test_a_lap_is_suspect_by_the_lockout_that_it_was_scored_with() -> None:
    journal = crossed(10, 12.5, rules=RaceRules(race_ms=None, min_lap_ms=0, lockout_ms=2_000))
    journal.do(K.END, 20)
    assert not laps_view(journal.race)[0].suspect
    journal.do(K.RESCORE, 21, lockout_ms=3_000)
    assert laps_view(journal.race)[0].suspect
