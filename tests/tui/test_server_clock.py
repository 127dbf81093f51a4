"""Where a moment of this machine lies on the box's clock: within the error that is told, whatever the network does."""

from hypothesis import given
from hypothesis import strategies as st

from timing.crew_structs import ClockReading
from tui.server_clock import DRIFT_PPM, ENOUGH, SLEEP_ERROR_NS, OnServer, ServerClock, Stamp

MS = 1_000_000
S = 1_000_000_000
AHEAD_NS = 5_000 * S
"""What the box's clock is ahead in these tests."""


def ask(clock: ServerClock, at_ns: int, there_ns: int, back_ns: int, *, boot: str = "a", slept_ns: int = 0) -> None:
    """A question that took these times on its two ways; `slept_ns` moves the box on, as it does not sleep."""
    reading = ClockReading(mono_ns=at_ns + there_ns + slept_ns + AHEAD_NS, wall_ns=0, boot_id=boot)
    clock.add(reading, sent=Stamp(at_ns, slept_ns), received=Stamp(at_ns + there_ns + back_ns, slept_ns))


def placed(clock: ServerClock, at_ns: int, slept_ns: int = 0) -> OnServer:
    """A moment that the clock can place."""
    there = clock.place(Stamp(at_ns, slept_ns))
    assert there is not None
    return there


WAYS = st.integers(0, 3 * S)


@given(st.lists(st.tuples(WAYS, WAYS), min_size=1, max_size=20), st.integers(0, 20 * S))
def test_the_truth_is_within_the_error_on_any_network(ways: list[tuple[int, int]], pressed_ns: int) -> None:
    clock, at_ns = ServerClock(), 0
    for there_ns, back_ns in ways:
        ask(clock, at_ns, there_ns, back_ns)
        at_ns += there_ns + back_ns + 5 * MS
    there = placed(clock, pressed_ns)
    assert abs(there.at_ns - (pressed_ns + AHEAD_NS)) <= there.error_ns
    assert there.error_ns <= (min(sum(pair) for pair in ways[-1:]) + 1) // 2 + 200 * S * DRIFT_PPM // 1_000_000


def test_the_smallest_round_trip_of_the_last_minute_counts() -> None:
    clock = ServerClock()
    ask(clock, 0, 400 * MS, 0)
    ask(clock, 1 * S, 1 * MS, 1 * MS)
    ask(clock, 2 * S, 0, 400 * MS)
    there = placed(clock, 2 * S + 400 * MS)
    assert (there.at_ns, there.error_ns) == (2 * S + 400 * MS + AHEAD_NS, 1 * MS)


def test_the_error_grows_while_the_box_is_away() -> None:
    clock = ServerClock()
    ask(clock, 0, 1 * MS, 1 * MS)
    assert placed(clock, 2 * MS + 600 * S).error_ns == 1 * MS + 600 * S * DRIFT_PPM // 1_000_000


def test_nothing_is_placed_before_the_box_was_asked() -> None:
    assert ServerClock().place(Stamp(0)) is None


def test_nothing_is_placed_in_a_boot_that_was_not_measured() -> None:
    clock = ServerClock()
    ask(clock, 0, 0, 0, boot="a")
    assert not clock.heard("a")
    assert clock.heard("b")
    assert clock.place(Stamp(0)) is None
    ask(clock, 1 * S, 0, 0, boot="b")
    assert placed(clock, 1 * S).boot_id == "b"


def test_a_press_before_a_sleep_is_placed_by_what_was_measured_before_it() -> None:
    clock = ServerClock()
    ask(clock, 0, 1 * MS, 1 * MS)
    ask(clock, 10 * S, 1 * MS, 1 * MS, slept_ns=3600 * S)
    assert placed(clock, 2 * MS) == OnServer(2 * MS + AHEAD_NS, "a", 1 * MS)
    assert placed(clock, 10 * S + 2 * MS, 3600 * S) == OnServer(10 * S + 2 * MS + 3600 * S + AHEAD_NS, "a", 1 * MS)


def test_after_a_sleep_the_clock_must_be_measured_again_to_be_known_well() -> None:
    clock = ServerClock()
    ask(clock, 0, 1 * MS, 1 * MS)
    assert clock.is_measured(Stamp(1 * S))
    assert not clock.is_measured(Stamp(1 * S, 60 * S))
    there = placed(clock, 2 * MS, 60 * S)
    assert (there.at_ns, there.error_ns) == (2 * MS + 60 * S + AHEAD_NS, 1 * MS + SLEEP_ERROR_NS)


def test_one_slow_answer_is_not_enough_to_place_presses_by() -> None:
    clock = ServerClock()
    for number in range(ENOUGH):
        assert not clock.is_measured(Stamp(number * S))
        ask(clock, number * S, 100 * MS, 100 * MS)
    assert clock.is_measured(Stamp(ENOUGH * S))


def test_a_question_that_was_slept_through_is_worth_nothing() -> None:
    clock = ServerClock()
    reading = ClockReading(mono_ns=AHEAD_NS, wall_ns=0, boot_id="a")
    clock.add(reading, sent=Stamp(0), received=Stamp(1 * MS, 60 * S))
    assert clock.place(Stamp(0)) is None
    assert clock.boot_id == "a"


def test_what_is_shown_is_the_offset_and_its_error() -> None:
    clock = ServerClock()
    ask(clock, 0, 1 * MS, 1 * MS)
    shown = clock.offset(Stamp(2 * MS))
    assert shown is not None
    assert (shown.offset_ns, shown.error_ns) == (AHEAD_NS, 1 * MS)
