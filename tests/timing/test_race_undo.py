"""Undo: as if the lap had never been taken, exactly."""

from dataclasses import replace

import pytest
from journals import Journal, running

from timing.averages import averages
from timing.fold import Race
from timing.journal import Kind
from timing.race import IllegalAction
from timing.rules import RaceRules
from timing.structs import RaceState

K = Kind
TWO_MINUTES = RaceRules(race_ms=120_000)


def seen(race: Race) -> Race:
    """The race without the count of its entries and the stamp of the last."""
    return replace(race, version=0, last_at_ns=0, running_since_ns=None, race_ns=race.elapsed_ns(race.last_at_ns))


def test_undo_gives_back_the_time_and_the_resets() -> None:
    journal = running()
    journal.do(K.RESET, 12)
    journal.do(K.CROSSING, 14)
    journal.do(K.RESET, 15)
    race = journal.do(K.UNDO_LAP, 16)
    assert (race.laps, race.resets) == ((), 2)
    assert journal.clocks(17).lap_elapsed_ms == 7_000


def test_next_crossing_is_timed_from_the_one_before_the_undone_lap() -> None:
    """DREM timed it from the undone crossing, so the given back time was lost."""
    journal = Journal()
    journal.strip(10, 500)
    journal.strip(14, 504)
    journal.do(K.UNDO_LAP, 15)
    journal.strip(19, 509)
    assert journal.lap_s == [9]
    assert journal.laps[0].number == 1


def test_undo_takes_the_lap_out_of_the_averages() -> None:
    journal = running()
    for at_s in (20, 30, 40):
        journal.do(K.CROSSING, at_s)
    assert len(averages(journal.laps, 3)) == 1
    journal.do(K.UNDO_LAP, 41)
    assert averages(journal.laps, 3) == []


def test_undo_of_the_capture_that_ended_the_race_lets_it_run_on() -> None:
    journal = running(TWO_MINUTES)
    assert journal.do(K.CROSSING, 131).state is RaceState.OVER
    assert journal.do(K.UNDO_LAP, 133).state is RaceState.RUNNING
    assert journal.clocks(134).race_elapsed_ms == 124_000
    assert journal.do(K.CROSSING, 140).state is RaceState.OVER
    assert journal.lap_s == [130]


def test_undo_after_the_end_by_hand_stays_over() -> None:
    journal = running()
    journal.do(K.CROSSING, 20)
    journal.do(K.END, 25)
    assert journal.do(K.UNDO_LAP, 26).state is RaceState.OVER
    assert journal.clocks(30).lap_elapsed_ms == 15_000


def test_undone_did_not_finish_was_never_pressed() -> None:
    journal = running()
    journal.do(K.DNF, 15)
    assert journal.do(K.UNDO_LAP, 17).state is RaceState.RUNNING
    journal.do(K.CROSSING, 20)
    assert journal.lap_s == [10]


def test_lap_can_be_undone_while_paused() -> None:
    journal = running()
    journal.do(K.CROSSING, 20)
    journal.do(K.PAUSE, 25)
    assert journal.do(K.UNDO_LAP, 26).state is RaceState.PAUSED
    journal.do(K.RESUME, 35)
    journal.do(K.CROSSING, 40)
    assert journal.lap_s == [20]


def test_several_laps_are_undone_one_after_the_other() -> None:
    journal = running()
    for at_s in (20, 30, 40):
        journal.do(K.CROSSING, at_s)
    journal.do(K.UNDO_LAP, 41)
    journal.do(K.UNDO_LAP, 42)
    assert journal.lap_s == [10]
    journal.do(K.UNDO_LAP, 43)
    with pytest.raises(IllegalAction, match="There is no lap to undo"):
        journal.do(K.UNDO_LAP, 44)


def test_undo_keeps_what_was_edited_about_other_laps_even_when_the_race_runs_again() -> None:
    journal = running(TWO_MINUTES)
    journal.do(K.CROSSING, 20)
    journal.do(K.CROSSING, 131)
    journal.do(K.SET_TIME, 132, lap=1, lap_ms=9_500)
    journal.do(K.UNDO_LAP, 133)
    assert (journal.state, journal.lap_s) == (RaceState.RUNNING, [9.5])


def test_deleted_lap_is_not_undone() -> None:
    journal = running()
    journal.do(K.CROSSING, 20)
    journal.do(K.END, 25)
    journal.do(K.DELETE_LAP, 26, lap=1)
    with pytest.raises(IllegalAction, match=r"Lap 1 is deleted, so it cannot be undone. Restore lap 1 first."):
        journal.do(K.UNDO_LAP, 27)


@pytest.mark.parametrize("capture", [K.CROSSING, K.LAP, K.DNF])
def test_undo_restores_exactly_what_would_be_without_the_capture(capture: Kind) -> None:
    without, undone = running(TWO_MINUTES), running(TWO_MINUTES)
    for journal in (without, undone):
        journal.do(K.RESET, 12)
        if journal is undone:
            journal.do(capture, 20)
            journal.do(K.UNDO_LAP, 21)
        journal.do(K.RESET, 22)
    assert seen(undone.race) == seen(without.race)
