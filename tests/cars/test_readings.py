"""What a car told of itself last."""

import pytest

from cars.command_structs import Verb
from cars.readings import NOTHING, CarReading, Readings

AT, LATER = "2026-11-22T10:00:00.000Z", "2026-11-22T10:05:00.000Z"


def test_each_thing_is_as_old_as_it_was_told() -> None:
    readings = Readings()
    readings.answered("blue", Verb.BATTERY, {"level": 7}, AT)
    readings.answered("blue", Verb.DISK, {"free_bytes": 12, "size_bytes": 30}, LATER)
    assert readings.of("blue") == CarReading(battery_level=7, battery_at=AT, free_bytes=12, disk_at=LATER)
    readings.listed("blue", models=3, free_bytes=9, at=AT)
    assert readings.of("blue") == CarReading(battery_level=7, battery_at=AT, free_bytes=9, models=3, disk_at=AT)
    assert readings.of("red") is NOTHING


def test_a_clock_that_was_wrong_is_remembered_and_one_that_was_right_is_not() -> None:
    readings = Readings()
    readings.answered("blue", Verb.SET_TIME, {"is_step": False}, AT)
    assert readings.of("blue") is NOTHING
    readings.answered("blue", Verb.SET_TIME, {"is_step": True}, LATER)
    assert readings.of("blue").clock_set_at == LATER


@pytest.mark.parametrize(
    ("verb", "told"),
    [(Verb.BATTERY, {}), (Verb.BATTERY, {"level": "7"}), (Verb.DISK, {"size_bytes": 1}), (Verb.STOP, {"level": 7})],
)
def test_an_answer_that_says_nothing_of_the_car_changes_nothing(verb: Verb, told: dict[str, object]) -> None:
    readings = Readings()
    readings.answered("blue", verb, told, AT)
    assert readings.of("blue") is NOTHING
