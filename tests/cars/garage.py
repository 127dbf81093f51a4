"""The registry and the fleets of a real database with three cars: what tests of cars in numbers share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.database import Database
from appliance.facts import Facts
from cars import cars_schema, command_schema, fleets_schema
from cars.car_structs import Platform
from cars.cars import Cars
from cars.facts import CarsChanged
from cars.fleets import Fleets

SERIALS = ["AMSS-0001", "AMSS-0002", "AMSS-0003"]
MIGRATIONS = [cars_schema.MIGRATIONS, fleets_schema.MIGRATIONS, command_schema.MIGRATIONS]


@dataclass
class Garage:
    """`ids` are those of the three cars, `told` the facts of their changes since."""

    db: Database
    facts: Facts
    cars: Cars
    fleets: Fleets
    ids: list[str]
    told: list[CarsChanged]


@asynccontextmanager
async def garage_in(directory: Path) -> AsyncIterator[Garage]:
    """The garage of the database in `directory`, empty at first; may be opened again after it was closed."""
    facts, told = Facts(), list[CarsChanged]()
    db = await Database.open(directory / "trackside.db", MIGRATIONS)
    try:
        cars = Cars(db, facts)
        await cars.load()
        fleets = Fleets(db, facts, cars)
        await fleets.load()
        facts.subscribe(CarsChanged, told.append)
        yield Garage(db, facts, cars, fleets, [car.car_id for car in cars.all()], told)
    finally:
        await db.close()


async def enrol_all(garage: Garage) -> None:
    """Three cars called Blue 1 to 3, in no fleet."""
    for number, serial in enumerate(SERIALS, 1):
        car = await garage.cars.add_enrolled(
            serial=serial,
            name=f"Blue {number}",
            platform=Platform.STOCK_20,
            username="deepracer",
            host_key=f"ssh-ed25519 {number}",
            address=f"10.9.8.{number}",
            actor="test",
        )
        garage.ids.append(car.car_id)
    garage.told.clear()
