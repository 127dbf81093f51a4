"""What no slip of a finger does to cars: a second page asks, says who races, and a second tap on it does nothing."""

import re
from collections.abc import Mapping

import pytest

from appliance.errors import NotReady
from appliance.permissions import Role
from cars.car_structs import Car
from cars.command_rules import Ask
from cars.fleet_structs import NewFleet
from cars.lines import Lines
from cars.push_structs import CarModel, CarModels
from cars.pushes import Pushes
from tests.web.car_day import enrol
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import add_racer
from timing.structs import Event, NewRace

OPERATOR = Role.OPERATOR.value
ASK = "/staff/cars/commands"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Who is asked what: the way to the cars is cut short."""
    told: list[tuple[str, ...]] = []

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        if ask.verb != "facts":  # Nobody's command: the box asks by itself.
            told.append((car.name, ask.verb, *ask.arguments))
        raise NotReady("It does not answer.", "Look at its battery.")

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return told


async def race_with(site: Site, event: Event, car: Car) -> None:
    racer_id = await add_racer(site.house, "ann")
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=racer_id, car_id=car.car_id)
    await site.house.control.create(new, "test")


@pytest.mark.parametrize(
    ("verb", "title", "button", "helper"),
    [
        ("delete_models", "Delete all models on 3 cars?", "Delete", "delete-all"),
        ("reboot", "Reboot 3 cars?", "Reboot", "reboot"),
        ("power_off", "Power off 3 cars?", "Power off", "poweroff"),
        ("restart_core", "Restart the software of 3 cars?", "Restart", "restart-core"),
    ],
)
async def test_what_takes_cars_away_is_asked_about_with_who_races(
    site: Site, event: Event, asked: list[tuple[str, ...]], verb: str, title: str, button: str, helper: str
) -> None:
    cars = [await enrol(site.house, name) for name in ("Blue 1", "Blue 2", "Blue 3")]
    await race_with(site, event, cars[1])
    asked.clear()
    ticked = {f"car-{car.car_id}": "1" for car in cars}
    async with Crew(site, OPERATOR) as crew:
        await crew.get(ASK)
        question = await crew.send(ASK, verb=verb, **ticked)
        assert question.status_code == 409
        assert f"{title} 1 of them is in a race." in words(question)
        assert f">{button}</button>" in question.text
        assert [one for one in asked if one[1] == helper] == []
        once = crew.hidden("form_id")
        first = await crew.send(ASK, verb=verb, sure="1", form_id=once, **ticked)
        again = await crew.send(ASK, verb=verb, sure="1", form_id=once, **ticked)
    assert first.url == again.url
    told = [one for one in asked if one[1] == helper]
    assert sorted(told) == [("Blue 1", helper), ("Blue 2", helper), ("Blue 3", helper)]


async def test_stop_and_light_are_never_asked_about(site: Site, asked: list[tuple[str, ...]]) -> None:
    car = await enrol(site.house, "Blue 1")
    async with Crew(site, OPERATOR) as crew:
        await crew.get(ASK)
        once = crew.hidden("form_id")
        for fields in ({"verb": "light", "light": "red"}, {"verb": "stop"}, {"verb": "stop"}):
            answer = await crew.send(ASK, form_id=once, **fields, **{f"car-{car.car_id}": "1"})
            assert str(answer.url).startswith(f"{site.url}{ASK}/")
    assert [one[1] for one in asked] == ["light", "stop", "stop"]


async def test_a_form_changed_after_back_is_another_command(site: Site, asked: list[tuple[str, ...]]) -> None:
    car = await enrol(site.house, "Blue 1")
    ticked = {f"car-{car.car_id}": "1"}
    async with Crew(site, OPERATOR) as crew:
        await crew.get(ASK)
        once = crew.hidden("form_id")
        for verb in ("battery", "battery", "disk"):
            await crew.send(ASK, verb=verb, form_id=once, **ticked)
    assert [one[1] for one in asked] == ["battery", "disk"]


async def test_the_page_of_a_car_asks_on_a_page_too(site: Site, event: Event, asked: list[tuple[str, ...]]) -> None:
    car = await enrol(site.house, "Blue 1")
    await race_with(site, event, car)
    own = f"/staff/cars/{car.car_id}"
    asked.clear()
    async with Crew(site, OPERATOR) as crew:
        shown = await crew.get(own)
        assert "Power off …" in words(shown)
        assert "hx-confirm" not in shown.text
        question = await crew.send(ASK, car_id=car.car_id, verb="power_off", next=own)
    assert "Power off Blue 1? It is in a race. Only a hand switches a car on again." in words(question)
    assert f'href="{own}">Leave it</a>' in question.text
    assert "poweroff" not in [one[1] for one in asked]


async def test_one_model_is_deleted_from_the_list_of_a_car_when_asked_once_more(
    site: Site, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    car = await enrol(site.house, "Blue 1")
    own = f"/staff/cars/{car.car_id}/models"
    names = ("ann-fast", "Sample_single_cam", "not our name")
    held = [on_car(name) for name in names]

    async def models_on(_: Pushes, car_id: str) -> CarModels:
        return CarModels(car_id=car_id, models=held, free_bytes=10, read_at="2026-11-23T07:00:00Z")

    monkeypatch.setattr(Pushes, "models_on", models_on)
    async with Crew(site, OPERATOR) as crew:
        shown = await crew.get(own)
        assert re.findall(r'aria-label="Delete ([^"]+)"', shown.text) == ["ann-fast"]
        fields = {"car_id": car.car_id, "verb": "delete_models", "folder": crew.hidden("folder")}
        question = await crew.send(ASK, next=own, **fields)
        assert "Delete ann-fast on Blue 1?" in words(question)
        assert f'href="{own}">Leave it</a>' in question.text
        assert "delete" not in [one[1] for one in asked]
        done = await crew.send(ASK, sure="1", **{**fields, "folder": crew.hidden("folder")})
        assert f'href="{own}">Models on it</a>' in done.text
        refused = await crew.send(ASK, **{**fields, "folder": "../etc"})
        assert "This box cannot delete a model of this name." in words(refused)
    assert [one for one in asked if one[1].startswith("delete")] == [("Blue 1", "delete", "ann-fast")]


async def test_the_page_of_a_car_deletes_its_logs_too_when_that_is_ticked(
    site: Site, asked: list[tuple[str, ...]]
) -> None:
    car = await enrol(site.house, "Blue 1")
    fields = {"car_id": car.car_id, "verb": "delete_models"}
    async with Crew(site, OPERATOR) as crew:
        shown = await crew.get(f"/staff/cars/{car.car_id}")
        assert 'name="logs" value="1"> Logs and recorded drives too' in shown.text
        question = await crew.send(ASK, logs="1", **fields)
        assert "Delete all models and logs on Blue 1?" in words(question)
        await crew.send(ASK, sure="1", logs=crew.hidden("logs"), **fields)
    assert ("Blue 1", "delete-all", "--logs") in asked


async def test_a_fleet_is_told_with_its_cars_ticked_and_no_others(site: Site) -> None:
    cars = [await enrol(site.house, name, is_online=name != "Blue 3") for name in ("Blue 1", "Blue 2", "Blue 3")]
    fleet = await site.house.fleets.add(NewFleet(name="Left"))
    await site.house.fleets.set_cars(fleet.fleet_id, [cars[1].car_id, cars[2].car_id])
    async with Crew(site, OPERATOR) as crew:
        shown = await crew.get(f"/staff/cars/fleets/{fleet.fleet_id}")
        assert f'href="{ASK}?fleet={fleet.fleet_id}">Tell these cars</a>' in shown.text
        shown = await crew.get(f"{ASK}?fleet={fleet.fleet_id}")
        assert ticked_in(shown.text) == {cars[1].car_id, cars[2].car_id}
        shown = await crew.get(ASK)
        assert ticked_in(shown.text) == {cars[0].car_id, cars[1].car_id}
        assert f'href="{ASK}?fleet={fleet.fleet_id}">Left</a>' in shown.text
        assert (await crew.get(f"{ASK}?fleet=nowhere")).status_code == 404


def on_car(folder: str) -> CarModel:
    is_sample = folder.startswith("Sample")
    return CarModel(
        folder=folder, files={"model.pb": 5}, checksum="", changed_at_s=0, is_sample=is_sample, model_id=None
    )


def ticked_in(page: str) -> set[str]:
    return set(re.findall(r'name="car-([^"]+)" value="1" checked', page))
