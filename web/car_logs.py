"""
The logs of races: asked for with what the races know, by hand or after the hand-in by itself; whose they are.

Knows both rooms and owns neither. A car that is away holds up no race: its logs wait for it.
"""

import asyncio

from appliance.clock import now_iso
from appliance.errors import ApplianceError, Conflict, NotFound
from appliance.people import ACTOR_BOX
from appliance.permissions import Permission
from appliance.sessions import Viewer
from cars.log_structs import LogView
from timing.facts import RaceChanged
from timing.journal import Kind
from timing.structs import LIVE_STATES, RaceView
from web.house import House

OF_THE_RACER = frozenset({Kind.SET_RACER})


def fetch_logs(house: House) -> None:
    """From now on, for as long as the house stands."""
    tasks = set[asyncio.Task[None]]()

    def follow(changed: RaceChanged) -> None:
        house.logs.line.look()
        if changed.kind in OF_THE_RACER or (changed.kind is Kind.SUBMIT and house.settings.fetch_logs):
            task = asyncio.create_task(_followed(house, changed))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    house.facts.subscribe(RaceChanged, follow)


async def _followed(house: House, changed: RaceChanged) -> None:
    race = changed.view
    try:
        if changed.kind in OF_THE_RACER:
            await house.logs.give_to(race.race_id, race.racer_id)
        elif has_car(house, race):
            await ask_for_race(house, race, ACTOR_BOX)
    except ApplianceError:
        return  # The crew sees on the race's page that there are none, and can press the button.


async def ask_for_race(house: House, race: RaceView, actor: str) -> LogView:
    """
    Fetch what its car recorded of a race; once the car is free.

    Raises:
        Conflict: it goes on, had no car of this box, or its car was released.
    """
    if race.state in LIVE_STATES and not race.deleted:
        raise Conflict("This race goes on.", "Fetch its logs once it is handed in.")
    if race.car_id is None or not is_ours(house, race.car_id):
        raise Conflict("No car of this box is known to have driven this race.", "Choose the recording on a car's page.")
    try:
        house.cars.enrolled(race.car_id)
    except NotFound as error:
        raise Conflict(error.message, error.remedy) from error
    return await house.logs.ask_race(
        race_id=race.race_id,
        racer_id=race.racer_id,
        car_id=race.car_id,
        model_id=race.model_id,
        span=(race.started_at or race.created_at, race.submitted_at or now_iso()),
        actor=actor,
    )


def has_car(house: House, race: RaceView) -> bool:
    """Whether a car that the box knows drove it, and there was something to drive."""
    return race.started_at is not None and race.car_id is not None and is_ours(house, race.car_id)


def is_ours(house: House, car_id: str) -> bool:
    """A race may name a car of another box, or one by its sticker."""
    try:
        house.cars.get(car_id)
    except NotFound:
        return False
    return True


def may_see(viewer: Viewer, view: LogView) -> bool:
    """The crew sees all; a racer what was recorded of their own races and models."""
    return viewer.can(Permission.MANAGE_CARS) or (view.racer_id is not None and view.racer_id == viewer.person_id)


async def own_log(house: House, viewer: Viewer, log_id: str) -> LogView:
    """The logs, to whoever may know of them. Raises NotFound."""
    view = await house.logs.get(log_id)
    if not may_see(viewer, view):
        raise NotFound("There are no such logs.", "Look at the list of logs.")
    return view
