"""The loop-back test of docs/hardware.md, with the private kernel's lines for wires."""

from pathlib import Path

import pytest

from tests.faults.lab import Machine, needs_gpiolab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300), needs_gpiolab]


def test_every_hit_of_one_output_arrives_on_both_strips(tmp_path: Path) -> None:
    machine = Machine(None, tmp_path / "share", "tests.faults.guest_loopback")
    assert machine.wait() == 0, machine.output()
