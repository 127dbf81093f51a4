"""
kill -9 of anything at any moment: nothing acknowledged is lost, the race goes on, every lap stays what the stamps say.
"""

import asyncio
import os
import time
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from tests.faults.box import Box, running_box
from tests.faults.driver import APART_MS, Driver, assert_race_kept, make_event, make_racer, wait_for_version
from tests.faults.oracle import assert_edges_kept, assert_whole
from tests.faults.strip_watch import StripWatch

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

KILLS = int(os.environ.get("FAULT_KILLS", "75"))
"""Of each of the four tests."""
LONGEST_LIFE_S = 1.2
"""A process lives between nothing and this after the one before was killed: kills also meet starts."""
STEPS_PER_RACE = 25
ROUNDED_MS = 1
"""Each of two answers tells whole ms."""


async def kill_at_random(box: Box, victims: list[str], chance: Random) -> None:
    """KILLS times: wait a random moment, kill; let it come to life again every tenth time."""
    for number in range(KILLS):
        await asyncio.sleep(chance.uniform(0, LONGEST_LIFE_S))
        for name in [chance.choice(victims)] if victims != ["both"] else ["server", "recorder"]:
            {"server": box.kill_server, "recorder": box.kill_recorder, "supervisor": box.kill_supervisor}[name]()
        if number % 10 == 9:
            await box.ready()


@pytest.mark.parametrize(
    "victims",
    [["server"], ["recorder"], ["both"], ["server", "recorder", "supervisor"]],
    ids=["server", "recorder", "both", "any"],
)
async def test_nothing_acknowledged_is_lost(victims: list[str], tmp_path: Path) -> None:
    chance = Random(f"kills {victims}")
    data = tmp_path / "data"
    async with running_box(data) as (box, api), StripWatch(box.timing_socket) as strips:
        event_id = await make_event(api)
        racer_id = await make_racer(api, "Ada")
        driver = Driver(api, strips, event_id, "1", chance)
        killing = asyncio.create_task(kill_at_random(box, victims, chance))
        while not killing.done():
            await driver.race(racer_id, STEPS_PER_RACE)
        await killing
        await box.ready()
        await driver.race(racer_id, STEPS_PER_RACE)
        shown = {race.race_id: await api.race(race.race_id) for race in driver.raced}
    assert_whole(data)
    assert_edges_kept(data, strips.edges)
    assert sum(len(raced.laps_ms) for raced in driver.raced) > 10
    for raced in driver.raced:
        assert_race_kept(data, raced, (17, 27))
        assert [lap.lap_ms for lap in shown[raced.race_id].laps] == raced.laps_ms


async def test_a_running_race_runs_on_after_the_server_was_killed(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (box, api), StripWatch(box.timing_socket, APART_MS) as strips:
        event_id = await make_event(api)
        race = await api.create_race(event_id, "1", await make_racer(api, "Ada"))
        start = await strips.press(17)
        await wait_for_version(api, race.race_id, 2)
        box.kill_server()
        finish = await strips.press(27)
        after = await wait_for_version(api, race.race_id, 3)
        assert after.state == "running"
        assert [lap.lap_ms for lap in after.laps] == [(finish.at_ns - start.at_ns) // 1_000_000]


async def test_a_hit_while_everything_of_the_server_is_away_is_a_lap_afterwards(tmp_path: Path) -> None:
    """The supervisor is killed with its server; the recorder records on and is adopted by the next one."""
    async with running_box(tmp_path / "data") as (box, api), StripWatch(box.timing_socket, APART_MS) as strips:
        event_id = await make_event(api)
        race = await api.create_race(event_id, "1", await make_racer(api, "Ada"))
        hits = [await strips.press(17)]
        recorder = box.recorder_pids()
        box.kill_supervisor()
        hits += [await strips.press(17), await strips.press(27)]
        after = await wait_for_version(api, race.race_id, 4)
        assert box.recorder_pids() == recorder
        assert [lap.lap_ms for lap in after.laps] == [
            (after.at_ns - before.at_ns) // 1_000_000 for before, after in pairwise(hits)
        ]


async def test_the_clocks_run_on_while_the_server_is_away(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (box, api):
        event_id = await make_event(api, race_ms=120_000)
        race = await api.create_race(event_id, "1", await make_racer(api, "Ada"))
        await api.act(race.race_id, "start")
        path = f"/api/races/{race.race_id}"
        asked_s = [time.monotonic()]
        before = await api.send("GET", path)
        asked_s.append(time.monotonic())
        box.kill_server()
        await api.send("GET", path)  # waits for the next server
        asked_s.append(time.monotonic())
        after = await api.send("GET", path)
        asked_s.append(time.monotonic())
        least_ms, most_ms = (asked_s[2] - asked_s[1]) * 1_000, (asked_s[3] - asked_s[0]) * 1_000
        assert least_ms > 200, "the server was not away"
        for clock, sign in (("lap_elapsed_ms", 1), ("race_left_ms", -1)):
            assert least_ms - ROUNDED_MS <= sign * (after[clock] - before[clock]) <= most_ms + ROUNDED_MS
