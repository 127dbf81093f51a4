"""
With which car and model somebody in line shall race, by hand: for whom the next three to the cars gives the wrong ones.

A page without script. Choosing both sends the model to the car at once; a car that holds it already gets nothing.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from appliance.errors import ApplianceError, InvalidInput
from appliance.permissions import Permission
from cars.car_structs import Car
from cars.model_structs import ModelStatus, ModelView
from cars.models import Sought
from timing.queue import QueueEntry
from web.auth import needs
from web.given import House, Viewer
from web.next_three import BOXES, free_cars, plans, send
from web.pages.staff.forms import read_form
from web.pages.staff.line_cars import Sent, prepared
from web.prepared import prepare
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

CREW = [needs(Permission.RUN_RACES), needs(Permission.MANAGE_CARS)]
ADDRESS = "/staff/events/{event_id:str}/tracks/{track_id:str}/queue/{queue_id:str}/prepare"


class Choices(Struct, frozen=True, kw_only=True):
    """
    What can be chosen. `cars` are the track's, those online first, `others` the box's other ones; `own` all models of
    the racer, those that no car could drive too, `boxes` those for walk-ups.
    """

    cars: list[Car]
    others: list[Car]
    own: list[ModelView]
    boxes: list[ModelView]
    car_id: str | None
    model_id: str | None


@get(ADDRESS, guards=CREW)
async def prepare_form(
    request: AnyRequest, house: House, event_id: FromPath[str], track_id: FromPath[str], queue_id: FromPath[str]
) -> Answer:
    """Choose car and model of one in line; what a tap on "the next three" would give is chosen already."""
    entry = house.queue.get(queue_id)
    plan = next((one for one in await plans(house, event_id, track_id) if one.entry.queue_id == queue_id), None)
    car_id = plan.car.car_id if plan is not None and plan.car is not None else entry.car_id
    model_id = plan.model.model_id if plan is not None and plan.model is not None else entry.model_id
    return await _page(request, house, entry, (car_id, model_id))


@post(ADDRESS, guards=CREW)
async def prepare_entry(
    *,
    request: AnyRequest,
    house: House,
    viewer: Viewer,
    event_id: FromPath[str],
    track_id: FromPath[str],
    queue_id: FromPath[str],
) -> Answer:
    """Prepare, and send the model to the car; or take it back. A second tap finds it done."""
    form = await read_form(request)
    entry = house.queue.get(queue_id)
    chosen = (form.text("car_id")[:64] or None, form.text("model_id")[:64] or None)
    if form.text("do") == "clear":
        chosen = (None, None)
    try:
        if chosen == (None, None) and form.text("do") != "clear":
            raise InvalidInput("Nothing is chosen.", "Choose a car and a model.", field="car_id")
        entry = await prepare(house, queue_id, *chosen, viewer.person_id)
        await send(house, entry, viewer.person_id)
    except ApplianceError as error:
        return await _page(request, house, entry, chosen, error)
    return Redirect(f"/staff/events/{event_id}/tracks/{track_id}/queue#entry-{queue_id}", status_code=303)


async def _page(
    request: AnyRequest,
    house: House,
    entry: QueueEntry,
    chosen: tuple[str | None, str | None],
    error: ApplianceError | None = None,
) -> Answer:
    return page(
        request,
        "staff/prepare.html",
        status=200 if error is None else error.status,
        event=house.events.get(entry.event_id),
        track=house.events.track(entry.event_id, entry.track_id),
        entry=entry,
        choices=await _choices(house, entry, chosen),
        one=await _now(house, entry),
        error=error,
    )


async def _now(house: House, entry: QueueEntry) -> Sent | None:
    return await prepared(house, entry, None) if entry.car_id or entry.model_id else None


async def _choices(house: House, entry: QueueEntry, chosen: tuple[str | None, str | None]) -> Choices:
    cars = free_cars(house, entry.event_id, entry.track_id)
    return Choices(
        cars=sorted(cars, key=lambda car: not car.is_online),
        others=[car for car in house.cars.all() if car not in cars],
        own=sorted(
            await house.models.find(Sought(racer_id=entry.racer_id)),
            key=lambda model: model.status is not ModelStatus.AVAILABLE,
        ),
        boxes=await house.models.find(BOXES),
        car_id=chosen[0],
        model_id=chosen[1],
    )


ROUTES = [prepare_form, prepare_entry]
