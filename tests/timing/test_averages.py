"""Averages: windows of adjacent valid laps."""

import pytest
from driven_runs import laps

from timing.averages import averages, mean_ms
from timing.structs import AverageView


def windows(found: list[AverageView]) -> list[tuple[int, int, int]]:
    return [(average.first_lap, average.last_lap, average.average_ms) for average in found]


def test_every_window_of_adjacent_laps_fastest_first() -> None:
    assert windows(averages(laps(10_000, 9_000, 8_000, 12_000), 3)) == [(1, 3, 9_000), (2, 4, 9_667)]


def test_too_few_laps_have_no_average() -> None:
    assert averages(laps(10_000, 9_000), 3) == []
    assert averages([], 3) == []


def test_invalid_lap_breaks_every_window_it_lies_in() -> None:
    assert windows(averages(laps(1_000, 1_000, -1_000, 2_000, 2_000), 2)) == [(1, 2, 1_000), (4, 5, 2_000)]


def test_laps_on_both_sides_of_a_deleted_one_are_not_adjacent() -> None:
    """DREM made them adjacent."""
    kept = laps(1_000, 1_000, 1_000)
    assert averages([kept[0], kept[2]], 2) == []


def test_equal_averages_come_in_the_order_they_were_driven() -> None:
    assert windows(averages(laps(1_000, 1_000, 1_000), 2)) == [(1, 2, 1_000), (2, 3, 1_000)]


@pytest.mark.parametrize(
    ("times_ms", "mean"), [([1, 2], 2), ([1, 1, 2], 1), ([1, 2, 2], 2), ([1, 1, 1, 2], 1), ([3, 4], 4), ([7], 7)]
)
def test_half_a_millisecond_rounds_up(times_ms: list[int], mean: int) -> None:
    assert mean_ms(times_ms) == mean
