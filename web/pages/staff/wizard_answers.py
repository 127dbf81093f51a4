"""What the answers of a wizard's address stand for on this box now, and which of them are none any more. Only reads."""

from msgspec.structs import replace

from appliance.errors import ApplianceError, NotFound
from cars.models import not_available
from cars.push_rules import ENDED
from cars.push_structs import PushView
from timing.queue import QueueEntry, QueueState
from timing.structs import RaceView
from web.given import House
from web.pages.staff.push_panel import Shown, shown
from web.pages.staff.race_choices import can_drive
from web.pages.staff.wizard_flow import NONE, ON_THE_CAR, Asked


async def race_of(house: House, event_id: str, track_id: str, race_id: str) -> RaceView | None:
    """The race of the address, unless it is another track's or was deleted."""
    try:
        race = await house.control.view(race_id) if race_id else None
    except NotFound:
        return None
    is_here = race is not None and (race.event_id, race.track_id) == (event_id, track_id) and not race.deleted
    return race if is_here else None


def entry_of(house: House, event_id: str, track_id: str, asked: Asked) -> QueueEntry | None:
    """The place in line that this is for: the one named, or where the racer stands."""
    line = [entry for entry in house.queue.list(event_id, track_id) if entry.state is not QueueState.RACING]
    for entry in line:
        if entry.queue_id == asked.queue_id and asked.racer_id in ("", entry.racer_id):
            return entry
    return next((entry for entry in line if asked.racer_id and entry.racer_id == asked.racer_id), None)


def prefilled(asked: Asked, entry: QueueEntry | None) -> Asked:
    """With what was prepared for this place in line, where nothing else was answered."""
    if entry is None:
        return asked
    return replace(
        asked,
        racer_id=entry.racer_id,
        queue_id=entry.queue_id,
        car_id=asked.car_id or entry.car_id or "",
        model_id=asked.model_id or entry.model_id or "",
    )


async def checked(house: House, asked: Asked) -> tuple[Asked, list[str]]:
    """Without the answers that are none any more, and why."""
    said = []
    try:
        person = house.people.get(asked.racer_id) if asked.racer_id else None
    except NotFound:
        person = None
    if person is not None and person.merged_into is not None:
        person = house.people.get(person.merged_into)
    if asked.racer_id and (person is None or person.neutral):
        return Asked(new=asked.new, car_id=asked.car_id), ["That racer is no longer there. Choose one."]
    asked = replace(asked, racer_id=person.person_id if person else "")
    for name, look in (("car_id", _fit_car), ("model_id", _fit_model)):
        try:
            await look(house, asked)
        except ApplianceError as error:
            asked = replace(asked, push_id="", go="", **{name: ""})
            said.append(f"{error.message} {error.remedy}")
    return asked, said


async def _fit_car(house: House, asked: Asked) -> None:
    if asked.car_id not in ("", NONE):
        house.cars.enrolled(asked.car_id)


async def _fit_model(house: House, asked: Asked) -> None:
    if asked.model_id in ("", NONE):
        return
    model = await house.models.get(asked.model_id)
    if not can_drive(model):
        raise not_available(model)
    if model.racer_id not in (None, asked.racer_id):
        raise NotFound(f"{model.name} is a model of {model.username}.", "Choose one of the racer's, or of the box.")


async def push_of(house: House, asked: Asked) -> tuple[Shown | None, bool]:
    """
    The push that the address follows, or else the newest of this model to this car; and whether it follows it.

    One that failed or was cancelled is followed until there is a newer one: somebody has pushed again.
    """
    if not asked.has_push:
        return None, False
    followed = await _followed(house, asked)
    if followed is not None and (followed.state in ON_THE_CAR or followed.state not in ENDED):
        return shown(house, followed), True
    newest = await house.pushes.find(car_id=asked.car_id, model_id=asked.model_id, limit=1)
    if not newest:
        return None, False
    return shown(house, newest[0]), followed is not None and followed.push_id == newest[0].push_id


async def _followed(house: House, asked: Asked) -> PushView | None:
    """The push of the address, unless it is of another model or to another car."""
    try:
        push = await house.pushes.get(asked.push_id) if asked.push_id else None
    except NotFound:
        return None
    return push if push is not None and (push.car_id, push.model_id) == (asked.car_id, asked.model_id) else None
