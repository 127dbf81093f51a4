"""The cars' room, put together: what it owns, opened and closed in order."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from appliance.database import Database
from appliance.facts import Facts
from appliance.health import Probe
from appliance.people import People
from appliance.settings import Settings
from cars.cars import Cars
from cars.cars_health import car_probes
from cars.clocks import Clocks
from cars.commands import Commands
from cars.commands_room import opened_commands
from cars.finder.finder import Finder
from cars.fleets import Fleets
from cars.inspector import Inspector
from cars.logs import Logs
from cars.logs_room import Racing, opened_logs
from cars.models import Models
from cars.models_health import model_probes
from cars.models_room import opened_models
from cars.pairings import Pairings, opened_pairings
from cars.pushes import Pushes, opened_pushes
from cars.uploads import Uploads


@dataclass(frozen=True, slots=True)
class CarsRoom:
    """All of it."""

    cars: Cars
    finder: Finder
    clocks: Clocks
    fleets: Fleets
    models: Models
    uploads: Uploads
    pairings: Pairings
    pushes: Pushes
    commands: Commands
    logs: Logs
    probes: dict[str, Probe]
    """What the room adds to the health of the box."""


@contextlib.asynccontextmanager
async def opened_cars(
    db: Database, facts: Facts, people: People, settings: Settings, *, is_racing: Racing, has_begun: Racing
) -> AsyncIterator[CarsRoom]:
    """
    For as long as the block lasts; what is to be durable is so at its end.

    Args:
        is_racing: Whether a car is in a race that is not handed in yet.
        has_begun: The same, once that race has begun.
    """
    data_dir = settings.data_dir
    inspector = Inspector()
    cars = Cars(db, facts)
    await cars.load()
    fleets = Fleets(db, facts, cars)
    await fleets.load()
    try:
        async with (
            opened_models(db, facts, people, settings, inspector) as (models, uploads, walk_up),
            opened_pushes(db, facts, models=models, cars=cars, data_dir=data_dir) as pushes,
            opened_pairings(cars, facts, data_dir=data_dir, with_stand_ins=settings.stand_in_cars) as pairings,
            opened_commands(db, facts, cars=cars, fleets=fleets, data_dir=data_dir) as commands,
            opened_logs(db, facts, people, settings, cars=cars, pushes=pushes, is_racing=is_racing) as logs,
        ):
            finder = Finder(cars, facts, is_quiet=not settings.announce)
            clocks = Clocks(facts, cars, commands.calls, has_begun)
            probes = car_probes(finder, pushes, models.blobs) | model_probes(models, inspector, walk_up)
            yield CarsRoom(cars, finder, clocks, fleets, models, uploads, pairings, pushes, commands, logs, probes)
    finally:
        await cars.settle()
