"""Two devices, one race: what arrives at the same instant is put in order, what arrives twice counts once."""

import asyncio
from pathlib import Path

import pytest

from appliance.demo_client import Api, Race, Refused
from appliance.ids import new_id
from tests.faults import oracle
from tests.faults.box import PASSWORD, running_box
from tests.faults.driver import make_event, make_racer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

ROUNDS = 30


async def outcome(api: Api, race: Race, kind: str, action_id: str | None = None) -> int:
    """The status an action gets."""
    try:
        await api.act(race.race_id, kind, action_id=action_id)
    except Refused as answer:
        return answer.status
    return 200


async def test_of_two_keys_that_exclude_each_other_one_wins(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (box, tablet), Api(box.url) as laptop:
        await laptop.sign_in("crew", PASSWORD)
        race = await tablet.create_race(await make_event(tablet), "1", await make_racer(tablet, "Ada"))
        kinds = ["start", *["pause", "resume"] * (ROUNDS // 2)]
        for kind in kinds:
            answers = await asyncio.gather(outcome(tablet, race, kind), outcome(laptop, race, kind))
            assert sorted(answers) == [200, 409], kind
        assert (await tablet.race(race.race_id)).version == 1 + len(kinds)


async def test_both_of_two_keys_that_get_on_are_taken(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (box, tablet), Api(box.url) as laptop:
        await laptop.sign_in("crew", PASSWORD)
        race = await tablet.create_race(await make_event(tablet), "1", await make_racer(tablet, "Ada"))
        await tablet.act(race.race_id, "start")
        for _ in range(ROUNDS):
            answers = await asyncio.gather(outcome(tablet, race, "reset"), outcome(laptop, race, "reset"))
            assert list(answers) == [200, 200]
        assert (await laptop.race(race.race_id)).resets == 2 * ROUNDS


async def test_of_two_races_made_at_once_on_one_track_one_is_made(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (box, tablet), Api(box.url) as laptop:
        await laptop.sign_in("crew", PASSWORD)
        event_id = await make_event(tablet)
        racers = [await make_racer(tablet, name) for name in ("Ada", "Bo")]
        made = await asyncio.gather(
            tablet.create_race(event_id, "1", racers[0]),
            laptop.create_race(event_id, "1", racers[1]),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in made) == ["Race", "Refused"]


async def test_an_action_sent_many_times_at_once_counts_once(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (_, api):
        race = await api.create_race(await make_event(api), "1", await make_racer(api, "Ada"))
        await api.act(race.race_id, "start")
        action_id = new_id()
        answers = await asyncio.gather(*(outcome(api, race, "lap", action_id) for _ in range(20)))
        assert answers == [200] * 20
        assert len((await api.race(race.race_id)).laps) == 1
    stored = oracle.read(tmp_path / "data/trackside.db", "SELECT count(*) FROM journal WHERE action_id = ?", action_id)
    assert [tuple(row) for row in stored] == [(1,)]


async def test_an_action_sent_again_after_the_server_was_killed_counts_once(tmp_path: Path) -> None:
    async with running_box(tmp_path / "data") as (box, api):
        race = await api.create_race(await make_event(api), "1", await make_racer(api, "Ada"))
        await api.act(race.race_id, "start")
        action_id = new_id()
        first = await api.act(race.race_id, "lap", action_id=action_id)
        box.kill_server()
        again = await api.act(race.race_id, "lap", action_id=action_id)
        assert again.laps == first.laps
        assert again.version == first.version
