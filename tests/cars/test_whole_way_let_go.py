"""A race that lets its car go before its end, as the car itself has it."""

from pathlib import Path

import pytest

from appliance.ids import new_id
from tests.cars.hall import Car, needs_hall
from tests.cars.whole_way import RED, WHITE, Json, Way, whole_way

pytestmark = [needs_hall, pytest.mark.timeout(200)]


async def drives(way: Way, car_id: str, car: Car) -> None:
    """Its light is the racer's, and it drives."""
    await way.told(car_id, "Light red")
    await way.did(car_id, "start_driving")
    assert (await car.get("is_driving"), await car.get("light")) == (True, RED)


async def stands(way: Way, car_id: str, car: Car) -> None:
    """It was stopped, and is nobody's."""
    await way.told(car_id, "Stop", "Light white")
    assert (await car.get("is_driving"), await car.get("light")) == (False, WHITE)


async def set_car(way: Way, race: Json, car_id: str | None) -> None:
    body = {"action_id": new_id(), "kind": "set_car", "car_id": car_id}
    await way.ask("POST", f"/api/races/{race['race_id']}/actions", body)


async def test_a_car_stands_and_is_white_when_it_is_swapped_out_and_when_its_race_is_discarded(tmp_path: Path) -> None:
    async with whole_way(tmp_path) as way:
        car = await way.car("community_20")
        car_id = await way.paired(car)
        await way.did(car_id, "load_model", folder="Sample_single_cam")
        new = {"event_id": way.event_id, "track_id": "1", "racer_id": way.racer_id, "car_id": car_id}
        race = await way.ask("POST", "/api/races", new, status=201)
        await drives(way, car_id, car)
        await way.act(race, "start")
        await set_car(way, race, None)
        await stands(way, car_id, car)

        await set_car(way, race, car_id)
        await drives(way, car_id, car)
        await way.act(race, "pause", "discard")
        await stands(way, car_id, car)
