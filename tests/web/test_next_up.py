"""Who of the next in line gets which car: round robin, and what is prepared stays."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from web.next_up import NextUp, with_cars

CARS = ["blue", "red", "green", "lime"]


def entry(number: int, model: str | None, car: str | None) -> NextUp:
    return NextUp(queue_id=str(number), model_id=model, car_id=car)


def waiting(count: int) -> list[NextUp]:
    return [entry(number, f"model-{number}", None) for number in range(count)]


cars = st.lists(st.sampled_from(CARS), unique=True)
last = st.sets(st.sampled_from(CARS))
entries = st.tuples(st.none() | st.sampled_from(["slow", "fast"]), st.none() | st.sampled_from([*CARS, "elsewhere"]))
lines = st.lists(entries, max_size=6).map(lambda rows: [entry(number, *row) for number, row in enumerate(rows)])


def given_cars(line: list[NextUp]) -> list[str | None]:
    return [one.car_id for one in line]


def test_three_racers_get_three_cars_in_order() -> None:
    assert given_cars(with_cars(waiting(3), CARS)) == ["blue", "red", "green"]


def test_more_racers_than_cars_go_round() -> None:
    assert given_cars(with_cars(waiting(3), ["blue", "red"])) == ["blue", "red", "blue"]


def test_the_car_that_races_now_comes_last() -> None:
    assert given_cars(with_cars(waiting(3), ["blue", "red"], last={"blue"})) == ["red", "blue", "red"]


def test_one_car_that_races_now_is_better_than_none() -> None:
    assert given_cars(with_cars(waiting(2), ["blue"], last={"blue"})) == ["blue", "blue"]


def test_who_comes_to_the_end_of_the_three_gets_the_car_that_nobody_has() -> None:
    line = [entry(2, "b", "red"), entry(3, "c", "green"), entry(4, "d", None)]

    assert given_cars(with_cars(line, ["blue", "red", "green"])) == ["red", "green", "blue"]


@given(lines, cars, last)
def test_what_is_prepared_stays_and_the_line_keeps_its_order(
    line: list[NextUp], cars: list[str], last: set[str]
) -> None:
    answer = with_cars(line, cars, last)

    assert [(one.queue_id, one.model_id) for one in answer] == [(one.queue_id, one.model_id) for one in line]
    assert all(after.car_id == before.car_id for before, after in zip(line, answer, strict=True) if before.car_id)


@given(lines, cars, last)
def test_everybody_with_a_model_gets_a_car_when_there_is_one_and_nobody_else_does(
    line: list[NextUp], cars: list[str], last: set[str]
) -> None:
    for before, after in zip(line, with_cars(line, cars, last), strict=True):
        if before.car_id is None:
            assert (after.car_id in cars) if cars and before.model_id is not None else after.car_id is None


@given(lines, cars, last)
def test_a_second_tap_changes_nothing(line: list[NextUp], cars: list[str], last: set[str]) -> None:
    once = with_cars(line, cars, last)

    assert with_cars(once, cars, last) == once


@given(st.integers(0, 8), cars.filter(bool), last)
def test_no_car_has_two_racers_more_than_another(count: int, cars: list[str], last: set[str]) -> None:
    racers = Counter(given_cars(with_cars(waiting(count), cars, last)))
    numbers = [racers[car] for car in cars]

    assert max(numbers) - min(numbers) <= 1


@given(st.integers(1, 8), cars.filter(bool), last)
def test_a_car_that_comes_last_is_taken_only_after_all_others(count: int, cars: list[str], last: set[str]) -> None:
    line = given_cars(with_cars(waiting(count), cars, last))
    others = [car for car in cars if car not in last]

    assert set(line[: len(others)]) == set(others[:count])
