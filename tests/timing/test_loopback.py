"""The figures of the loop-back test; its run on a real kernel is tests/faults/test_loopback.py."""

from pathlib import Path

import pytest

from appliance.errors import NotReady
from timing.loopback import figures, measure

US = 1_000


def test_the_figures_are_those_of_the_stamps() -> None:
    driven = [0, 60_000 * US, 120_000 * US]
    first = [20 * US, 60_025 * US, 120_020 * US]
    second = [24 * US, 60_031 * US, 120_024 * US]
    found = figures(driven, [first, second], lost=0)
    assert (found.hits, found.missed, found.lost) == (3, 0, 0)
    assert (found.apart.p50_us, found.apart.max_us) == (4.0, 6.0)
    assert found.late.max_us == 25.0
    assert found.interval.max_us == 5.0, "60,005 µs and 59,995 µs, where 60,000 µs were driven"


def test_a_hit_that_one_strip_missed_is_counted_and_left_out() -> None:
    driven = [0, 60_000 * US, 120_000 * US, 180_000 * US]
    whole = [20 * US, 60_020 * US, 120_020 * US, 180_020 * US]
    found = figures(driven, [whole, [whole[0], whole[1], whole[3]]], lost=1)
    assert (found.missed, found.lost) == (1, 1)
    assert found.apart.max_us == 0.0


def test_wires_that_are_not_there_are_told() -> None:
    with pytest.raises(NotReady, match=r"0 of 2 hits arrived on every input\. Check both wires"):
        figures([0, 60_000 * US], [[20 * US, 60_020 * US], []], lost=0)


def test_without_a_recorder_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match="No recorder answers at "):
        measure(tmp_path / "timing.sock", None, 22, [17, 27], 1)
