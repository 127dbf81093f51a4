"""The registry: one car for each chassis serial, for ever, and a history that nothing takes back."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.database import Database
from appliance.errors import InvalidInput, NotFound
from appliance.facts import Facts
from cars.car_history import CarNote
from cars.car_structs import Car, Platform
from cars.cars import Cars
from cars.cars_schema import MIGRATIONS
from cars.facts import CarFound, CarLost, CarsChanged

KEY, NEW_KEY = "ssh-ed25519 KEY", "ssh-ed25519 NEW"


class Registry:
    """A registry around a real database; notes what it publishes."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.facts = Facts()
        self.cars = Cars(db, self.facts)
        self.told: list[object] = []
        for fact in (CarFound, CarLost, CarsChanged):
            self.facts.subscribe(fact, self.told.append)

    async def enrol(self, serial: str = "AMSS-0001", name: str = "Blue 1", key: str = KEY, **more: object) -> Car:
        fields: dict[str, object] = {"platform": Platform.STOCK_20, "username": "deepracer", "address": "10.9.8.7"}
        return await self.cars.add_enrolled(
            serial=serial,
            name=name,
            host_key=key,
            actor="ann",
            **(fields | more),  # type: ignore[arg-type]
        )

    async def history(self, car: Car) -> list[tuple[CarNote, str]]:
        return [(line.kind, line.details) for line in await self.cars.history(car.car_id)]


@asynccontextmanager
async def registry_in(directory: Path) -> AsyncIterator[Registry]:
    db = await Database.open(directory / "trackside.db", [MIGRATIONS])
    try:
        registry = Registry(db)
        await registry.cars.load()
        yield registry
    finally:
        await db.close()


@pytest.fixture
async def registry(tmp_path: Path) -> AsyncIterator[Registry]:
    async with registry_in(tmp_path) as registry:
        yield registry


async def test_enrolled_car_is_there_and_online_at_once(registry: Registry) -> None:
    car = await registry.enrol(" amss-0001\n", "  Blue   1 ", core_version="2.1.9.9")
    assert (car.serial, car.name, car.is_online, car.core_version) == ("AMSS-0001", "Blue 1", True, "2.1.9.9")
    assert registry.cars.all() == [car]
    assert registry.cars.by_serial("AMSS-0001") == car
    assert registry.told == [CarsChanged(), CarFound(car_id=car.car_id)]
    assert await registry.history(car) == [(CarNote.ENROLLED, "Paired as Blue 1, at 10.9.8.7.")]


async def test_flashed_car_stays_the_same_car(registry: Registry) -> None:
    first = await registry.enrol()
    await registry.cars.update(first.car_id, fleet_id="fleet", light="blue")
    again = await registry.enrol(key=NEW_KEY, address="10.9.8.9")
    assert (again.car_id, again.host_key, again.fleet_id, again.light) == (first.car_id, NEW_KEY, "fleet", "blue")
    assert registry.cars.all() == [again]
    assert await registry.history(again) == [
        (CarNote.REFLASHED, "Paired again with a new host key, as Blue 1, at 10.9.8.9."),
        (CarNote.ENROLLED, "Paired as Blue 1, at 10.9.8.7."),
    ]


async def test_released_car_comes_back_as_the_same_car(registry: Registry) -> None:
    car = await registry.enrol()
    released = await registry.cars.release(car.car_id, actor="ann")
    assert released.released_at is not None
    assert (released.is_online, registry.cars.all(), registry.cars.all(with_released=True)) == (False, [], [released])
    with pytest.raises(NotFound, match=r"Blue 1 was released\. Pair it again under Cars\."):
        registry.cars.enrolled(car.car_id)
    await registry.cars.seen(car.car_id)
    assert registry.cars.all() == [], "a released car is not found, however it answers"
    assert (await registry.enrol()).car_id == car.car_id
    assert [kind for kind, _ in await registry.history(car)] == [
        CarNote.ENROLLED, CarNote.RELEASED, CarNote.ENROLLED,
    ]  # fmt: skip


async def test_copied_image_is_written_down_with_both_cars(registry: Registry) -> None:
    first = await registry.enrol()
    second = await registry.enrol("AMSS-0002", "Blue 2")
    assert registry.cars.twins(first.car_id) == [second]
    assert registry.cars.twins(second.car_id) == [first]
    assert (CarNote.CLONED, "Blue 2 (AMSS-0002) shows its host key.") in await registry.history(first)
    assert (CarNote.CLONED, "Shows the host key of Blue 1 (AMSS-0001).") in await registry.history(second)


