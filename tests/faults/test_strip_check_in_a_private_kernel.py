"""The verdicts of the strip check on edges that a real kernel makes."""

from pathlib import Path

import pytest

from tests.faults.lab import Machine, needs_gpiolab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), needs_gpiolab]


def test_each_fault_on_the_floor_gets_its_verdict(tmp_path: Path) -> None:
    machine = Machine(None, tmp_path / "share", "tests.faults.guest_strip_check")
    assert machine.wait() == 0, machine.output()
