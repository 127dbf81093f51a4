"""The cars and the stop key as a person has them: a real terminal, a real box, real SSH to light cars."""

import asyncio
import re
from pathlib import Path

import pytest

from appliance.serve import opened_house
from appliance.settings import load
from tests.bench.tui import remembered
from tests.faults.box import running_box
from tests.faults.driver import make_event, make_racer
from tests.tui.in_tmux import LARGE, LOOK_S, NEEDS_TMUX, PATIENCE_S, SMALL, Tmux, terminal
from tests.tui.light_cars import light_cars, pair

pytestmark = [NEEDS_TMUX, pytest.mark.timeout(300)]


async def stopped_by(*terminals: Tmux) -> None:
    """F9 in the first; where a busy machine kept a car from answering in time, in the next, as the line says."""
    said = ""
    for one in terminals:
        await one.keys("F9")
        said = await verdict(one)
        if said.startswith("√ Stopping 4 cars… 4 of 4 stopped"):
            return
    raise AssertionError(said)


async def verdict(one: Tmux) -> str:
    """What the line says in the end."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if (said := re.search(r"[√×] Stopping 4 cars… .*", await one.text())) is not None:
                return said[0]
            await asyncio.sleep(LOOK_S)


async def test_cars_are_seen_told_and_stopped_in_a_small_and_a_large_terminal(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = load(data, environment={"TRACKSIDE_ANNOUNCE": "false"})
    async with light_cars(tmp_path / "cars", data, 4) as started:
        async with opened_house(settings, settings.recorder_socket) as house:
            await pair(house, started, ["Blau 1", "Rot 2", "Grüner Blitz", "Lime 4"])
        async with running_box(data, {"TRACKSIDE_ANNOUNCE": "false"}) as (box, api):
            event_id = await make_event(api)
            await api.create_race(event_id, "1", await make_racer(api, "Ada"))
            for name in ("left", "right"):
                await remembered(box, event_id, tmp_path / name / "state")
            async with (
                terminal(tmp_path / "left", box.url, size=SMALL) as small,
                terminal(tmp_path / "right", box.url, size=LARGE) as large,
            ):
                await small.shows("○ Ready", "F9 Stop cars")
                await small.keys("Space")
                await small.shows("► Running")
                await stopped_by(small, large)
                await small.shows("► Running")
                await small.keys("l")
                await small.shows("LAP 2")
                await large.keys("7")
                await large.shows("4 of 4 cars there", "Blau 1", "Grüner Blitz")
                await large.keys("a", "b")
                await large.shows("4 marked", "80 %", " GB free")
                await small.keys("7")
                await small.shows("4 of 4 cars there", "80 %")
