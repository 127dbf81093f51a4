"""
With which car and model a racer in line shall race: checked against the cars' room, and given to the race.

The one place that makes a race for a racer (the API, the timekeeper's page, and through the API the terminal), so that
all of them make the same one. Knows both rooms and owns neither.
"""

import msgspec

from appliance.errors import Conflict, named_in
from cars.model_structs import ModelView
from timing.queue import QueueEntry
from timing.structs import NewRace, RaceView
from web.house import House


async def make_race(house: House, new: NewRace, actor: str) -> RaceView:
    """
    Make a race ready; with what was prepared for its racer in this track's line, unless `new` names a car or a model.

    Raises: as RaceControl.create.
    """
    meant = house.queue.with_prepared(new)
    if meant is not new and not _is_enrolled(house, meant.car_id):
        meant = msgspec.structs.replace(meant, car_id=None)  # Released since: nobody could stop it.
    return await house.control.create(meant, actor)


async def prepare(house: House, queue_id: str, car_id: str | None, model_id: str | None, actor: str) -> QueueEntry:
    """
    Prepare an entry in line; None clears.

    Raises:
        NotFound: no such entry.
        InvalidInput: no such car, or it was released; no such model.
        Conflict: the entry no longer stands in line, or the model is not AVAILABLE or somebody else's.
    """
    entry = house.queue.get(queue_id)
    if car_id is not None:
        with named_in("car_id"):
            house.cars.enrolled(car_id)
    if model_id is not None:
        with named_in("model_id"):
            await house.models.files(model_id)  # Raises unless a car could get it.
            _check_owner(await house.models.get(model_id), entry)
    return await house.queue.prepare(queue_id, car_id, model_id, actor)


def _check_owner(model: ModelView, entry: QueueEntry) -> None:
    if model.racer_id not in (None, entry.racer_id):
        raise Conflict(
            f"{model.name} is a model of {model.username}, not of {entry.username}.",
            f"Choose a model of {entry.username}, or one of the box.",
            field="model_id",
        )


def _is_enrolled(house: House, car_id: str | None) -> bool:
    return any(car.car_id == car_id for car in house.cars.all())
