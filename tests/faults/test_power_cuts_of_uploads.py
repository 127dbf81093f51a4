"""
The plug is pulled while models come in: bytes that were acknowledged and models that were finished are there
afterwards, none is AVAILABLE that is not whole, and everything can be sent on to its end.
"""

import os
import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.guest import Notes
from tests.faults.lab import BOOT_S, Machine, make_card, needs_gpiolab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800), needs_gpiolab]

CUTS = int(os.environ.get("FAULT_CUTS", "2"))


def noted(share: Path) -> int:
    """How much was acknowledged in all."""
    path = share / "notes.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def wait_for_notes(machine: Machine, share: Path, count: int) -> None:
    """Until so much was acknowledged."""
    until = time.monotonic() + BOOT_S
    while noted(share) < count:
        assert machine.is_running(), machine.output()
        assert time.monotonic() < until, machine.output()
        time.sleep(0.05)


def test_no_acknowledged_byte_of_an_upload_is_lost(tmp_path: Path) -> None:
    chance = Random("cuts of uploads")
    # Uploads leave a GiB free, and so do the two inspections.
    card, share = make_card(tmp_path / "card.img", "4G"), tmp_path / "share"
    for number in range(CUTS):
        before = noted(share)
        machine = Machine(card, share, "tests.faults.guest_uploads", str(number))
        wait_for_notes(machine, share, before + chance.randint(5, 40))
        time.sleep(chance.uniform(0, 0.3))
        machine.cut_power()
    last = Machine(card, share, "tests.faults.guest_uploads", "last")
    assert last.wait() == 0, last.output()
    assert "BUG: " not in last.log.read_text(errors="replace"), "the private kernel was not sound"
    notes = Notes(share / "notes.jsonl")
    assert len(notes.of("boot")) == CUTS
    assert len(notes.of("offset")) > 3 * CUTS
    assert notes.of("available")
