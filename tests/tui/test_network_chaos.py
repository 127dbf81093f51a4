"""Two timekeepers at one race on networks that hurt at random: all presses together are the laps, whoever made them."""

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from tests.tui.cut_cable import Cable, plugged
from tests.tui.seats import Seated, after_ms, assert_laps_as_pressed, sitting
from tests.web.conftest import Site
from timing.journal import Kind
from timing.rules import RaceRules
from timing.structs import Event, NewEvent, NewTrack, RaceState, RaceView
from tui.press import Press


@pytest.fixture
async def event(site: Site) -> Event:
    """An event with one track and no race time."""
    new = NewEvent(name="Finale", tracks=[NewTrack(name="Left")], rules=RaceRules(race_ms=None))
    return await site.house.events.create(new, "test")


async def hurt(cable: Cable, chance: Random, longest_ms: int) -> None:
    """Something else goes wrong again and again."""
    while True:
        kind = chance.choice([cable.cut, cable.refuse, cable.lose_answers, cable.black_hole, cable.mend])
        cable.delay_s = chance.choice([0, 0, 0, 0.02, 0.08])  # To and fro less than assert_laps_as_pressed allows.
        kind()
        await after_ms(chance.randint(10, longest_ms))
        cable.mend()
        await after_ms(chance.randint(10, longest_ms))


async def press_laps(seated: Seated, laps: int, one_at_a_time: asyncio.Lock, pauses: Iterator[int]) -> list[Press]:
    """So many laps; two keys are never pressed within what the clocks may be wrong by."""
    presses = []
    for _ in range(laps):
        await after_ms(next(pauses))
        async with one_at_a_time:
            await after_ms(120)
            presses.append(await seated.press(Kind.LAP))
            await after_ms(120)
    return presses


async def two_at_a_race(
    site: Site, event: Event, race: RaceView, seed: int, *, laps: int, pause_ms: int, longest_ms: int
) -> None:
    """Two timekeepers press laps for one race while both cables are hurt; then all is well and the laps counted."""
    chance = Random(seed)
    token = site.tokens["operator"]
    async with (
        plugged(site.port) as left,
        plugged(site.port) as right,
        sitting(left.url, token, event.event_id) as ada,
        sitting(right.url, token, event.event_id) as bob,
    ):
        await asyncio.gather(ada.live(), bob.live())
        start = await ada.press(Kind.START)
        await ada.sent()
        await bob.until(lambda: bob.seat.race_state is RaceState.RUNNING)
        hurting = [asyncio.create_task(hurt(cable, chance, longest_ms)) for cable in (left, right)]
        lock, pauses = asyncio.Lock(), iter(lambda: chance.randint(0, pause_ms), -1)
        made = await asyncio.gather(*(press_laps(one, laps, lock, pauses) for one in (ada, bob)))
        for task in hurting:
            task.cancel()
        await asyncio.gather(*hurting, return_exceptions=True)
        for cable in (left, right):
            cable.delay_s = 0
            cable.mend()
        await asyncio.gather(ada.sent(), bob.sent())
        assert ada.seat.presses.refused == bob.seat.presses.refused == []
        presses = [start, *sorted((press for each in made for press in each), key=lambda press: press.mono_ns)]
        ada.worst_error_ns = max(ada.worst_error_ns, bob.worst_error_ns)
        assert_laps_as_pressed(await site.house.control.view(race.race_id), presses, ada)


@pytest.mark.parametrize("seed", range(3))
async def test_all_presses_of_two_timekeepers_are_the_laps(site: Site, event: Event, race: RaceView, seed: int) -> None:
    await two_at_a_race(site, event, race, seed, laps=10, pause_ms=200, longest_ms=700)


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_half_a_minute_without_a_network_again_and_again(site: Site, event: Event, race: RaceView) -> None:
    await two_at_a_race(site, event, race, 4, laps=60, pause_ms=3_000, longest_ms=30_000)
