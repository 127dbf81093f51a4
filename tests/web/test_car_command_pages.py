"""Telling cars something from the crew's pages: one, many, and all of a track to stop."""

import asyncio
import re
from collections.abc import Mapping

import pytest

from appliance.errors import NotReady
from appliance.permissions import Role
from cars.car_structs import Car, Platform
from cars.command_rules import Ask
from cars.fleet_structs import NewFleet
from cars.lines import Lines
from tests.web.conftest import Site
from timing.structs import NewEvent, NewTrack

OPERATOR = Role.OPERATOR.value
ASK = "/staff/cars/commands"
PATIENCE_S = 20


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Who is asked what: the way to the cars is cut short, and Blue 2 never answers."""
    told: list[tuple[str, ...]] = []

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        told.append((car.name, ask.verb, *ask.arguments))
        if car.name == "Blue 2":
            raise NotReady("Blue 2 does not answer.", "Look at its battery.")
        return {"level": 7}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return told


async def enrol(site: Site, *names: str) -> list[Car]:
    return [
        await site.house.cars.add_enrolled(
            serial=f"AMSS-{number:04d}",
            name=name,
            platform=Platform.STOCK_20,
            username="deepracer",
            host_key=f"ssh-ed25519 {name}",
            address=f"10.9.8.{number}",
            actor="test",
        )
        for number, name in enumerate(names, 1)
    ]


async def post(site: Site, path: str, seen: str, fields: dict[str, str], **headers: str) -> tuple[int, str]:
    """Send a form of the page `seen`; answers where it leads, or what is shown."""
    async with site.browser(OPERATOR) as browser:
        shown = await browser.get(seen)
        assert f'action="{path}"' in shown.text or path == seen
        token = re.search(r'name="_csrf" value="([^"]+)"', shown.text)
        assert token is not None
        answer = await browser.post(path, data={"_csrf": token[1], **fields}, headers=headers)
        return answer.status_code, answer.headers.get("location", answer.text)


async def answers(site: Site, page: str) -> str:
    """The page of a command once every car has answered."""
    await asyncio.wait_for(site.house.commands.settled(page.rpartition("/")[2]), PATIENCE_S)
    return (await site.send(OPERATOR, "GET", page)).text


async def test_stop_is_on_every_page_of_the_crew_once_there_is_a_car(site: Site) -> None:
    assert "Stop cars" not in (await site.send(OPERATOR, "GET", "/staff")).text
    await enrol(site, "Blue 1")
    for page in ("/staff", "/staff/races", "/staff/cars", "/staff/models"):
        assert "Stop cars" in (await site.send(OPERATOR, "GET", page)).text
    for role in (Role.COMMENTATOR, Role.REGISTRATION):
        assert "Stop cars" not in (await site.send(role.value, "GET", "/staff")).text


async def test_stop_asks_all_and_shows_each_answer_the_failed_ones_first(
    site: Site, asked: list[tuple[str, ...]]
) -> None:
    await enrol(site, "Blue 1", "Blue 2", "Blau 3")
    status, page = await post(site, "/staff/cars/stop", "/staff", {})
    assert status == 303
    shown = await answers(site, page)
    assert sorted(asked) == [("Blau 3", "stop"), ("Blue 1", "stop"), ("Blue 2", "stop")]
    assert shown.index("Blue 2 does not answer.") < shown.index("Its software took the stop.")
    assert "Look at its battery." in shown
    assert 'hx-trigger="every' not in shown


async def test_those_that_did_not_stop_are_told_again_with_one_tap(site: Site, asked: list[tuple[str, ...]]) -> None:
    blue, _ = await enrol(site, "Blue 1", "Blue 2")
    _, page = await post(site, "/staff/cars/stop", "/staff", {})
    shown = await answers(site, page)
    assert "Stop Blue 2 again" in shown
    asked.clear()

    again = re.search(r"<form[^>]*data-stays.*?</form>", shown, re.DOTALL)
    assert again is not None
    fields = dict(re.findall(r'name="([^"_]+)" value="([^"]+)"', again[0]))
    _, page = await post(site, "/staff/cars/commands", page, fields)
    await answers(site, page)

    assert asked == [("Blue 2", "stop")]
    await site.house.cars.release(site.house.cars.all()[1].car_id, actor="test")
    _, page = await post(site, "/staff/cars/stop", "/staff", {})
    assert "again" not in await answers(site, page)
    assert site.house.cars.all() == [blue]


async def test_at_a_track_only_the_cars_of_its_fleet_are_stopped(site: Site, asked: list[tuple[str, ...]]) -> None:
    cars = await enrol(site, "Blue 1", "Blue 2", "Blue 3")
    fleet = await site.house.fleets.add(NewFleet(name="Left"))
    await site.house.fleets.set_cars(fleet.fleet_id, [cars[0].car_id, cars[2].car_id])
    tracks = [NewTrack(name="Left", fleet_id=fleet.fleet_id)]
    event = await site.house.events.create(NewEvent(name="Cup", tracks=tracks), "test")
    timekeeper = f"/staff/events/{event.event_id}/tracks/1/timekeeper"
    shown = (await site.send(OPERATOR, "GET", timekeeper)).text
    assert f'name="event_id" value="{event.event_id}"' in shown
    where = {"event_id": event.event_id, "track_id": "1"}
    status, lines = await post(site, "/staff/cars/stop", timekeeper, where, **{"hx-request": "true"})
    assert status == 200
    assert "<html" not in lines
    assert sorted(asked) == [("Blue 1", "stop"), ("Blue 3", "stop")]


async def test_one_car_is_told_from_its_page(site: Site, asked: list[tuple[str, ...]]) -> None:
    (car,) = await enrol(site, "Blue 1")
    own = f"/staff/cars/{car.car_id}"
    fields = {"car_id": car.car_id, "verb": "light", "light": "sky_blue", "next": own}
    assert await post(site, ASK, own, fields) == (303, own)
    assert asked == [("Blue 1", "light", "30", "144", "255")]


async def test_many_are_told_those_that_are_ticked(site: Site, asked: list[tuple[str, ...]]) -> None:
    cars = await enrol(site, "Blue 1", "Blue 3", "Blue 4")
    fields = {
        "verb": "delete_models",
        "sure": "1",
        "logs": "1",
        f"car-{cars[0].car_id}": "1",
        f"car-{cars[2].car_id}": "1",
    }
    _, page = await post(site, ASK, ASK, fields)
    await answers(site, page)
    assert sorted(asked) == [("Blue 1", "delete-all", "--logs"), ("Blue 4", "delete-all", "--logs")]


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"verb": "stop"}, "No car is chosen."), ({"verb": "fly"}, "Choose what to tell the cars.")],
)
async def test_what_cannot_be_told_is_said_on_the_form(
    site: Site, asked: list[tuple[str, ...]], fields: dict[str, str], words: str
) -> None:
    await enrol(site, "Blue 1")
    status, shown = await post(site, ASK, ASK, fields)
    assert status == 400
    assert words in shown
    assert asked == []


async def test_without_a_car_the_form_says_where_to_begin(site: Site) -> None:
    assert "No car is paired yet." in (await site.send(OPERATOR, "GET", ASK)).text
