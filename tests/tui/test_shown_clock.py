"""Clocks on the screen: small corrections stand still, the truth jumps."""

from hypothesis import given
from hypothesis import strategies as st

from tui.shown_clock import STANDS_STILL, ShownClock


@given(st.lists(st.integers(0, STANDS_STILL), min_size=1))
def test_a_clock_known_to_its_error_never_goes_back(errors: list[int]) -> None:
    clock = ShownClock()
    shown = [clock.show(1_000 + error, "lap 1") for error in errors]
    assert shown == sorted(shown)


@given(st.lists(st.integers(0, STANDS_STILL), min_size=1))
def test_a_clock_that_runs_down_never_goes_up(errors: list[int]) -> None:
    clock = ShownClock(step=-1)
    shown = [clock.show(1_000 - error, "lap 1") for error in errors]
    assert shown == sorted(shown, reverse=True)


def test_a_larger_correction_is_the_truth_and_jumps() -> None:
    clock = ShownClock()
    assert clock.show(10_000, "lap 1") == 10_000
    assert clock.show(10_000 - STANDS_STILL - 1, "lap 1") == 10_000 - STANDS_STILL - 1


def test_the_clock_of_the_next_lap_begins_at_once() -> None:
    clock = ShownClock()
    assert clock.show(200, "lap 1") == 200
    assert clock.show(0, "lap 2") == 0
