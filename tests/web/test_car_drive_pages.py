"""Driving a car from the crew's pages: what is loaded, who says that the track is clear, and one car at a time."""

import asyncio
import re
from collections.abc import Mapping

import pytest

from appliance.errors import NotReady
from appliance.permissions import Role
from cars.car_structs import Car, Platform
from cars.command_rules import Ask
from cars.lines import Lines
from tests.web.conftest import Site
from tests.web.racing_day import add_racer
from timing.structs import Event, NewRace

OPERATOR = Role.OPERATOR.value
PATIENCE_S = 20


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Who is asked what: the way to the cars is cut short, and no model of Blue 2 can be loaded."""
    told: list[tuple[str, ...]] = []

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        told.append((car.name, ask.verb, *ask.arguments))
        if car.name == "Blue 2":
            raise NotReady("The car could not load this model.", "Push the model again, or restart its software.")
        return {}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return told


async def enrol(site: Site, name: str = "Blue 1") -> Car:
    return await site.house.cars.add_enrolled(
        serial=f"AMSS-{name}",
        name=name,
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key=f"ssh-ed25519 {name}",
        address="10.9.8.1",
        actor="test",
    )


async def post(site: Site, path: str, seen: str, fields: dict[str, str]) -> tuple[int, str]:
    """Send a form of the page `seen`; answers where it leads, or what is shown."""
    async with site.browser(OPERATOR) as browser:
        token = re.search(r'name="_csrf" value="([^"]+)"', (await browser.get(seen)).text)
        assert token is not None
        answer = await browser.post(path, data={"_csrf": token[1], **fields})
        return answer.status_code, answer.headers.get("location", answer.text)


async def answer_of(site: Site, page: str) -> str:
    """The page of a command once the car has answered."""
    await asyncio.wait_for(site.house.commands.settled(page.rpartition("/")[2]), PATIENCE_S)
    return (await site.send(OPERATOR, "GET", page)).text


async def test_no_car_moves_before_somebody_has_said_that_the_track_is_clear(
    site: Site, asked: list[tuple[str, ...]]
) -> None:
    car = await enrol(site)
    path = f"/staff/cars/{car.car_id}/drive"
    status, shown = await post(site, path, path, {"max_speed": "100"})
    assert status == 400
    assert "Look at the track first. The car drives off at once." in shown
    assert asked == []
    status, page = await post(site, path, path, {"max_speed": "100", "clear": "1"})
    assert status == 303
    assert "Its software took the start." in await answer_of(site, page)
    assert asked == [("Blue 1", "drive-start")]


async def test_it_drives_no_faster_than_it_was_told(site: Site, asked: list[tuple[str, ...]]) -> None:
    car = await enrol(site)
    path = f"/staff/cars/{car.car_id}/drive"
    _, page = await post(site, path, path, {"max_speed": "40", "clear": "1"})
    assert "Start driving, at 40 % at most" in await answer_of(site, page)
    assert asked == [("Blue 1", "drive-start", "40")]
    assert (await post(site, path, path, {"max_speed": "140", "clear": "1"}))[0] == 400


async def test_stop_is_on_the_page_and_on_every_other(site: Site) -> None:
    car = await enrol(site)
    shown = (await site.send(OPERATOR, "GET", f"/staff/cars/{car.car_id}/drive")).text
    assert "Stop Blue 1" in shown
    assert "Stop cars" in shown


async def test_a_model_is_loaded_and_the_page_says_which(site: Site, asked: list[tuple[str, ...]]) -> None:
    car = await enrol(site)
    own = f"/staff/cars/{car.car_id}"
    drive = f"{own}/drive"
    assert "This box does not know which model is loaded." in (await site.send(OPERATOR, "GET", drive)).text
    status, page = await post(site, f"{own}/load", own, {"folder": "ann-fast"})
    assert status == 303
    assert "The model is loaded." in await answer_of(site, page)
    assert asked == [("Blue 1", "load-model", "ann-fast")]
    assert "Loaded last: <b" in (shown := (await site.send(OPERATOR, "GET", drive)).text)
    assert "ann-fast" in shown
    restart = {"car_id": car.car_id, "verb": "restart_core", "sure": "1"}
    _, page = await post(site, "/staff/cars/commands", own, restart)
    await answer_of(site, page)
    assert "does not know which model is loaded" in (await site.send(OPERATOR, "GET", drive)).text


async def test_what_the_car_answers_is_shown(site: Site) -> None:
    car = await enrol(site, "Blue 2")
    own = f"/staff/cars/{car.car_id}"
    _, page = await post(site, f"{own}/load", own, {"folder": "ann-fast"})
    shown = await answer_of(site, page)
    assert "The car could not load this model." in shown
    assert "Push the model again, or restart its software." in shown


async def test_a_car_in_a_race_is_asked_about_before_it_loads_another_model(
    site: Site, event: Event, asked: list[tuple[str, ...]]
) -> None:
    car = await enrol(site)
    own = f"/staff/cars/{car.car_id}"
    racer_id = await add_racer(site.house, "ann")
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=racer_id, car_id=car.car_id)
    await site.house.control.create(new, "test")
    status, shown = await post(site, f"{own}/load", own, {"folder": "ben-slow"})
    assert status == 409
    assert "It is in a race." in shown
    assert [one for one in asked if one[1] == "load-model"] == []
    status, page = await post(site, f"{own}/load", own, {"folder": "ben-slow", "sure": "1"})
    assert status == 303
    await answer_of(site, page)
    assert ("Blue 1", "load-model", "ben-slow") in asked
    assert "It is in a race." in (await site.send(OPERATOR, "GET", f"{own}/drive")).text


async def test_many_cars_are_never_started_at_once(site: Site, asked: list[tuple[str, ...]]) -> None:
    cars = [await enrol(site, name) for name in ("Blue 1", "Blue 3")]
    command = {"verb": "start_driving", "car_ids": [car.car_id for car in cars]}
    answer = await site.send(OPERATOR, "POST", "/api/cars/commands", json=command)
    assert (answer.status_code, answer.json()["message"]) == (400, "Only one car is started at a time.")
    assert asked == []
    assert "start_driving" not in (await site.send(OPERATOR, "GET", "/staff/cars/commands")).text


async def test_only_who_manages_cars_lets_one_drive(site: Site, asked: list[tuple[str, ...]]) -> None:
    car = await enrol(site)
    for role in (Role.RACER, Role.COMMENTATOR, Role.REGISTRATION):
        for path in ("drive", "logs"):
            assert (await site.send(role.value, "GET", f"/staff/cars/{car.car_id}/{path}")).status_code == 403
    assert asked == []
