"""The logs of a box put together: rows, files, line, and what keeps a car from being asked for them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from appliance.database import Database
from appliance.errors import ApplianceError, NotReady
from appliance.facts import Facts
from appliance.people import People
from appliance.settings import Settings
from cars.cars import Cars
from cars.log_open import Hindrance
from cars.logs import Logs
from cars.pushes import Pushes
from cars.uploads_store import MB

Racing = Callable[[str], bool]
"""Whether a car is in a race that is not handed in yet: told by the room of the races."""


@asynccontextmanager
async def opened_logs(
    db: Database, facts: Facts, people: People, settings: Settings, *, cars: Cars, pushes: Pushes, is_racing: Racing
) -> AsyncIterator[Logs]:
    """The logs of a box, for as long as the block lasts."""
    logs = Logs(
        db,
        facts,
        people=people,
        cars=cars,
        data_dir=settings.data_dir,
        keep_bytes=settings.logs_mb * MB,
        hindrance=hindrance_of(cars, pushes, is_racing),
    )
    await logs.load()
    logs.start()
    try:
        yield logs
    finally:
        await logs.stop()


def hindrance_of(cars: Cars, pushes: Pushes, is_racing: Racing) -> Hindrance:
    """Races and models come first, on every car for itself."""

    def why_not(car_id: str) -> ApplianceError | None:
        name = cars.get(car_id).name
        if is_racing(car_id):
            return NotReady(f"{name} is in a race.", "Its logs are fetched by themselves after the hand-in.")
        if any(push.car_id == car_id for push in pushes.all_open()):
            return NotReady(f"{name} gets a model.", "Its logs are fetched by themselves once it has it.")
        return None

    return why_not
