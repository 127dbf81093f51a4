"""Laps and clocks: what a lap's time is, whatever happened in it."""

import pytest
from journals import Journal, running

from timing.journal import Kind
from timing.race import Clocks, IllegalAction, laps_view
from timing.rules import RaceRules
from timing.structs import RaceState

K = Kind
TWO_MINUTES = RaceRules(race_ms=120_000)


def test_first_crossing_starts_the_clocks_and_makes_no_lap() -> None:
    journal = Journal()
    assert journal.do(K.CROSSING, 10).state is RaceState.RUNNING
    assert journal.laps == ()
    assert journal.clocks(13.5) == Clocks(race_left_ms=None, race_elapsed_ms=3_500, lap_elapsed_ms=3_500, time_up=False)


def test_race_remembers_when_it_was_made_started_and_submitted() -> None:
    journal = Journal()
    assert journal.race.started_wall_ns is None
    for at_s, kind in enumerate((K.START, K.PAUSE, K.RESUME, K.LAP, K.END, K.CANCEL_END, K.END, K.SUBMIT), start=10):
        journal.do(kind, at_s)
    journal.do(K.SET_PROXY, 60, by_proxy=True)
    race, wall = journal.race, [entry.wall_ns for entry in journal.entries]
    assert (race.created_wall_ns, race.started_wall_ns, race.submitted_wall_ns) == (wall[0], wall[1], wall[8])


def test_lap_is_the_time_between_two_crossings() -> None:
    journal = running()
    journal.do(K.CROSSING, 19.123)
    journal.do(K.CROSSING, 29.5)
    assert journal.lap_s == [9.123, 10.377]
    assert [lap.number for lap in journal.laps] == [1, 2]


def test_lap_is_shown_in_whole_ms_rounded_down() -> None:
    journal = Journal()
    journal.do(K.CROSSING, 10)
    journal.do(K.CROSSING, 19)
    journal.entries[-1] = journal.entries[-1].__class__(
        **{f: getattr(journal.entries[-1], f) for f in journal.entries[-1].__struct_fields__ if f != "at_ns"},
        at_ns=18_999_999_999,
    )
    assert (journal.laps[0].lap_ns, journal.laps[0].lap_ms) == (8_999_999_999, 8_999)


def test_pause_is_no_part_of_the_lap() -> None:
    journal = running()
    journal.do(K.PAUSE, 15)
    assert journal.clocks(60).lap_elapsed_ms == 5_000
    journal.do(K.RESUME, 100)
    journal.do(K.CROSSING, 104)
    assert journal.lap_s == [9]
    assert journal.clocks(104).race_elapsed_ms == 9_000


def test_crossing_while_paused_resumes_and_begins_a_new_lap_at_the_line() -> None:
    """The car was carried back to the line: what it had driven of that lap is given up, and stays race time."""
    journal = running()
    journal.do(K.PAUSE, 15)
    assert journal.do(K.CROSSING, 100).state is RaceState.RUNNING
    assert journal.laps == ()
    assert journal.clocks(100).lap_elapsed_ms == 0
    journal.do(K.CROSSING, 109)
    assert journal.lap_s == [9]
    assert (journal.race.race_ns, journal.race.given_up_ns) == (14_000_000_000, 5_000_000_000)


def test_hand_and_strip_mix_and_set_the_same_reference() -> None:
    journal = Journal()
    journal.do(K.START, 10)
    journal.do(K.CROSSING, 20)
    journal.do(K.LAP, 31)
    journal.do(K.CROSSING, 43)
    journal.do(K.CROSSING, 56)
    assert journal.lap_s == [10, 11, 12, 13]
    assert [lap.source for lap in journal.laps] == ["strip", "hand", "strip", "strip"]


def test_two_stamps_of_one_recorder_make_the_lap_whatever_the_servers_clock_says() -> None:
    journal = Journal()
    journal.strip(10.004, 500.000)
    journal.strip(19.001, 509.000)
    assert journal.lap_s == [9]


def test_pause_is_taken_off_a_lap_between_two_stamps_of_the_recorder() -> None:
    journal = Journal()
    journal.strip(10.004, 500.000)
    journal.do(K.PAUSE, 12)
    journal.do(K.RESUME, 22)
    journal.strip(29.001, 519.000)
    assert journal.lap_s == [9]


def test_every_pause_is_taken_off_its_own_lap_and_no_other() -> None:
    journal = Journal()
    journal.strip(10, 500)
    for at_s in (12, 15):
        journal.do(K.PAUSE, at_s)
        journal.do(K.RESUME, at_s + 2)
    journal.strip(23, 513)
    journal.strip(33, 523)
    assert journal.lap_s == [9, 10]


