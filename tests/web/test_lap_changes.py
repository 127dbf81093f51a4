"""What became of each lap of a race, in words and marks."""

import pytest

from tests import race_samples
from timing.structs import LapView
from web.pages.staff.lap_changes import Change, changed, lap_changes


def lap(seq: int, number: int, lap_ms: int, *, valid: bool = True) -> LapView:
    return race_samples.lap(number, lap_ms, valid=valid, seq=seq)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([lap(2, 1, 9_000)], [lap(2, 1, 9_000)], []),
        (
            [lap(2, 1, 9_000), lap(3, 2, 12_345)],
            [lap(2, 1, 9_000), lap(9, 2, 6_100), lap(3, 3, 6_245)],
            [(Change.SPLIT, "lap 2: 00:12.345 → 00:06.100 + 00:06.245")],
        ),
        (
            [lap(2, 1, 6_100), lap(3, 2, 6_245), lap(4, 3, 9_000)],
            [lap(3, 1, 12_345), lap(4, 2, 9_000)],
            [(Change.MERGED, "laps 1 and 2: 00:06.100 + 00:06.245 → 00:12.345")],
        ),
        (
            [lap(2, 1, 9_000)],
            [lap(2, 1, 9_000), lap(9, 2, 8_000)],
            [(Change.ADDED, "new lap 2: 00:08.000")],
        ),
        ([lap(2, 1, 9_000)], [lap(2, 1, 8_000)], [(Change.CHANGED, "lap 1: 00:09.000 → 00:08.000")]),
        ([lap(2, 1, 9_000)], [], [(Change.GONE, "lap 1 (00:09.000) goes")]),
        (
            [lap(2, 1, 9_000)],
            [lap(2, 1, 9_000, valid=False)],
            [(Change.CHANGED, "lap 1: 00:09.000 → 00:09.000 (invalid)")],
        ),
        ([], [], []),
    ],
)
def test_change_is_said_in_one_line(
    before: list[LapView], after: list[LapView], said: list[tuple[Change, str]]
) -> None:
    assert [(one.change, one.words) for one in changed(lap_changes(before, after))] == said


def test_lap_that_only_got_another_number_is_the_same() -> None:
    changes = lap_changes([lap(2, 1, 5_000), lap(3, 2, 9_000)], [lap(8, 1, 2_000), lap(2, 2, 3_000), lap(3, 3, 9_000)])

    assert [one.change for one in changes] == [Change.SPLIT, Change.SAME]
    assert changes[1].after[0].lap == 3
