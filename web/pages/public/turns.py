"""When is it my turn, and with which car and model: where a signed-in racer stands in the lines, in words."""

from msgspec import Struct

from appliance.errors import NotFound
from cars.push_rules import PushState
from timing.queue import QueueEntry, QueueState
from web.given import House, Visitor

SOON = 3
"""The phones of the next three are told (they are called to the track early enough)."""
ON_THE_CAR = frozenset({PushState.DONE, PushState.ALREADY_THERE})


class Turn(Struct, frozen=True, kw_only=True):
    """
    One line the racer stands in. `kind`: ok (racing), bad (called: go now), warn (soon), info (waiting).

    `car`: which model is on which car for them, once the crew has prepared it.
    """

    event_id: str
    kind: str
    title: str
    text: str
    car: str | None = None


async def turns_of(house: House, viewer: Visitor) -> list[Turn]:
    """The racer's places in all lines; empty for visitors and for who stands in none."""
    if viewer is None:
        return []
    entries = house.queue.position_of(viewer.person_id)
    return [turn for entry in entries if (turn := await _turn(house, entry)) is not None]


async def _turn(house: House, entry: QueueEntry) -> Turn | None:
    try:
        where = house.events.track(entry.event_id, entry.track_id).name
    except NotFound:
        return None
    kind, title, text = _words(entry, where)
    return Turn(event_id=entry.event_id, kind=kind, title=title, text=text, car=await _car(house, entry))


async def _car(house: House, entry: QueueEntry) -> str | None:
    if entry.car_id is None or entry.model_id is None or entry.state is QueueState.RACING:
        return None
    try:
        car, model = house.cars.enrolled(entry.car_id), await house.models.get(entry.model_id)
    except NotFound:
        return None
    name = f"Your model {model.name}" if model.racer_id is not None else f"{model.name}, a model of the crew,"
    pushes = await house.pushes.find(car_id=entry.car_id, model_id=entry.model_id, limit=1)
    is_there = bool(pushes) and pushes[0].state in ON_THE_CAR
    return f"{name} is on car {car.name}." if is_there else f"{name} goes on car {car.name}."


def _words(entry: QueueEntry, where: str) -> tuple[str, str, str]:
    if entry.state is QueueState.RACING:
        return "ok", f"You are racing on {where}.", "Good luck!"
    if entry.state is QueueState.CALLED:
        return "bad", f"Come to {where} now.", "The crew has called you."
    if entry.position == 1:
        text = "Come to the track, model in hand." if entry.model_id is None else "Come to the track."
        return "warn", f"You are next on {where}.", text
    if entry.position is not None and entry.position <= SOON:
        return "warn", f"You are number {entry.position} in the line of {where}.", "Stay close to the track."
    return (
        "info",
        f"You are number {entry.position} in the line of {where}.",
        "This page tells you when to come.",
    )
