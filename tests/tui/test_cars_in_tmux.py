"""The cars and the stop key as a person has them: a real terminal, a real box, real SSH to light cars."""

from pathlib import Path

import pytest

from appliance.serve import opened_house
from appliance.settings import load
from tests.bench.tui import remembered
from tests.faults.box import running_box
from tests.faults.driver import make_event, make_racer
from tests.tui.in_tmux import LARGE, NEEDS_TMUX, SMALL, terminal
from tests.tui.light_cars import light_cars, pair

pytestmark = [NEEDS_TMUX, pytest.mark.timeout(300)]


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
                await small.keys("F9")
                await small.shows("√ Stopping 4 cars… 4 of 4 stopped", "► Running")
                await small.keys("l")
                await small.shows("LAP 2")
                await large.keys("7")
                await large.shows("4 of 4 cars there", "Blau 1", "Grüner Blitz")
                await large.keys("a", "b")
                await large.shows("4 marked", "80 %", " GB free")
                await small.keys("7")
                await small.shows("4 of 4 cars there", "80 %")
