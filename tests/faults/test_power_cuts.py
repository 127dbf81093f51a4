"""
The plug is pulled at any moment of a race on real strips, again and again, on one ext4 card: nothing acknowledged is
ever lost. Acknowledged is an edge that the stream has said, an action that was answered, a lap that was shown.
"""

import os
import time
from pathlib import Path
from random import Random

import pytest

from tests.faults.guest import Notes
from tests.faults.lab import BOOT_S, Machine, make_card, needs_gpiolab

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1_800), needs_gpiolab]

CUTS = int(os.environ.get("FAULT_CUTS", "13"))
"""On each of the four cards: 52 in all."""


def wait_until_racing(machine: Machine, share: Path, number: str) -> None:
    """Until the guest has found everything of before and races again."""
    until = time.monotonic() + BOOT_S
    while not (share / f"racing-{number}").exists():
        assert machine.is_running(), machine.output()
        assert time.monotonic() < until, machine.output()
        time.sleep(0.05)


@pytest.mark.parametrize("card_number", [1, 2, 3, 4])
def test_nothing_acknowledged_is_lost(card_number: int, tmp_path: Path) -> None:
    chance = Random(f"cuts {card_number}")
    card, share = make_card(tmp_path / "card.img"), tmp_path / "share"
    for number in range(CUTS):
        machine = Machine(card, share, "tests.faults.guest", str(number))
        wait_until_racing(machine, share, str(number))
        time.sleep(chance.uniform(0.1, 4.0))
        machine.cut_power()
    last = Machine(card, share, "tests.faults.guest", "last")
    assert last.wait() == 0, last.output()
    notes = Notes(share / "notes.jsonl")
    assert len(notes.of("edge")) > 10 * CUTS
    assert len(notes.of("action")) > 2 * CUTS
