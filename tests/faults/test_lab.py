"""The private kernel may break down by itself, which is no fault of the box: once that is forgiven, and said."""

import warnings
from pathlib import Path

import pytest

from tests.faults.gpiolab.gpiolab import NOT_STARTED
from tests.faults.lab import ITS_OWN_FAULTS, Machine, needs_gpiolab

pytestmark = [pytest.mark.faults, needs_gpiolab]


@pytest.mark.parametrize("words", ITS_OWN_FAULTS)
def test_a_kernel_that_broke_down_by_itself_is_booted_once_more(tmp_path: Path, words: str) -> None:
    machine = Machine(None, tmp_path / "share", "tests.faults.guest_breaking", "1", words)
    with pytest.warns(UserWarning, match="broke down by itself"):
        assert machine.wait() == 0, machine.output()
    assert (tmp_path / "share" / "boots").read_bytes() == b".."


@pytest.mark.parametrize(("times", "words", "boots"), [("2", ITS_OWN_FAULTS[0], b".."), ("1", "AssertionError", b".")])
def test_what_breaks_twice_or_with_other_words_fails(tmp_path: Path, times: str, words: str, boots: bytes) -> None:
    machine = Machine(None, tmp_path / "share", "tests.faults.guest_breaking", times, words)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert machine.wait() == NOT_STARTED
    assert (tmp_path / "share" / "boots").read_bytes() == boots
