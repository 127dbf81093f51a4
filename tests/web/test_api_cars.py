"""The cars over the API: which there are, what was found, and what happened to each."""

from cars.car_structs import Way
from tests.cars.car_samples import a_sighting
from tests.web.conftest import Site
from tests.web.test_cars_page import key, paired, spot
from web.house import House


async def test_cars_are_listed_and_each_is_there_by_its_id(site: Site, house: House) -> None:
    second, first = await paired(house, 10), await paired(house, 9)
    await house.cars.release((await paired(house, 3)).car_id, actor="box")
    cars = (await site.send("operator", "GET", "/api/cars")).json()
    assert [(car["car_id"], car["name"], car["is_online"]) for car in cars] == [
        (first.car_id, "Blau 9", True), (second.car_id, "Blau 10", True),
    ]  # fmt: skip
    everybody = (await site.send("operator", "GET", "/api/cars?released=true")).json()
    assert [car["name"] for car in everybody] == ["Blau 3", "Blau 9", "Blau 10"]
    one = (await site.send("operator", "GET", f"/api/cars/{first.car_id}")).json()
    assert (one["serial"], one["host_key"], one["address"]) == ("AMSS-0009", key(9), "10.9.8.9")


async def test_car_is_renamed_and_its_history_tells(site: Site, house: House) -> None:
    car = await paired(house)
    answer = await site.send("operator", "PATCH", f"/api/cars/{car.car_id}", json={"name": "Grün 1"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Grün 1")
    history = (await site.send("operator", "GET", f"/api/cars/{car.car_id}/history?limit=1")).json()
    assert [(line["kind"], line["details"]) for line in history] == [("renamed", "Was Blau 1, is Grün 1.")]
    before = history[0]["entry"]
    older = (await site.send("operator", "GET", f"/api/cars/{car.car_id}/history?before={before}")).json()
    assert [line["kind"] for line in older] == ["enrolled"]
    refused = await site.send("operator", "PATCH", f"/api/cars/{car.car_id}", json={"serial": "AMSS-0002"})
    assert refused.status_code == 400


async def test_found_machines_are_told_with_what_they_are_to_the_cars(site: Site, house: House) -> None:
    car = await paired(house)
    spot(
        house,
        a_sighting("10.9.8.1", host_key=key(1)),
        a_sighting("10.9.8.50", host_name="amss-7d2f.local", has_ssh=False),
        a_sighting("10.9.8.52", host_name="amss-0002.local", host_key=key(1)),
    )
    found = (await site.send("operator", "GET", "/api/cars/found")).json()
    assert [(one["car_id"], [seen["address"] for seen in one["proven"]]) for one in found["cars"]] == [
        (car.car_id, ["10.9.8.1"])
    ]
    told = [
        (one["sightings"][0]["address"], one["sightings"][0]["serial"], one["looks_like_car"], one["clone_of"])
        for one in found["strangers"]
    ]
    assert told == [("10.9.8.50", "AMSS-7D2F", True, None), ("10.9.8.52", "AMSS-0002", True, car.car_id)]
    assert found["strangers"][0]["sightings"][0]["ways"] == [Way.NAME.value]
    assert found["state"]["looked_at"] is None


async def test_looking_is_asked_for_and_nonsense_is_refused(site: Site, house: House) -> None:
    answer = await site.send("operator", "POST", "/api/cars/look", json={"everywhere": True})
    assert answer.status_code == 202
    assert house.finder._is_probe_asked
    refused = await site.send("operator", "POST", "/api/cars/found", json={"address": "10.0.0.1"})
    assert (refused.status_code, refused.json()["field"]) == (400, "address")
    assert refused.json()["message"] == "10.0.0.1 is the same on every car: it is its USB socket."
