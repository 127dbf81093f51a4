"""A held key is one press, two presses are two: by all first delays and rates that terminals have."""

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from timing.journal import Kind
from tui.key_repeat import ONE_PRESS_NS, KeyRepeat

MS = 1_000_000
FIRST_DELAYS_MS = st.integers(150, 660)
"""macOS at its shortest to X11's default."""
RATES_MS = st.integers(8, 200)


def presses(times_ms: list[int], kind: Kind = Kind.LAP) -> int:
    """How many presses these key events are."""
    repeat = KeyRepeat()
    return sum(repeat.is_new(kind, at_ms * MS) for at_ms in times_ms)


@given(FIRST_DELAYS_MS, st.lists(RATES_MS, max_size=300))
def test_a_held_key_is_one_press_however_long_it_is_held(first_ms: int, rates_ms: list[int]) -> None:
    assert presses(list(accumulate([0, first_ms, *rates_ms]))) == 1


@given(st.lists(st.integers(1000, 60_000), max_size=50))
def test_presses_a_second_apart_are_all_presses(gaps_ms: list[int]) -> None:
    assert presses(list(accumulate([0, *gaps_ms]))) == 1 + len(gaps_ms)


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=100))
def test_a_press_begins_exactly_after_a_pause(gaps_ms: list[int]) -> None:
    times_ms = list(accumulate(gaps_ms))
    pauses = sum((later - earlier) * MS > ONE_PRESS_NS for earlier, later in pairwise(times_ms))
    assert presses(times_ms) == 1 + pauses


def test_a_held_key_of_seconds_and_then_a_real_press_are_two() -> None:
    held = [0, 660, *range(700, 5000, 40)]
    assert presses([*held, held[-1] + 1000]) == 2


def test_a_held_space_does_not_start_and_pause() -> None:
    repeat = KeyRepeat()
    assert repeat.is_new(Kind.START, 0)
    assert not repeat.is_new(Kind.PAUSE, 660 * MS)
    assert not repeat.is_new(Kind.PAUSE, 1_300 * MS)
    assert repeat.is_new(Kind.PAUSE, 2_300 * MS)


def test_another_key_at_the_same_time_is_another_press() -> None:
    repeat = KeyRepeat()
    assert repeat.is_new(Kind.LAP, 0)
    assert repeat.is_new(Kind.RESET, 1 * MS)
    assert repeat.is_new(Kind.SET_VALIDITY, 2 * MS, of=1)
    assert repeat.is_new(Kind.SET_VALIDITY, 3 * MS, of=2)
    assert not repeat.is_new(Kind.SET_VALIDITY, 600 * MS, of=2)


def test_another_key_in_between_ends_a_held_one() -> None:
    repeat = KeyRepeat()
    assert repeat.is_new(Kind.LAP, 0)
    assert not repeat.is_new(Kind.LAP, 500 * MS)
    assert repeat.is_new(Kind.RESET, 600 * MS)
    assert repeat.is_new(Kind.LAP, 700 * MS)
