"""A whole box on an existing DREM timer kit: laps are the kit's milliseconds, and the race outlives the kit."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.box import running_box
from tests.faults.driver import APART_MS, make_event, make_racer, wait_for_version
from tests.timing.timer_kit import TimerKit

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


async def test_laps_are_the_kits_milliseconds_though_it_was_off_in_between(tmp_path: Path) -> None:
    async with TimerKit() as kit:
        environment = {"TRACKSIDE_STRIPS": "drem_kit", "TRACKSIDE_DREM_KIT_URL": kit.url}
        async with running_box(tmp_path / "data", environment) as (_, api):
            race = await api.create_race(await make_event(api), "1", await make_racer(api, "Ada"))
            await kit.connected()
            said: list[int] = []
            for lap in range(6):
                if lap == 3:
                    laps = kit.laps
                    await kit.stop()
                    await kit.start()
                    await kit.connected(2)
                    kit.laps = laps
                await asyncio.sleep(APART_MS / 1e3)
                said.append(await kit.cross(17 if lap % 2 else 27))
                race = await wait_for_version(api, race.race_id, len(said) + 1)
    assert race.state == "running"
    assert [lap.lap_ms for lap in race.laps] == [after - before for before, after in pairwise(said)]
    assert {lap.source for lap in race.laps} == {"strip"}
