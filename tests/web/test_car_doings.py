"""What a car was told and given, on its own page: every answer, and the models that its history must not name."""

from collections.abc import Mapping

import pytest

from appliance.database import Database
from appliance.errors import NotReady
from cars.car_history import CarNote
from cars.car_structs import Car
from cars.command_rules import Ask
from cars.command_structs import NewCommand, Verb
from cars.lines import Lines
from cars.push_structs import NewPushes
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import add_racer

ENDED_AT = "2026-11-23T07:00:00.123Z"


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to the cars is cut short; no battery can be read."""

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        if ask.verb == "battery":
            raise NotReady("Its battery cannot be read.", "Plug it in.")
        return {"free_bytes": 9_000_000_000, "size_bytes": 28_000_000_000, "os_name": "Ubuntu 20.04"}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)


async def tell(site: Site, car: Car, *verbs: Verb) -> None:
    for verb in verbs:
        new = NewCommand(verb=verb, car_ids=[car.car_id])
        (asked,) = await site.house.commands.ask(new, site.person_ids["operator"])
        await site.house.commands.settled(asked.command_id)


async def put_on(db: Database, push_id: str) -> None:
    """As the push leaves its row when it is done."""
    change = "UPDATE pushes SET state = 'done', ended_at = ? WHERE push_id = ?"
    await db.write(lambda connection: connection.execute(change, (ENDED_AT, push_id)) and None)


async def test_every_answer_stays_on_the_page_of_the_car(site: Site) -> None:
    car = await enrol(site.house, "Blue 1")
    own = f"/staff/cars/{car.car_id}"
    async with Crew(site, "operator") as crew:
        assert "Last told Nothing yet." in words(await crew.get(own))
        await tell(site, car, Verb.DISK, Verb.VERSIONS, Verb.BATTERY)
        for path in (own, f"{own}/commands"):
            told = words(await crew.get(path))
            assert "Read the battery Its battery cannot be read. Plug it in." in told
            assert "Read the versions Ubuntu 20.04." in told
            assert "Read the disk 9.0 GB free of 28.0 GB." in told
            assert told.index("Read the battery") < told.index("Read the versions") < told.index("Read the disk")
            assert told.count("· the-operator Done") == 2
            assert told.count("· the-operator Failed") == 1


async def test_the_page_of_the_car_has_the_last_twenty_and_leads_to_all(site: Site) -> None:
    car = await enrol(site.house, "Blue 1")
    await tell(site, car, Verb.DISK, *[Verb.VERSIONS] * 20)
    async with Crew(site, "operator") as crew:
        shown = await crew.get(f"/staff/cars/{car.car_id}")
        assert words(shown).count("Read the versions") == 20
        assert "Read the disk" not in words(shown)
        assert f'href="/staff/cars/{car.car_id}/commands">All</a>' in shown.text
        assert "Read the disk" in words(await crew.get(f"/staff/cars/{car.car_id}/commands"))


async def test_the_models_of_a_car_are_named_until_their_racer_is_forgotten(site: Site) -> None:
    house, car = site.house, await enrol(site.house, "Blue 1")
    own = f"/staff/cars/{car.car_id}"
    racer_id = await add_racer(house, "ann")
    model_id = await upload(site, racer_id, "rapid")
    new = NewPushes(car_ids=[car.car_id], model_ids=[model_id])
    (push,) = await house.pushes.add(new, site.person_ids["operator"])
    await house.pushes.stop()
    await put_on(house.db, push.push_id)
    await house.cars.note(car.car_id, CarNote.PUSHED, "test", "A model was put on it.", at=ENDED_AT)
    await house.cars.note(car.car_id, CarNote.PUSHED, "test", "A model was put on it.")
    async with Crew(site, "operator") as crew:
        shown = await crew.get(own)
        assert "Models sent to it All rapid ann 23 Nov, 07:00 · the-operator On the car" in words(shown)
        assert words(shown).count("A model was put on it. rapid ann") == 1
        assert words(shown).count("A model was put on it.") == 2
        assert "rapid ann" in words(await crew.get(f"{own}/pushes"))
        await house.people.forget(racer_id, "test")
        await house.models.stop()
        told = words(await crew.get(own))
    assert "rapid" not in told
    assert " ann " not in told