@pytest.mark.parametrize("second", [{"recorder_boot": "pi-2"}, {"recorder_boot": "pi-1", "edge_s": 1.0}])
def test_stamps_that_do_not_compare_leave_it_to_the_servers_clock(second: dict[str, object]) -> None:
    """Another boot of the recorder, or a difference that cannot be."""
    journal = Journal()
    journal.strip(10, 500)
    journal.strip(19.5, **({"edge_s": 509.0} | second))  # type: ignore[arg-type]
    assert journal.lap_s == [9.5]


def test_lap_by_hand_between_two_stamps_is_timed_by_the_servers_clock() -> None:
    journal = Journal()
    journal.strip(10, 500)
    journal.do(K.LAP, 20)
    journal.strip(30.5, 520.4)
    assert journal.lap_s == [10, 10.5]


def test_time_up_lets_the_lap_finish_and_the_next_capture_ends() -> None:
    journal = running(TWO_MINUTES)
    journal.do(K.CROSSING, 100)
    journal.do(K.RESET, 131)
    assert journal.state is RaceState.RUNNING
    assert journal.clocks(131) == Clocks(race_left_ms=0, race_elapsed_ms=121_000, lap_elapsed_ms=31_000, time_up=True)
    assert journal.do(K.CROSSING, 140).state is RaceState.OVER
    assert journal.lap_s == [90, 40]
    assert journal.clocks(500).race_elapsed_ms == 130_000


@pytest.mark.parametrize(("at_s", "state"), [(129.999, RaceState.RUNNING), (130, RaceState.OVER)])
def test_time_is_up_at_the_very_millisecond(at_s: float, state: RaceState) -> None:
    assert running(TWO_MINUTES).do(K.LAP, at_s).state is state


def test_pauses_do_not_use_up_race_time() -> None:
    journal = running(TWO_MINUTES)
    journal.do(K.PAUSE, 20)
    journal.do(K.RESUME, 400)
    assert journal.clocks(400).race_left_ms == 110_000
    assert journal.do(K.LAP, 410).state is RaceState.RUNNING


@pytest.mark.parametrize("back", [K.CROSSING, K.RESUME])
def test_race_whose_time_is_up_still_ends_after_cancel_and_resume(back: Kind) -> None:
    """DREM forgot that the time was up."""
    journal = running(TWO_MINUTES)
    journal.do(K.LAP, 131)
    assert journal.do(K.CANCEL_END, 135).state is RaceState.PAUSED
    assert journal.do(back, 140).state is RaceState.RUNNING
    assert journal.do(K.LAP, 150).state is RaceState.OVER
    assert journal.lap_s == [121, 10]


def test_race_paused_after_its_time_was_up_still_ends_at_the_next_capture() -> None:
    journal = running(TWO_MINUTES)
    journal.do(K.PAUSE, 131)
    journal.do(K.RESUME, 140)
    assert journal.do(K.CROSSING, 145).state is RaceState.OVER


def test_end_and_cancel_keep_the_running_lap() -> None:
    journal = running()
    journal.do(K.END, 14)
    assert journal.clocks(90).lap_elapsed_ms == 4_000
    journal.do(K.CANCEL_END, 100)
    journal.do(K.RESUME, 110)
    journal.do(K.LAP, 115)
    assert journal.lap_s == [9]


def test_race_ended_before_its_start_can_be_taken_back_and_started() -> None:
    journal = Journal()
    journal.do(K.END, 5)
    journal.do(K.CANCEL_END, 6)
    journal.do(K.RESUME, 10)
    journal.do(K.CROSSING, 20)
    assert journal.lap_s == [10]
    assert journal.race.started_wall_ns is not None


def test_did_not_finish_is_an_invalid_lap_and_a_pause() -> None:
    journal = running()
    assert journal.do(K.DNF, 14).state is RaceState.PAUSED
    lap = journal.laps[0]
    assert (lap.lap_ms, lap.valid, lap.dnf, lap.source) == (4_000, False, True, "hand")
    journal.do(K.CROSSING, 30)
    journal.do(K.CROSSING, 39)
    assert journal.lap_s == [4, 9]


def test_did_not_finish_after_time_up_ends_the_race() -> None:
    assert running(TWO_MINUTES).do(K.DNF, 131).state is RaceState.OVER


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 10])
def test_lap_count_race_ends_by_itself(count: int) -> None:
    journal = running(RaceRules(race_ms=None, lap_count=count))
    for number in range(1, count + 1):
        assert journal.state is RaceState.RUNNING
        journal.do(K.CROSSING, 10 + 10 * number)
    assert journal.state is RaceState.OVER
    assert len(journal.laps) == count


