"""The kernel's numbers of edges: what a hole says, exactly, and what it does not."""

import pytest

from timing.strips.gpio_numbers import WRAP, KernelNumbers


def lost(numbers: KernelNumbers, *events: tuple[int, int, int]) -> list[int]:
    """What each event (line, line_seqno, seqno) shows as lost before it."""
    return [numbers.lost_before(*event) for event in events]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(17, 1, 1), (17, 2, 2), (27, 1, 3), (17, 3, 4)], [0, 0, 0, 0]),
        ([(17, 201, 203), (17, 202, 204), (27, 3, 205)], [200, 0, 2]),
        ([(17, 1, 1), (17, 5, 5), (17, 6, 6), (17, 8, 8)], [0, 3, 0, 1]),
        ([(17, 1, 2), (27, 1, 1), (17, 2, 4), (27, 2, 3)], [0, 0, 0, 0]),
    ],
    ids=[
        "none",
        "the oldest, before anything was read",
        "in the middle, twice",
        "handled in another order than they came",
    ],
)
def test_lost_edges_are_counted_for_their_own_line(events: list[tuple[int, int, int]], expected: list[int]) -> None:
    assert lost(KernelNumbers(), *events) == expected


def test_a_count_that_runs_over_loses_nothing() -> None:
    numbers = KernelNumbers()
    lost(numbers, (17, WRAP // 3, WRAP // 3), (17, WRAP // 3 * 2, WRAP // 3 * 2), (17, WRAP - 1, WRAP - 1))
    assert lost(numbers, (17, 0, 0), (17, 1, 1), (17, 3, 3)) == [0, 0, 1]


def test_a_repeated_number_is_no_loss() -> None:
    assert lost(KernelNumbers(), (17, 1, 1), (17, 1, 1), (17, 2, 2)) == [0, 0, 0]


def test_an_edge_that_merged_in_the_interrupt_is_no_loss_of_its_line() -> None:
    numbers = KernelNumbers()
    assert lost(numbers, (17, 1, 1), (17, 2, 4)) == [0, 0]
    assert numbers.unexplained == 2


def test_what_was_lost_on_a_silent_line_is_explained_when_it_speaks() -> None:
    numbers = KernelNumbers()
    assert lost(numbers, (17, 1, 1), (17, 2, 4)) == [0, 0]
    assert lost(numbers, (27, 3, 5)) == [2]
    assert numbers.unexplained == 0
