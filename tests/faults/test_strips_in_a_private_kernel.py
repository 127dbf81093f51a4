"""
Real edges: recorder and server in a private kernel, strips pulled through sysfs (tests/faults/guest_strip_cases.py).

One boot for all cases; each is a test of its own. Stamps are as good as the simulation's tick of a millisecond: this
proves behaviour, never the microseconds of a Raspberry Pi.
"""

from pathlib import Path

import pytest

from tests.faults.guest_strip_cases import CASES
from tests.faults.lab import Machine, make_card, needs_gpiolab

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("strips in a private kernel"),
    needs_gpiolab,
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Machine, Path]:
    """The machine after all cases were run in it, and where they left their results."""
    folder = tmp_path_factory.mktemp("strips")
    machine = Machine(make_card(folder / "card.img"), folder / "share", "tests.faults.guest_strip_cases")
    machine.wait()
    return machine, folder / "share"


@pytest.mark.parametrize("case", CASES)
def test_with_real_edges(case: str, lab: tuple[Machine, Path]) -> None:
    machine, share = lab
    failed = share / f"{case}.failed"
    assert not failed.exists(), failed.read_text()
    assert (share / f"{case}.passed").exists(), machine.output()


def test_every_edge_that_was_sent_is_there_at_the_end(lab: tuple[Machine, Path]) -> None:
    machine, _ = lab
    assert machine.wait() == 0, machine.output()