def test_lap_count_race_does_not_count_did_not_finish_nor_undone_laps() -> None:
    journal = running(RaceRules(race_ms=None, lap_count=2))
    journal.do(K.DNF, 15)
    journal.do(K.CROSSING, 20)
    journal.do(K.CROSSING, 30)
    journal.do(K.UNDO_LAP, 31)
    journal.do(K.CROSSING, 40)
    assert journal.state is RaceState.RUNNING
    assert journal.do(K.CROSSING, 50).state is RaceState.OVER
    assert journal.lap_s == [5, 20, 10]


def test_lap_count_race_whose_end_was_cancelled_ends_at_the_next_capture() -> None:
    journal = running(RaceRules(race_ms=None, lap_count=1))
    for capture in (K.CROSSING, K.LAP, K.DNF):
        assert journal.do(capture, 10 * len(journal.entries)).state is RaceState.OVER
        journal.do(K.CANCEL_END, 10 * len(journal.entries))
        journal.do(K.RESUME, 10 * len(journal.entries))


def test_lap_count_race_counts_invalid_laps_and_ends_at_time_up_too() -> None:
    journal = running(RaceRules(race_ms=120_000, lap_count=2, max_resets_per_lap=0))
    journal.do(K.RESET, 12)
    journal.do(K.CROSSING, 20)
    assert journal.do(K.CROSSING, 30).state is RaceState.OVER
    assert [lap.valid for lap in journal.laps] == [False, True]
    assert running(RaceRules(race_ms=120_000, lap_count=2)).do(K.CROSSING, 131).state is RaceState.OVER


@pytest.mark.parametrize(("resets", "limit", "valid"), [(0, 0, True), (1, 0, False), (2, 2, True), (3, 2, False),
                                                        (900, None, True)])  # fmt: skip
def test_more_resets_than_the_limit_make_that_one_lap_invalid(resets: int, limit: int | None, valid: bool) -> None:
    journal = running(RaceRules(race_ms=None, max_resets_per_lap=limit))
    for number in range(resets):
        journal.do(K.RESET, 11 + number / 1000)
    assert journal.race.resets == resets
    assert journal.do(K.CROSSING, 20).state is RaceState.RUNNING
    assert (journal.laps[0].resets, journal.laps[0].valid, journal.race.resets) == (resets, valid, 0)


def test_reset_counter_stops_at_zero() -> None:
    journal = running()
    journal.do(K.UNDO_RESET, 11)
    journal.do(K.RESET, 12)
    assert journal.race.resets == 1


def test_lap_carries_the_car_chosen_when_it_was_taken() -> None:
    journal = running()
    journal.do(K.CROSSING, 20)
    journal.do(K.SET_CAR, 21, car_id="car-2", model_id="model-2")
    journal.do(K.CROSSING, 30)
    journal.do(K.SET_CAR, 31)
    journal.do(K.CROSSING, 40)
    assert [(lap.car_id, lap.model_id) for lap in journal.laps] == [
        ("car-1", "model-1"),
        ("car-2", "model-2"),
        (None, None),
    ]


def test_lap_faster_than_the_minimum_is_marked_and_kept() -> None:
    journal = running(RaceRules(race_ms=None, min_lap_ms=5_000))
    journal.do(K.CROSSING, 14.999)
    journal.do(K.CROSSING, 19.999)
    journal.do(K.DNF, 20.5)
    assert [(lap.suspect, lap.valid) for lap in laps_view(journal.race)] == [
        (True, True),
        (False, True),
        (False, False),
    ]
    assert laps_view(journal.race)[0].set_at == "2026-05-28T20:26:54.999Z"


def test_only_the_last_lap_can_be_undone() -> None:
    journal = running()
    journal.do(K.CROSSING, 20)
    journal.do(K.CROSSING, 30)
    with pytest.raises(IllegalAction) as refused:
        journal.do(K.UNDO_LAP, 31, lap=1)
    assert str(refused.value) == (
        "Only the last lap can be undone, and that is lap 2, not lap 1. Undo lap 2, or make lap 1 invalid."
    )


def test_clock_stands_at_the_last_entry_while_the_box_is_in_another_boot() -> None:
    journal = running(TWO_MINUTES)
    journal.do(K.RESET, 30)
    assert journal.clocks(99_999, boot="boot-2") == Clocks(
        race_left_ms=100_000, race_elapsed_ms=20_000, lap_elapsed_ms=20_000, time_up=False
    )


def test_moment_before_the_clocks_began_counts_as_zero() -> None:
    """The translation of another machine's clock may be off by a little."""
    assert running().clocks(9.9).race_elapsed_ms == 0
