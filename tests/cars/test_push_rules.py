"""Whose turn it is, which states follow which, when a lost car is tried again, and where a transfer goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errors import Conflict
from cars.push_rate import Rate
from cars.push_rules import (
    CARS_AT_ONCE,
    ENDED,
    FOLLOWS,
    GIVEN_UP_AFTER_S,
    PushState,
    Turn,
    check_step,
    is_given_up,
    pause_s,
    resumes_at,
    space_needed_bytes,
    wakes_at_ns,
    whose_turn,
)

S = 1_000_000_000


def turns(*cars: str, running: tuple[int, ...] = ()) -> list[Turn]:
    """Pushes 0, 1, 2… to these cars, oldest first."""
    return [Turn(push_id=str(n), car_id=car, is_running=n in running) for n, car in enumerate(cars)]


def test_four_cars_start_and_the_fifth_waits() -> None:
    assert whose_turn(turns(*"abcde"), {}, 0) == ["0", "1", "2", "3"]


def test_a_car_takes_one_model_at_a_time_in_the_order_asked_for() -> None:
    assert whose_turn(turns("a", "a", "b", "a"), {}, 0) == ["0", "2"]
    assert whose_turn(turns("a", "a", "b", running=(0,)), {}, 0) == ["2"]


def test_a_lost_car_keeps_no_other_waiting_and_its_turn_comes() -> None:
    assert whose_turn(turns("a", "b"), {"a": 5 * S}, 4 * S) == ["1"]
    assert whose_turn(turns("a", "b"), {"a": 5 * S}, 5 * S) == ["0", "1"]


def test_the_next_try_is_that_of_the_car_that_waits_least() -> None:
    assert wakes_at_ns(turns("a", "b", "c", running=(2,)), {"a": 9 * S, "b": 7 * S, "c": 3 * S}, S) == 7 * S
    assert wakes_at_ns(turns("a"), {"a": 9 * S}, 9 * S) is None
    assert wakes_at_ns(turns("a"), {}, 0) is None


PUSHES = st.lists(st.tuples(st.sampled_from("abcdefg"), st.booleans()), max_size=20)


@given(pushes=PUSHES, lost=st.dictionaries(st.sampled_from("abcdefg"), st.integers(0, 20)), now=st.integers(0, 20))
def test_never_two_on_one_car_never_more_than_four_cars_and_no_room_is_left_unused(
    pushes: list[tuple[str, bool]], lost: dict[str, int], now: int
) -> None:
    running: dict[str, int] = {}
    for number, (car, runs) in enumerate(pushes):
        if runs and len(running) < CARS_AT_ONCE:
            running.setdefault(car, number)
    waiting = turns(*(car for car, _ in pushes), running=tuple(running.values()))
    started = [waiting[int(push_id)] for push_id in whose_turn(waiting, lost, now)]
    cars = [*running, *(push.car_id for push in started)]
    assert len(cars) == len(set(cars)) <= CARS_AT_ONCE
    assert all(lost.get(push.car_id, 0) <= now for push in started)
    left = {push.car_id for push in waiting if push.car_id not in cars and lost.get(push.car_id, 0) <= now}
    assert not left or len(cars) == CARS_AT_ONCE
    for push in started:
        assert push == next(other for other in waiting if other.car_id == push.car_id)


@pytest.mark.parametrize("state", PushState)
def test_every_state_that_has_not_ended_may_fail_and_be_cancelled(state: PushState) -> None:
    if state in ENDED:
        assert FOLLOWS[state] == frozenset()
    else:
        assert {PushState.FAILED, PushState.CANCELLED} <= FOLLOWS[state]


def test_only_an_installed_model_is_done() -> None:
    assert [state for state in PushState if PushState.DONE in FOLLOWS[state]] == [PushState.INSTALLING]


@pytest.mark.parametrize("before", PushState)
@pytest.mark.parametrize("after", PushState)
def test_a_step_that_the_table_does_not_have_is_refused(before: PushState, after: PushState) -> None:
    if after is before or after in FOLLOWS[before]:
        check_step(before, after)
    else:
        with pytest.raises(Conflict) as refused:
            check_step(before, after)
        assert str(refused.value).endswith("Look at the list of pushes again.")


def test_pauses_grow_to_a_quarter_of_a_minute() -> None:
    assert [pause_s(tries) for tries in (1, 2, 3, 4, 5, 6, 10_000)] == [1, 2, 4, 8, 15, 15, 15]


def test_a_car_is_given_up_after_ten_minutes_without_an_answer() -> None:
    assert not is_given_up(5 * S, (5 + GIVEN_UP_AFTER_S) * S - 1)
    assert is_given_up(5 * S, (5 + GIVEN_UP_AFTER_S) * S)


def test_what_lies_on_the_car_already_needs_no_room_twice() -> None:
    assert space_needed_bytes(23_000_000) == 246_000_000
    assert space_needed_bytes(23_000_000, 20_000_000) == 226_000_000
    assert space_needed_bytes(23_000_000, 99_000_000) == 223_000_000


@given(staged=st.integers(0, 10**9), size=st.integers(0, 10**9))
def test_a_transfer_goes_on_where_the_car_stopped_writing(staged: int, size: int) -> None:
    assert resumes_at(staged, size) == (staged if staged <= size else 0)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    assert rate.add(0, 1_000) == 0
    assert rate.add(1 * S, 2_000) == 1_000
    assert [rate.add(n * S, 2_000) for n in (2, 3, 4, 5)] == [500, 333, 0, 0]


def test_a_transfer_that_begins_again_has_no_rate_at_first() -> None:
    rate = Rate()
    rate.add(0, 0)
    rate.add(S, 5_000)
    assert rate.add(2 * S, 0) == 0
    assert rate.add(3 * S, 700) == 700
