"""
With what those in line shall race, in words for the crew: car, model, and how far the model is on its way.

How far it is, the pushes say (cars/pushes.py); nothing is remembered here.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from cars.car_structs import Car
from cars.command_structs import CommandState, Verb
from cars.model_structs import ModelStatus, ModelView
from cars.push_rules import PushState
from cars.push_structs import PushView
from timing.queue import QueueEntry
from web.house import House
from web.next_three import Plan, enrolled, model_named, plans
from web.pages.staff.push_panel import shown

ON_THE_CAR = frozenset({PushState.DONE, PushState.ALREADY_THERE})


class Sent(Struct, frozen=True, kw_only=True):
    """
    Of a racer in line: which model to which car, how far it is (`look` as `.pill` knows it), and what is wrong.

    `percent` while it is sent.
    """

    car_name: str | None
    model_name: str | None
    look: str
    word: str
    why: str | None = None
    remedy: str | None = None
    percent: int | None = None
    cautions: tuple[str, ...] = ()
    """What the crew should know of this model before it drives."""


async def line_cars(house: House, event_id: str, track_id: str, line: Sequence[QueueEntry]) -> dict[str, Sent]:
    """
    By entry: the next three, and whoever else has something prepared. Empty for a box without cars.

    Raises:
        NotFound: no such track.
    """
    if not house.cars.all() and not any(entry.car_id or entry.model_id for entry in line):
        return {}
    planned = {plan.entry.queue_id: plan for plan in await plans(house, event_id, track_id)}
    rows = {}
    for entry in line:
        plan = planned.get(entry.queue_id)
        if entry.car_id is not None or entry.model_id is not None:
            rows[entry.queue_id] = await prepared(house, entry, plan)
        elif plan is not None:
            rows[entry.queue_id] = _planned(plan)
    return rows


async def prepared_now(house: House, line: Sequence[QueueEntry]) -> dict[str, Sent]:
    """By entry: how far the models are of whoever has car and model prepared."""
    return {entry.queue_id: await prepared(house, entry, None) for entry in line if entry.car_id and entry.model_id}


async def prepared(house: House, entry: QueueEntry, plan: Plan | None) -> Sent:
    """Somebody with something prepared; what is missing a tap adds (`plan`)."""
    car, model = enrolled(house, entry.car_id), await model_named(house, entry.model_id)
    if car is None or model is None or model.status is not ModelStatus.AVAILABLE:
        return _incomplete(entry, car, model) if plan is None else _planned(plan)
    push = await push_of(house, car.car_id, model.model_id)
    return msgspec.structs.replace(await _sent(house, car, model, push), cautions=model.cautions)


async def push_of(house: House, car_id: str, model_id: str) -> PushView | None:
    """The newest push of this model to this car."""
    found = await house.pushes.find(car_id=car_id, model_id=model_id, limit=1)
    return found[0] if found else None


async def _sent(house: House, car: Car, model: ModelView, push: PushView | None) -> Sent:
    if push is None:
        return Sent(car_name=car.name, model_name=model.name, look="warn", word="Not sent yet")
    if push.state in ON_THE_CAR and not car.is_online:
        why, remedy = f"{car.name} does not answer now.", "Is it on, and in the Wi-Fi?"
        return Sent(car_name=car.name, model_name=model.name, look="warn", word="On the car", why=why, remedy=remedy)
    return await _on_its_way(house, push)


async def _on_its_way(house: House, push: PushView) -> Sent:
    one = shown(house, push)
    if push.state in ON_THE_CAR and await _was_deleted_since(house, push):
        return Sent(
            car_name=push.car_name,
            model_name=push.model_name,
            look="warn",
            word="Perhaps gone",
            why="Models were deleted on this car since.",
            remedy="Send it again: what lies there still is not sent.",
        )
    return Sent(
        car_name=push.car_name,
        model_name=push.model_name,
        look=one.look,
        word=one.word,
        why=push.reason,
        remedy=push.remedy,
        percent=100 * push.sent_bytes // push.size_bytes if push.state is PushState.SENDING else None,
    )


async def _was_deleted_since(house: House, push: PushView) -> bool:
    return any(
        command.verb is Verb.DELETE_MODELS
        and command.state is not CommandState.FAILED
        and command.asked_at > (push.ended_at or "")
        for command in await house.commands.of_car(push.car_id)
    )


def _planned(plan: Plan) -> Sent:
    """As a tap would prepare it."""
    return Sent(
        car_name=None if plan.car is None else plan.car.name,
        model_name=_name(plan.model),
        look="" if plan.why is None else "warn",
        word="Not sent yet" if plan.why is None else "Not yet",
        why=plan.why,
        remedy=plan.remedy,
        cautions=() if plan.model is None else plan.model.cautions,
    )


def _incomplete(entry: QueueEntry, car: Car | None, model: ModelView | None) -> Sent:
    """A half of it, or something that went meanwhile."""
    look, word, why, remedy = "", "Half prepared", None, None
    if entry.car_id is not None and car is None:
        look, word, why, remedy = "bad", "Not ready", "The car was released.", "Prepare another one."
    elif model is not None and model.status is not ModelStatus.AVAILABLE:
        look, word, why, remedy = "bad", "Not ready", f"{model.name} was taken away.", "Prepare another one."
    car_name = None if car is None else car.name
    return Sent(car_name=car_name, model_name=_name(model), look=look, word=word, why=why, remedy=remedy)


def _name(model: ModelView | None) -> str | None:
    return None if model is None else model.name
