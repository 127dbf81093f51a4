"""A real power cut and a clock really set: what the next life of the recorder knows of the time without it."""

import json
import time
from pathlib import Path

import pytest

from tests.faults.guest_blind import HITS, TWO_YEARS_S
from tests.faults.lab import BOOT_S, Machine, make_card, needs_gpiolab
from timing.anchors import Anchor, utc_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600), needs_gpiolab]

S = 1_000_000_000


def test_power_cut_is_a_blind_spot_and_a_set_clock_is_corrected(tmp_path: Path) -> None:
    card, share = make_card(tmp_path / "card.img"), tmp_path / "share"
    machine = Machine(card, share, "tests.faults.guest_blind", "before")
    until = time.monotonic() + BOOT_S
    while not (share / "before.json").exists():
        assert machine.is_running(), machine.output()
        assert time.monotonic() < until, machine.output()
        time.sleep(0.05)
    machine.cut_power()
    before = json.loads((share / "before.json").read_text())
    machine = Machine(card, share, "tests.faults.guest_blind", "after")
    assert machine.wait() == 0, machine.output()
    after = json.loads((share / "after.json").read_text())

    edges, (gap, *later) = after["told"][: 4 * HITS], after["told"][4 * HITS :]
    assert edges == before["edges"]
    assert [record["seq"] for record in after["told"]] == list(range(1, 4 * HITS + 4))
    assert [record["type"] for record in later] == ["edge", "edge"]

    assert before["boot_id"] != after["boot_id"]
    assert (gap["boot_id"], gap["lost"]) == (after["boot_id"], 0)
    assert (gap["blind"]["boot_id"], gap["blind"]["reason"]) == (before["boot_id"], "power")
    assert edges[-1]["at_ns"] <= gap["blind"]["from_ns"] <= before["mono_ns"]
    assert gap["at_ns"] <= later[0]["at_ns"]
    # The lab sets the clock anew in each boot: it is right again, two years on.
    assert gap["blind"]["to_wall_ns"] - gap["blind"]["from_wall_ns"] == pytest.approx(TWO_YEARS_S * S, abs=BOOT_S * S)

    anchors = [Anchor(*row) for row in after["anchors"]]
    assert [(one.boot_id, one.reason) for one in anchors][:2] == [
        (before["boot_id"], "start"),
        (before["boot_id"], "step"),
    ]
    assert (anchors[-1].boot_id, anchors[-1].reason) == (after["boot_id"], "start")
    for edge in edges:
        utc_ns = utc_of(anchors, edge["boot_id"], edge["at_ns"])
        assert utc_ns == pytest.approx(before["true_wall_ns"] - TWO_YEARS_S * S, abs=60 * S)
    told_ns = [edge["wall_ns"] for edge in edges]
    assert told_ns[0] - told_ns[-1] == pytest.approx(TWO_YEARS_S * S, abs=60 * S)
