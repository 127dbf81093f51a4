"""GPIO strips on a real kernel: its character device, its buffer, its habits; and gpiozero on our pins."""

from pathlib import Path

import pytest

from tests.faults.guest_gpio import CASES
from tests.faults.lab import Machine, needs_gpiolab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), needs_gpiolab]


@pytest.mark.parametrize("case", CASES)
def test_inside(case: str, tmp_path: Path) -> None:
    """Run one case of tests/faults/guest_gpio.py in a kernel of its own."""
    machine = Machine(None, tmp_path / "share", "tests.faults.guest_gpio", case)
    assert machine.wait() == 0, machine.output()