async def test_board_without_a_serial_is_refused(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match=r"Its board gives 'Default string' for a serial, which many boards do\."):
        await registry.enrol("Default string")
    with pytest.raises(InvalidInput, match=r"Its board gives 'nothing' for a serial"):
        await registry.enrol("\n")
    assert registry.cars.all(with_released=True) == []


async def test_taken_name_gets_a_number_at_enrolment_and_is_refused_later(registry: Registry) -> None:
    first = await registry.enrol(name="Blue")
    second = await registry.enrol("AMSS-0002", "blue", key=NEW_KEY)
    assert second.name == "blue 2"
    with pytest.raises(InvalidInput, match=r"There is a car called Blue already\. Choose another name\."):
        await registry.cars.update(second.car_id, name="BLUE")
    assert (await registry.cars.update(first.car_id, actor="ann", name="Grün 1")).name == "Grün 1"
    assert (CarNote.RENAMED, "Was Blue, is Grün 1.") in await registry.history(first)
    with pytest.raises(InvalidInput, match=r"A car's name has 1 to 40 characters\."):
        await registry.cars.update(first.car_id, name=" ")


async def test_who_a_car_is_cannot_be_updated(registry: Registry) -> None:
    car = await registry.enrol()
    for field in ("serial", "host_key", "is_online"):
        with pytest.raises(TypeError, match=f"not changeable: {field}"):
            await registry.cars.update(car.car_id, **{field: "x"})
    assert registry.cars.get(car.car_id) == car


async def test_car_is_lost_and_found_at_another_address(registry: Registry) -> None:
    car = await registry.enrol()
    registry.told.clear()
    await registry.cars.missed(car.car_id)
    await registry.cars.missed(car.car_id)
    assert registry.told == [CarsChanged(), CarLost(car_id=car.car_id)], "it is lost once"
    registry.told.clear()
    await registry.cars.seen(car.car_id, address="10.9.8.9")
    await registry.cars.seen(car.car_id)
    assert registry.told == [CarsChanged(), CarFound(car_id=car.car_id)]
    found = registry.cars.get(car.car_id)
    assert (found.address, found.is_online) == ("10.9.8.9", True)


async def test_car_that_changes_its_address_without_being_lost_is_told_too(registry: Registry) -> None:
    car = await registry.enrol()
    registry.told.clear()
    await registry.cars.seen(car.car_id, address="10.9.8.9")
    assert registry.told == [CarsChanged()]
    assert registry.cars.get(car.car_id).address == "10.9.8.9"


async def test_everything_is_there_after_a_restart_and_nothing_is_online(tmp_path: Path) -> None:
    async with registry_in(tmp_path) as registry:
        car = await registry.enrol(port=2222)
        await registry.cars.seen(car.car_id)
        seen_at = registry.cars.get(car.car_id).last_seen_at
        await registry.cars.settle()
    async with registry_in(tmp_path) as registry:
        (back,) = registry.cars.all()
        assert (back.car_id, back.port, back.last_seen_at, back.is_online) == (car.car_id, 2222, seen_at, False)
        assert [kind for kind, _ in await registry.history(back)] == [CarNote.ENROLLED]


async def test_two_enrolments_at_once_make_one_car(registry: Registry) -> None:
    first, second = await asyncio.gather(registry.enrol(), registry.enrol(key=NEW_KEY))
    assert first.car_id == second.car_id
    assert [car.host_key for car in registry.cars.all()] == [NEW_KEY]


async def test_history_has_pages_and_cannot_be_changed(registry: Registry) -> None:
    car = await registry.enrol()
    for number in range(5):
        await registry.cars.note(car.car_id, CarNote.COMMAND, "ann", f"Number {number}.")
    first = await registry.cars.history(car.car_id, limit=3)
    assert [line.details for line in first] == ["Number 4.", "Number 3.", "Number 2."]
    second = await registry.cars.history(car.car_id, before=first[-1].entry)
    assert [line.details for line in second] == ["Number 1.", "Number 0.", "Paired as Blue 1, at 10.9.8.7."]
    assert len(await registry.cars.history(car.car_id, before=10**30)) == 6, "a number that SQLite does not know"
    for statement in ("UPDATE car_history SET details = 'x'", "DELETE FROM car_history"):
        with pytest.raises(sqlite3.IntegrityError, match="the history of a car is append-only"):
            await registry.db.write(lambda connection, sql=statement: connection.execute(sql) and None)  # type: ignore[misc]


async def test_cars_are_in_the_order_that_people_count_in(registry: Registry) -> None:
    for number, name in enumerate(("Blue 10", "blue 9", "Amber", "Blue", "9", "10")):
        await registry.enrol(f"AMSS-000{number}", name, key=f"ssh-ed25519 {number}")
    assert [car.name for car in registry.cars.all()] == ["9", "10", "Amber", "Blue", "blue 9", "Blue 10"]
