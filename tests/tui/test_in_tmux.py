"""The terminal as a person has it: `trackside tui` in a real terminal, real keys, a real `trackside serve`."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.demo_client import Api, Race
from tests.bench.tui import remembered
from tests.faults.box import PASSWORD, Box, running_box
from tests.faults.driver import make_event, make_racer
from tests.tui.cut_cable import plugged
from tests.tui.in_tmux import LARGE, NEEDS_TMUX, SMALL, Tmux, terminal
from tests.tui.seats import after_ms
from tui.key_repeat import ONE_PRESS_NS

pytestmark = [NEEDS_TMUX, pytest.mark.timeout(300)]


class Day:
    """A box with an event, and what is on its first track."""

    def __init__(self, box: Box, api: Api, event_id: str) -> None:
        self.box, self.api, self.event_id = box, api, event_id

    async def races(self) -> list[Race]:
        path = f"/api/races?event_id={self.event_id}&track_id=1"
        return [await self.api.race(race["race_id"]) for race in await self.api.send("GET", path)]

    async def running(self) -> str:
        """A race that somebody else has started."""
        line = await self.api.send("GET", f"/api/events/{self.event_id}/tracks/1/queue")
        race = await self.api.create_race(self.event_id, "1", line[0]["racer_id"])
        await self.api.act(race.race_id, "start")
        return race.race_id


@pytest.fixture
async def day(tmp_path: Path) -> AsyncIterator[Day]:
    async with running_box(tmp_path / "data", {"TRACKSIDE_ANNOUNCE": "false"}) as (box, api):
        event_id = await make_event(api)
        for name in ("Ada", "Bob"):
            racer_id = await make_racer(api, name)
            await api.send("POST", f"/api/events/{event_id}/tracks/1/queue", {"racer_id": racer_id})
        yield Day(box, api, event_id)


async def another_press() -> None:
    await after_ms(ONE_PRESS_NS // 1_000_000)


async def signed_in(tmux: Tmux) -> None:
    """By name and password, then to the first track."""
    await tmux.shows("Sign in at", "Password")
    await tmux.types("crew")
    await tmux.keys("Enter")
    await tmux.types(PASSWORD)
    await tmux.keys("Enter")
    await tmux.shows("Which track?", "One")
    await tmux.keys("Enter")
    await tmux.shows("Race · One", "● live")


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "140x40"])
async def test_somebody_new_signs_in_and_times_a_whole_race(day: Day, tmp_path: Path, size: tuple[int, int]) -> None:
    async with terminal(tmp_path / "crew", f"127.0.0.1:{day.box.port}", size=size) as tmux:
        await signed_in(tmux)
        await tmux.shows("One is free")
        await tmux.keys("n")
        await tmux.shows("○ Ready", "Ada (DE)")
        await tmux.keys("Space")
        await tmux.shows("► Running", "LAP 1")
        await tmux.keys("l")
        await tmux.shows("LAP 2")
        await tmux.keys("r")
        await tmux.shows("RESETS 1/")
        await tmux.keys("e")
        await tmux.shows("RESETS 0/")
        await another_press()
        await tmux.keys("Enter")
        await tmux.shows("LAP 3")
        await tmux.keys("u")
        await tmux.shows("LAP 2")
        await tmux.keys("d")
        await tmux.shows("‖ Paused", "× DNF")
        await another_press()
        await tmux.keys("Space")
        await tmux.shows("► Running")
        await tmux.keys("x")
        await tmux.shows("■ Over")
        await tmux.keys("v")
        await tmux.shows("2 valid, 0 not")
        await tmux.keys("s")
        await tmux.shows("One is free", "Bob (DE)")
        await tmux.keys("4")
        await tmux.shows("Board · One", "Ada")
        await tmux.keys("q")
        await tmux.ended()
    [race] = await day.races()
    assert (race.state, [lap.valid for lap in race.laps], race.resets) == ("submitted", [True, True], 0)


async def test_a_second_start_asks_nothing(day: Day, tmp_path: Path) -> None:
    address = f"127.0.0.1:{day.box.port}"
    async with terminal(tmp_path / "crew", address) as tmux:
        await signed_in(tmux)
        await tmux.keys("C-c")
        await tmux.ended()
    async with terminal(tmp_path / "crew") as tmux:
        await tmux.shows("Race · One", "One is free", "● live")


async def test_a_held_key_is_one_press(day: Day, tmp_path: Path) -> None:
    await remembered(day.box, day.event_id, tmp_path / "crew" / "state")
    race_id = await day.running()
    async with terminal(tmp_path / "crew", day.box.url) as tmux:
        await tmux.shows("► Running", "LAP 1")
        await tmux.holds("l", 60)
        await tmux.shows("LAP 2")
        await tmux.keys("x")  # after the last of them: the terminal takes keys in order
        await tmux.shows("■ Over")
    assert len((await day.api.race(race_id)).laps) == 1


async def test_what_is_pressed_while_the_network_is_away_counts_as_pressed(day: Day, tmp_path: Path) -> None:
    race_id = await day.running()
    async with plugged(day.box.port) as cable, terminal(tmp_path / "crew", cable.url) as tmux:
        await signed_in(tmux)
        await tmux.shows("► Running", "LAP 1", "● live", "clock ±")
        begun_s = time.monotonic()
        await tmux.keys("l")
        await tmux.shows("LAP 2")
        cable.black_hole()
        await another_press()
        await tmux.keys("l")
        await tmux.shows("1 press waits")
        waited_s = time.monotonic()
        await tmux.shows("LINK LOST")
        await tmux.keys("r")
        await tmux.shows("2 presses wait")
        cable.mend()
        await tmux.shows("● live", "LAP 3", "RESETS 1/")
    race = await day.api.race(race_id)
    assert (len(race.laps), race.resets) == (2, 1)
    assert race.laps[1].lap_ms <= (waited_s - begun_s) * 1_000, "it is the time between the keys, not of the arrival"


async def test_a_server_that_is_killed_in_mid_race_costs_no_press(day: Day, tmp_path: Path) -> None:
    await remembered(day.box, day.event_id, tmp_path / "crew" / "state")
    race_id = await day.running()
    async with terminal(tmp_path / "crew", day.box.url) as tmux:
        await tmux.shows("► Running", "LAP 1", "● live", "clock ±")
        day.box.kill_server()
        await tmux.keys("l")
        await tmux.shows("LAP 2", "● live")
        await another_press()
        await tmux.keys("l")
        await tmux.shows("LAP 3")
    assert len((await day.api.race(race_id)).laps) == 2


async def test_two_terminals_at_one_track_see_each_other(day: Day, tmp_path: Path) -> None:
    for name in ("left", "right"):
        await remembered(day.box, day.event_id, tmp_path / name / "state")
    async with (
        terminal(tmp_path / "left", day.box.url, size=SMALL) as left,
        terminal(tmp_path / "right", day.box.url, size=LARGE) as right,
    ):
        await left.shows("One is free", "● live")
        await right.shows("One is free", "● live")
        await left.keys("n")
        await right.shows("○ Ready", "Ada")
        await right.keys("Space")
        await left.shows("► Running", "LAP 1")
        await left.keys("l")
        await right.shows("LAP 2")
        await another_press()
        await right.keys("l")
        await left.shows("LAP 3")
        await left.keys("x")
        await right.shows("■ Over")
        await right.keys("s")
        await left.shows("One is free")
    [race] = await day.races()
    assert (race.state, len(race.laps)) == ("submitted", 2)
