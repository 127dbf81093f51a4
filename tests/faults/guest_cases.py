"""
Single cases that run inside the private kernel: `python -m tests.faults.guest_cases SHARE CASE`.

They assert inside; the exit status tells the test outside (tests/faults/test_in_a_private_kernel.py).
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import httpx

from appliance.demo_client import Api, Race, Refused
from tests.faults import oracle
from tests.faults.box import PASSWORD, READY_S, Box, running_box
from tests.faults.driver import APART_MS, make_event, make_racer, wait_for_version
from tests.faults.strip_watch import HeardEdge, StripWatch

DATA = Path("/card/data")
YEAR_S = 365 * 24 * 3600


def laps_between(hits: list[HeardEdge]) -> list[int]:
    """Whole milliseconds from hit to hit by the kernel's stamps."""
    return [(after.at_ns - before.at_ns) // 1_000_000 for before, after in pairwise(hits)]


async def started_race(api: Api, strips: StripWatch) -> tuple[Race, HeardEdge]:
    """A running race and the hit that started it."""
    race = await api.create_race(await make_event(api), "1", await make_racer(api, "Ada"))
    start = await strips.press(17, patience_s=5)
    return await wait_for_version(api, race.race_id, 2), start


async def wall_clock_steps() -> None:
    """Ten years on, thirty back, in the middle of laps: the laps are what the monotonic stamps say."""
    async with running_box(DATA) as (box, api), StripWatch(box.timing_socket, APART_MS) as strips:
        race, start = await started_race(api, strips)
        hits = [start]
        for years in (10, -30, 25, 0):
            time.clock_settime(time.CLOCK_REALTIME, time.time() + years * YEAR_S)
            hits.append(await strips.press(27, patience_s=5))
            race = await wait_for_version(api, race.race_id, len(hits) + 1)
        assert [lap.lap_ms for lap in race.laps] == laps_between(hits), race
        assert race.state == "running"
        assert all(lap.lap_ms < 60_000 for lap in race.laps)
        await api.act(race.race_id, "end")
        after = await api.act(race.race_id, "submit")
        assert after.state == "submitted"
    oracle.assert_whole(DATA)


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Everything that was free on the disk of `path` is taken, byte by byte at the end."""
    filler = path / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(b"x" * size):
                    pass
            except OSError:
                continue
        os.fsync(file.fileno())
    try:
        yield
    finally:
        filler.unlink()
        os.sync()


async def full_disk_while_racing() -> None:
    """Edges go on being kept, people are told what is wrong, and with room again every lap is there."""
    async with running_box(DATA) as (box, api), StripWatch(box.timing_socket, APART_MS) as strips:
        race, start = await started_race(api, strips)
        hits = [start]
        async with Api(box.url, patience_s=0) as hasty:
            await hasty.sign_in("crew", PASSWORD)
            with full_disk(DATA.parent):
                refused = await refusal(hasty, race)
                assert "full" in refused, refused
                hits += [await strips.press(27, patience_s=5) for _ in range(40)]
                health = await health_of(hasty)
                assert "full" in health, health
                page = await first_page(box)
        assert page == 200
        race = await everything_taken(api, race, hits)
        assert [lap.lap_ms for lap in race.laps] == laps_between(hits), race
        assert race.state == "running"
    oracle.assert_whole(DATA)
    oracle.assert_edges_kept(DATA, hits)


async def refusal(hasty: Api, race: Race) -> str:
    """What the box answers to the first action that the full disk does not take."""
    for _ in range(500):
        try:
            await hasty.act(race.race_id, "reset")
        except Refused as answer:
            if answer.status != 503:
                raise
            return answer.body
    raise AssertionError("500 actions went to a full disk")


async def health_of(hasty: Api) -> str:
    """What the health call says, good or bad."""
    try:
        return json.dumps(await hasty.send("GET", "/api/health"))
    except Refused as answer:
        return answer.body


async def first_page(box: Box) -> int:
    """The status of the home page: reading needs no room."""
    async with httpx.AsyncClient(base_url=box.url, trust_env=False) as phone:
        return (await phone.get("/", timeout=10)).status_code


async def everything_taken(api: Api, race: Race, hits: list[HeardEdge]) -> Race:
    """The race once it has a lap for every hit but the first."""
    async with asyncio.timeout(READY_S):
        while True:
            race = await api.race(race.race_id)
            if len(race.laps) >= len(hits) - 1:
                return race
            await asyncio.sleep(0.1)


CASES = {case.__name__: case for case in (wall_clock_steps, full_disk_while_racing)}

if __name__ == "__main__":
    asyncio.run(CASES[sys.argv[2]]())
