"""What only a machine of one's own can show: a wall clock that steps by decades, a disk without a byte left."""

from pathlib import Path

import pytest

from tests.faults.lab import Machine, make_card, needs_gpiolab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), needs_gpiolab]


def assert_passes_inside(case: str, tmp_path: Path, card_size: str) -> None:
    """Run one case of tests/faults/guest_cases.py in the private kernel."""
    machine = Machine(make_card(tmp_path / "card.img", card_size), tmp_path / "share", "tests.faults.guest_cases", case)
    assert machine.wait() == 0, machine.output()


def test_a_wall_clock_that_steps_by_years_changes_no_lap(tmp_path: Path) -> None:
    assert_passes_inside("wall_clock_steps", tmp_path, "512M")


def test_a_full_disk_is_said_clearly_and_timing_goes_on(tmp_path: Path) -> None:
    assert_passes_inside("full_disk_while_racing", tmp_path, "192M")
