"""Corrections by people: what they change, and that they can all be changed back."""

import pytest
from journals import Journal, in_state

from timing.averages import averages
from timing.journal import Kind
from timing.race import IllegalAction, allowed, laps_view
from timing.rules import RaceRules
from timing.structs import RaceState

K, S = Kind, RaceState
LIMITED = RaceRules(race_ms=None, max_resets_per_lap=1)
AFTER = [S.OVER, S.SUBMITTED]


def three_laps(state: RaceState = S.OVER) -> Journal:
    journal = Journal(LIMITED)
    for at_s in (10, 20, 31, 43):
        journal.do(K.CROSSING, at_s)
    journal.do(K.END, 44)
    if state is S.SUBMITTED:
        journal.do(K.SUBMIT, 45)
    return journal


@pytest.mark.parametrize("state", AFTER)
def test_corrected_time_counts_and_shows_as_edited(state: RaceState) -> None:
    journal = three_laps(state)
    assert journal.do(K.SET_TIME, 50, lap=2, lap_ms=9_999).state is state
    assert journal.lap_s == [10, 9.999, 12]
    assert [lap.edited for lap in journal.laps] == [False, True, False]
    journal.do(K.SET_TIME, 51, lap=2, lap_ms=11_000)
    assert not journal.laps[1].edited


@pytest.mark.parametrize(("resets", "valid"), [(1, True), (2, False)])
def test_corrected_resets_decide_validity_by_the_limit(resets: int, valid: bool) -> None:
    journal = three_laps()
    journal.do(K.SET_RESETS, 50, lap=1, resets=resets)
    assert (journal.laps[0].resets, journal.laps[0].valid) == (resets, valid)


def test_validity_set_by_hand_holds_above_the_limit_and_after_corrected_resets() -> None:
    journal = three_laps()
    journal.do(K.SET_RESETS, 50, lap=1, resets=5)
    journal.do(K.SET_VALIDITY, 51, lap=1, valid=True)
    assert journal.laps[0].valid
    journal.do(K.SET_RESETS, 52, lap=1, resets=7)
    assert journal.laps[0].valid


@pytest.mark.parametrize("state", [S.RUNNING, S.PAUSED, S.OVER, S.SUBMITTED])
def test_validity_of_any_lap_can_be_changed_and_averages_follow(state: RaceState) -> None:
    journal = in_state(state)
    assert averages(journal.laps, 1)
    journal.do(K.SET_VALIDITY, 60, lap=1, valid=False)
    assert averages(journal.laps, 1) == []
    journal.do(K.SET_VALIDITY, 61, lap=1, valid=True)
    assert averages(journal.laps, 1)


def test_lap_that_did_not_finish_can_be_made_valid_by_hand() -> None:
    journal = Journal()
    journal.do(K.START, 10)
    journal.do(K.DNF, 20)
    assert journal.do(K.SET_VALIDITY, 21, lap=1, valid=True).laps[0].valid


@pytest.mark.parametrize("state", AFTER)
def test_deleted_lap_keeps_its_number_breaks_averages_and_can_come_back(state: RaceState) -> None:
    journal = three_laps(state)
    assert len(averages(journal.laps, 2)) == 2
    race = journal.do(K.DELETE_LAP, 50, lap=2)
    assert [lap.lap for lap in laps_view(race)] == [1, 3]
    assert [lap.lap for lap in laps_view(race, with_deleted=True)] == [1, 2, 3]
    assert averages(race.laps, 2) == averages([lap for lap in race.laps if not lap.deleted], 2) == []
    with pytest.raises(IllegalAction, match=r"Lap 2 is deleted. Restore lap 2 first."):
        journal.do(K.SET_TIME, 51, lap=2, lap_ms=1)
    assert len(averages(journal.do(K.RESTORE_LAP, 52, lap=2).laps, 2)) == 2
    with pytest.raises(IllegalAction, match="Lap 2 is not deleted"):
        journal.do(K.RESTORE_LAP, 53, lap=2)


def test_deleting_all_laps_leaves_a_run_without_laps() -> None:
    journal = in_state(S.SUBMITTED)
    race = journal.do(K.DELETE_LAP, 50, lap=1)
    assert laps_view(race) == []
    assert K.RESTORE_LAP in allowed(race)
    assert not allowed(race) & {K.SET_TIME, K.DELETE_LAP, K.SET_VALIDITY}


@pytest.mark.parametrize("state", AFTER)
def test_deleted_race_can_only_be_restored(state: RaceState) -> None:
    journal = in_state(state)
    before = journal.race.laps
    with pytest.raises(IllegalAction, match="The race is not deleted"):
        journal.do(K.RESTORE_RACE, 59)
    assert journal.do(K.DELETE_RACE, 60).deleted
    assert allowed(journal.race) == {K.RESTORE_RACE}
    for kind, payload in [(K.DELETE_RACE, {}), (K.SET_PROXY, {"by_proxy": True}), (K.CROSSING, {})]:
        with pytest.raises(IllegalAction, match="The race is deleted; it can only be restored"):
            journal.do(kind, 61, **payload)
    race = journal.do(K.RESTORE_RACE, 62)
    assert (race.deleted, race.state, race.laps) == (False, state, before)


@pytest.mark.parametrize("state", AFTER)
def test_racer_track_and_proxy_can_be_corrected_after_the_race(state: RaceState) -> None:
    journal = in_state(state)
    journal.do(K.SET_RACER, 60, racer_id="racer-2")
    journal.do(K.SET_TRACK, 61, track_id="10")
    race = journal.do(K.SET_PROXY, 62, by_proxy=True)
    assert (race.racer_id, race.track_id, race.by_proxy, race.state) == ("racer-2", "10", True, state)
    assert not journal.do(K.SET_PROXY, 63, by_proxy=False).by_proxy


def test_edit_of_a_lap_that_does_not_exist_says_which_ones_do() -> None:
    with pytest.raises(IllegalAction, match=r"This race has no lap 4. Choose a lap from 1 to 3."):
        three_laps().do(K.SET_VALIDITY, 50, lap=4, valid=False)


def test_edit_of_an_entry_that_is_no_lap_any_more_is_refused() -> None:
    with pytest.raises(IllegalAction, match="This lap does not exist any more"):
        three_laps().do(K.SET_VALIDITY, 50, target_seq=1, valid=False)


def test_zero_laps_can_be_submitted() -> None:
    journal = Journal()
    journal.do(K.END, 5)
    race = journal.do(K.SUBMIT, 6)
    assert (race.state, race.laps, race.submitted_wall_ns) == (S.SUBMITTED, (), journal.entries[-1].wall_ns)
