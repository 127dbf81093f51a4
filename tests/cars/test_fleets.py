"""Fleets: which cars stand together, whatever becomes of fleet, car and box."""

from pathlib import Path

import pytest

from appliance.errors import InvalidInput, NotFound
from cars.facts import CarsChanged
from cars.fleet_structs import NewFleet
from tests.cars.garage import Garage, enrol_all, garage_in


async def test_a_new_fleet_is_empty_and_told(garage: Garage) -> None:
    fleet = await garage.fleets.add(NewFleet(name="  Track   Süd "))
    assert (fleet.name, fleet.car_ids) == ("Track Süd", [])
    assert garage.told == [CarsChanged()]


async def test_a_car_leaves_the_fleet_that_it_was_in(garage: Garage) -> None:
    left, right = await garage.fleets.add(NewFleet(name="Left")), await garage.fleets.add(NewFleet(name="Right"))
    await garage.fleets.set_cars(left.fleet_id, garage.ids[:2])
    await garage.fleets.set_cars(right.fleet_id, garage.ids[1:])
    assert [fleet.car_ids for fleet in garage.fleets.all()] == [garage.ids[:1], garage.ids[1:]]
    await garage.fleets.set_cars(right.fleet_id, [])
    assert garage.fleets.view(right.fleet_id).car_ids == []


async def test_an_unknown_or_released_car_changes_nothing(garage: Garage) -> None:
    fleet = await garage.fleets.add(NewFleet(name="Left"))
    await garage.cars.release(garage.ids[2], actor="test")
    for stranger in ("nobody", garage.ids[2]):
        with pytest.raises(InvalidInput) as refused:
            await garage.fleets.set_cars(fleet.fleet_id, [garage.ids[0], stranger])
        assert refused.value.field == "car_ids"
    assert garage.fleets.view(fleet.fleet_id).car_ids == []


@pytest.mark.parametrize("name", [" ", "LEFT", "tab\there\x00"])
async def test_a_name_that_is_none_or_taken_is_refused(garage: Garage, name: str) -> None:
    await garage.fleets.add(NewFleet(name="Left"))
    with pytest.raises(InvalidInput):
        await garage.fleets.add(NewFleet(name=name))
    assert len(garage.fleets.all()) == 1


async def test_a_fleet_may_keep_its_name_in_other_letters(garage: Garage) -> None:
    fleet = await garage.fleets.add(NewFleet(name="left"))
    assert (await garage.fleets.rename(fleet.fleet_id, NewFleet(name="Left"))).name == "Left"


async def test_cars_of_a_fleet_that_went_are_in_none_and_a_track_without_fleet_has_them_all(garage: Garage) -> None:
    fleet = await garage.fleets.add(NewFleet(name="Left"))
    await garage.fleets.set_cars(fleet.fleet_id, garage.ids[:1])
    assert [car.car_id for car in garage.fleets.cars_of(fleet.fleet_id)] == garage.ids[:1]
    await garage.fleets.remove(fleet.fleet_id)
    assert [car.fleet_id for car in garage.cars.all()] == [None, None, None]
    assert [car.car_id for car in garage.fleets.cars_of(fleet.fleet_id)] == garage.ids
    assert [car.car_id for car in garage.fleets.cars_of(None)] == garage.ids
    with pytest.raises(NotFound):
        await garage.fleets.remove(fleet.fleet_id)


async def test_fleets_are_there_after_a_restart(tmp_path: Path) -> None:
    async with garage_in(tmp_path) as garage:
        await enrol_all(garage)
        fleet = await garage.fleets.add(NewFleet(name="Left"))
        before = await garage.fleets.set_cars(fleet.fleet_id, garage.ids[:2])
    async with garage_in(tmp_path) as again:
        assert again.fleets.all() == [before]
