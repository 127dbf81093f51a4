"""
The next three racers to the cars of their track: who gets which car and model, and the models on their way, by one tap.

Puts the line, the racers' models, the cars and the pushes together; the rule is web/next_up.py's. A second tap finds
everything prepared and on its way, and changes nothing.
"""

from collections.abc import Sequence

from msgspec import Struct

from appliance.errors import ApplianceError, NotFound
from cars.car_structs import Car
from cars.model_choice import Meant, meant_for
from cars.model_structs import ModelStatus, ModelView
from cars.models import Sought
from cars.push_structs import NewPushes, PushView
from timing.queue import QueueEntry
from web.house import House
from web.next_up import NEXT, NextUp, with_cars
from web.prepared import prepare

BOXES = Sought(is_box=True, status=ModelStatus.AVAILABLE)


class Plan(Struct, frozen=True, kw_only=True):
    """With what somebody in line shall race: as prepared, else as a tap would prepare it. `why` where it cannot."""

    entry: QueueEntry
    car: Car | None
    model: ModelView | None
    why: str | None = None
    remedy: str | None = None

    @property
    def is_prepared(self) -> bool:
        """Car and model both."""
        return self.entry.car_id is not None and self.entry.model_id is not None


class SentNext(Struct, frozen=True, kw_only=True):
    """What a tap came to for one racer: the entry with its car and model, and the push; or why not, and what to do."""

    entry: QueueEntry
    push: PushView | None
    why: str | None
    remedy: str | None


async def send_next(house: House, event_id: str, track_id: str, actor: str) -> list[SentNext]:
    """
    Prepare the next three and send each model to its car; what lies there already is not sent.

    Raises:
        NotFound: no such track.
    """
    house.events.track(event_id, track_id)
    return [await _sent(house, plan, actor) for plan in await plans(house, event_id, track_id)]


async def send(house: House, entry: QueueEntry, actor: str) -> PushView | None:
    """Send what is prepared; None where that is not both. Raises as Pushes.add."""
    if entry.car_id is None or entry.model_id is None:
        return None
    (push,) = await house.pushes.add(NewPushes(car_ids=[entry.car_id], model_ids=[entry.model_id]), actor)
    return push


async def plans(house: House, event_id: str, track_id: str) -> list[Plan]:
    """The next three, first one first."""
    line = house.queue.next(event_id, track_id, NEXT)
    if not line:
        return []
    boxes = await house.models.find(BOXES)
    meant = [await _meant(house, entry, boxes) for entry in line]
    cars = [car for car in free_cars(house, event_id, track_id) if car.is_online]
    given = with_cars(
        [_next_up(house, entry, one) for entry, one in zip(line, meant, strict=True)],
        [car.car_id for car in cars],
        _last(house, line),
    )
    return [_plan(house, entry, one, next_up) for entry, one, next_up in zip(line, meant, given, strict=True)]


def free_cars(house: House, event_id: str, track_id: str) -> list[Car]:
    """
    The cars that racers of this track can get: its fleet's; without a fleet those of no other track's. By name.

    Raises:
        NotFound: no such track.
    """
    event, fleet_id = house.events.get(event_id), house.events.track(event_id, track_id).fleet_id
    known = {fleet.fleet_id for fleet in house.fleets.all()}
    if fleet_id in known:
        return house.fleets.cars_of(fleet_id)
    others = {track.fleet_id for track in event.tracks} & known
    return [car for car in house.cars.all() if car.fleet_id not in others]


def enrolled(house: House, car_id: str | None) -> Car | None:
    """The car, if it is one of the box now."""
    return next((car for car in house.cars.all() if car.car_id == car_id), None)


async def model_named(house: House, model_id: str | None) -> ModelView | None:
    """The model, whatever became of it."""
    try:
        return None if model_id is None else await house.models.get(model_id)
    except NotFound:
        return None


async def _sent(house: House, plan: Plan, actor: str) -> SentNext:
    entry = plan.entry
    if plan.car is None or plan.model is None:
        return SentNext(entry=entry, push=None, why=plan.why, remedy=plan.remedy)
    try:
        entry = await prepare(house, entry.queue_id, plan.car.car_id, plan.model.model_id, actor)
        push = await send(house, entry, actor)
    except ApplianceError as error:  # Went on the track, released or deleted in this moment: the others go on.
        return SentNext(entry=entry, push=None, why=error.message, remedy=error.remedy)
    return SentNext(entry=entry, push=push, why=None, remedy=None)


async def _meant(house: House, entry: QueueEntry, boxes: Sequence[ModelView]) -> Meant:
    """What is prepared, as long as a car could get it; else what the racer means."""
    prepared = await model_named(house, entry.model_id)
    if prepared is not None and prepared.status is ModelStatus.AVAILABLE:
        return Meant(model=prepared)
    own = await house.models.find(Sought(racer_id=entry.racer_id))
    return meant_for(own, boxes)


def _next_up(house: House, entry: QueueEntry, meant: Meant) -> NextUp:
    car = enrolled(house, entry.car_id)
    return NextUp(
        queue_id=entry.queue_id,
        car_id=None if car is None else car.car_id,
        model_id=None if meant.model is None else meant.model.model_id,
    )


def _last(house: House, line: Sequence[QueueEntry]) -> set[str]:
    """Cars that race now, and those prepared for somebody else, here or at another track."""
    racing = {race.car_id for race in house.control.live_races() if race.car_id is not None}
    return racing | house.queue.cars_prepared(but_for={entry.queue_id for entry in line})


def _plan(house: House, entry: QueueEntry, meant: Meant, given: NextUp) -> Plan:
    car = enrolled(house, given.car_id)
    if meant.model is not None and car is None:
        why, remedy = no_car(house, entry.event_id, entry.track_id)
        return Plan(entry=entry, car=None, model=meant.model, why=why, remedy=remedy)
    return Plan(entry=entry, car=car, model=meant.model, why=meant.why, remedy=meant.remedy)


def no_car(house: House, event_id: str, track_id: str) -> tuple[str, str]:
    """Why nobody at this track gets a car, and what to do."""
    track = house.events.track(event_id, track_id)
    if not house.cars.all():
        return "No car is paired yet.", "Pair one under Cars."
    if not free_cars(house, event_id, track_id):
        return (
            f"{track.name} has no cars.",
            "Put some into its fleet under Cars, or give it another fleet.",
        )
    return f"No car of {track.name} is online.", "Switch one on, or prepare another car by hand."
