"""What the wizard shows: the answers by name, the strip of steps, and what the current step needs. Only reads."""

from msgspec import Struct
from msgspec.structs import replace

from appliance.errors import NotFound
from appliance.ids import new_id
from appliance.people_structs import Person
from appliance.permissions import Role
from cars.car_structs import Car
from cars.model_structs import ModelView
from cars.push_rules import ENDED, PushState
from timing.queue import QueueEntry
from timing.structs import LIVE_STATES, RaceView
from web.driven_names import names_in, names_of_race
from web.given import House
from web.pages.staff.panel import context, in_line, notes
from web.pages.staff.push_panel import Shown
from web.pages.staff.race_choices import cars_for, models_for
from web.pages.staff.wizard_answers import checked, entry_of, prefilled, push_of, race_of
from web.pages.staff.wizard_flow import NONE, STEPS, TITLES, Asked, Step, step_of

FOUND = 8
"""Racers offered while typing, as on the timekeeper's page."""
IN_LINE_SHOWN = 5


class Mark(Struct, frozen=True, kw_only=True):
    """One step in the strip. `where` is the address that changes its answer; None where it cannot be changed here."""

    title: str
    answer: str | None
    is_done: bool
    is_now: bool
    where: str | None


class Flow(Struct, frozen=True, kw_only=True):
    """
    One wizard, with everything that its answers name.

    `push` is the one of the address (`is_followed`), or else the newest of this model to this car: what that one said
    may be true no more.
    """

    asked: Asked
    step: Step
    racer: Person | None
    entry: QueueEntry | None
    car: Car | None
    model: ModelView | None
    push: Shown | None
    is_followed: bool
    race: RaceView | None

    @property
    def is_sending(self) -> bool:
        """Whether the model is on its way."""
        return self.push is not None and self.push.push.state not in ENDED

    @property
    def is_cancelling(self) -> bool:
        """Whether it is on its way no more, while the car is still being tidied."""
        return self.push is not None and self.push.push.is_cancelling

    @property
    def was_cancelled(self) -> bool:
        """Whether somebody did not want it any more."""
        return self.is_followed and self.push is not None and self.push.push.state is PushState.CANCELLED

    @property
    def is_on_the_car(self) -> bool:
        """Whether the car has just proven that it holds the model."""
        return self.is_followed and self.push is not None and self.push.look == "ok"


async def flow_of(house: House, event_id: str, track_id: str, asked: Asked) -> tuple[Flow, list[str]]:
    """
    The flow at this address, and what of it has to be answered again, in words.

    What was prepared for the racer's place in line is the answer until another is given. Raises NotFound for the track.
    """
    house.events.track(event_id, track_id)
    race = await race_of(house, event_id, track_id, asked.race_id)
    if race is not None:
        said: list[str] = []
        entry = None
        asked = Asked(
            race_id=race.race_id, racer_id=race.racer_id, car_id=race.car_id or NONE, model_id=race.model_id or NONE
        )
    else:
        entry = entry_of(house, event_id, track_id, asked)
        asked, said = await checked(house, prefilled(replace(asked, race_id=""), entry))
    push, is_followed = await push_of(house, asked)
    flow = Flow(
        asked=asked,
        step=step_of(asked, push.push.state if push and is_followed else None, race.state if race else None),
        racer=house.people.get(asked.racer_id) if asked.racer_id else None,
        entry=entry,
        car=_car(house, asked.car_id),
        model=await _model(house, asked.model_id),
        push=push,
        is_followed=is_followed,
        race=race,
    )
    return flow, said


def strip_of(flow: Flow, base: str) -> list[Mark]:
    """The steps with their answers, for the head of the page."""
    now = STEPS.index(flow.step)
    is_over = flow.race is not None and flow.race.state not in LIVE_STATES
    return [
        Mark(
            title=TITLES[step],
            answer=_answer(flow, step),
            is_done=place < now or is_over,
            is_now=place == now and not is_over,
            where=_where(flow, base, step) if place < now else None,
        )
        for place, step in enumerate(STEPS)
    ]


async def step_values(house: House, event_id: str, track_id: str, flow: Flow) -> dict[str, object]:
    """What the current step shows beside the flow."""
    if flow.race is not None:
        return await _race_values(house, event_id, track_id, flow.race)
    if flow.step is Step.RACER:
        return await _racer_values(house, event_id, track_id, flow.asked)
    if flow.step is Step.CAR:
        return {"cars": cars_for(house, event_id, track_id)}
    if flow.step is Step.MODEL:
        return {"models": await models_for(house, flow.asked.racer_id, flow.asked.model_id)}
    return {
        "taken": house.control.live(event_id, track_id),
        "runs_done": await house.control.runs_done(event_id, track_id, flow.asked.racer_id),
        "new_race_id": new_id(),
    }


async def _racer_values(house: House, event_id: str, track_id: str, asked: Asked) -> dict[str, object]:
    event = house.events.get(event_id)
    people = house.people.search(asked.q, Role.RACER, 2 * FOUND) if asked.q else []
    found = [person for person in people if not person.neutral and person.merged_into is None]
    next_ones = house.queue.next(event_id, track_id, IN_LINE_SHOWN)
    return {
        "line": [await in_line(house, event, entry) for entry in next_ones],
        "prepared": await names_in(house, *next_ones),
        "found": found[:FOUND],
        "more": len(found) > FOUND,
    }


async def _race_values(house: House, event_id: str, track_id: str, race: RaceView) -> dict[str, object]:
    """The timekeeper's panel while the race is live, what came of it afterwards."""
    if race.state in LIVE_STATES:
        return await context(house, event_id, track_id) | await notes(house, event_id, track_id)
    return {
        "driven": await names_of_race(house, race),
        "next": next(iter(house.queue.next(event_id, track_id, 1)), None),
        "taken": house.control.live(event_id, track_id),
    }


def _car(house: House, car_id: str) -> Car | None:
    """None for none, and for one that this box does not know."""
    try:
        return house.cars.get(car_id)
    except NotFound:
        return None


async def _model(house: House, model_id: str) -> ModelView | None:
    try:
        return await house.models.get(model_id)
    except NotFound:
        return None


def _answer(flow: Flow, step: Step) -> str | None:
    asked = flow.asked
    match step:
        case Step.RACER:
            return flow.racer.username if flow.racer else None
        case Step.CAR:
            return (flow.car.name if flow.car else "No car") if asked.car_id else None
        case Step.MODEL:
            return (flow.model.name if flow.model else "No model") if asked.model_id else None
        case Step.PUSH:
            return _push_answer(flow)
        case _:
            return None


def _push_answer(flow: Flow) -> str | None:
    if flow.push is not None and (flow.is_followed or flow.is_sending):
        return flow.push.word
    is_answered = flow.asked.car_id and flow.asked.model_id
    if is_answered and not flow.asked.has_push:
        return "Nothing to send"
    return "Skipped" if flow.asked.go else None


def _where(flow: Flow, base: str, step: Step) -> str | None:
    if flow.race is None:
        return f"{base}/wizard{flow.asked.link(step=step.value, go='', q='')}"
    if step in (Step.CAR, Step.MODEL) and flow.race.state in LIVE_STATES:
        return f"/staff/races/{flow.race.race_id}/car?back=wizard"
    return None
