"""Fleets on the crew's pages and through the API: made, filled, chosen for a track, taken away."""

import re

from appliance.permissions import Role
from cars.car_structs import Car, Platform
from tests.web.conftest import Site
from timing.structs import Event

OPERATOR = Role.OPERATOR.value


async def enrol(site: Site, number: int) -> Car:
    return await site.house.cars.add_enrolled(
        serial=f"AMSS-{number:04d}",
        name=f"Blau {number}",
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key=f"ssh-ed25519 {number}",
        address=f"10.9.8.{number}",
        actor="test",
    )


async def post(site: Site, path: str, **fields: str) -> tuple[int, str]:
    """Send a form as a browser without script does; answers where it leads."""
    async with site.browser(OPERATOR) as browser:
        shown = await browser.get(path.removesuffix("/remove"))
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', shown.text))
        answer = await browser.post(path, data=hidden | fields)
        return answer.status_code, answer.headers.get("location", answer.text)


async def test_the_empty_page_says_what_a_fleet_is_for(site: Site) -> None:
    shown = await site.send(OPERATOR, "GET", "/staff/cars/fleets")
    assert shown.status_code == 200
    assert "The first fleet" in shown.text
    assert "A track races the cars of its fleet" in shown.text


async def test_a_fleet_is_made_filled_and_taken_away(site: Site) -> None:
    cars = [await enrol(site, number) for number in (1, 2)]
    status, place = await post(site, "/staff/cars/fleets", name="Süd")
    assert (status, place.endswith("?done=made")) == (303, True)
    page = place.removesuffix("?done=made")
    assert await post(site, page, name="Süd", **{f"car-{cars[1].car_id}": "1"}) == (303, f"{page}?done=saved")
    assert [fleet.car_ids for fleet in site.house.fleets.all()] == [[cars[1].car_id]]
    listed = (await site.send(OPERATOR, "GET", "/staff/cars/fleets")).text
    assert "Süd" in listed
    assert "1 car<" in listed
    assert await post(site, f"{page}/remove") == (303, "/staff/cars/fleets?done=removed")
    assert site.house.fleets.all() == []


async def test_a_name_that_is_taken_is_said_at_the_field(site: Site) -> None:
    await post(site, "/staff/cars/fleets", name="Left")
    status, shown = await post(site, "/staff/cars/fleets", name="left")
    assert status == 400
    assert "There is a fleet called Left already." in shown


async def test_a_track_is_given_a_fleet_only_where_there_is_one(site: Site, event: Event) -> None:
    form = f"/staff/events/{event.event_id}"
    assert "Any car of this box" not in (await site.send(OPERATOR, "GET", form)).text
    made = (await site.send(OPERATOR, "POST", "/api/fleets", json={"name": "Left"})).json()
    shown = (await site.send(OPERATOR, "GET", form)).text
    assert "Any car of this box" in shown
    assert f'<option value="{made["fleet_id"]}">Left</option>' in shown


async def test_the_api_moves_cars_between_fleets(site: Site) -> None:
    car = await enrol(site, 1)
    ids = [(await site.send(OPERATOR, "POST", "/api/fleets", json={"name": n})).json()["fleet_id"] for n in ("A", "B")]
    for fleet_id in ids:
        moved = await site.send(OPERATOR, "PUT", f"/api/fleets/{fleet_id}/cars", json={"car_ids": [car.car_id]})
        assert moved.json()["car_ids"] == [car.car_id]
    listed = (await site.send(OPERATOR, "GET", "/api/fleets")).json()
    assert [fleet["car_ids"] for fleet in listed] == [[], [car.car_id]]
