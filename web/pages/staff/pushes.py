"""Models on their way to cars, for the crew: choose models and cars, watch, cancel, push again."""

import asyncio
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Stream

from appliance.errors import ApplianceError, InvalidInput
from appliance.permissions import Permission
from cars.car_structs import Car
from cars.model_structs import ModelStatus, ModelView
from cars.models import Sought
from cars.push_rules import PushState
from cars.push_structs import NewPushes
from web.auth import needs, session_token
from web.given import House, Viewer
from web.once import FIELD, once, once_input
from web.pages.staff.push_panel import running_now, standing_now
from web.push_live import PushLive
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

MAY = [needs(Permission.MANAGE_CARS)]
LIST = "/staff/pushes"
ONE = "/staff/pushes/{push_id:str}"
OFFERED = 40
OWNERS = 200
"""Racers with what was typed in their names, whose models are offered; more would not be read."""
DONE = {"asked": "On their way. The list below is live."}


@get(LIST, guards=MAY)
async def pushes(
    request: AnyRequest,
    house: House,
    find: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Answer:
    """Choose models and cars; what runs, waits and has ended. `model` and `car` in the address are ticked already."""
    query = request.query_params
    chosen = Ticked(query.getall("model", []), query.getall("car", []))
    return await _page(request, house, chosen, find=find, done=DONE.get(done))


@post(LIST, guards=MAY)
async def push(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Push every ticked model to every ticked car."""
    form = await request.form()
    chosen = Ticked(form.getall("model", []), form.getall("car", []))

    async def ask() -> str:
        new = NewPushes(car_ids=chosen.car_ids, model_ids=chosen.model_ids)
        await house.pushes.add(new, viewer.person_id)
        return f"{LIST}?done=asked"

    try:
        chosen.check()
        return Redirect(await once(str(form.get(FIELD, "")), ask), status_code=303)
    except ApplianceError as error:
        return await _page(request, house, chosen, error=error)


@get(f"{LIST}/stream", guards=MAY, opt={"no_gzip": True}, media_type="text/event-stream")
async def stream(*, request: AnyRequest, push_live: NamedDependency[PushLive], viewer: Viewer) -> Stream:
    """What runs, waits and has ended, then again with each change, three times a second at most."""
    messages = await push_live.open(viewer.person_id, session_token(request) or "")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(messages, media_type="text/event-stream", headers=headers)


@post(f"{ONE}/cancel", guards=MAY)
async def cancel(request: AnyRequest, house: House, viewer: Viewer, push_id: FromPath[str]) -> Answer:
    """Do not bring it; what lies half-sent on the car goes."""
    await house.pushes.cancel(push_id, viewer.person_id)
    return _back(request)


@post(f"{LIST}/waiting/cancel", guards=MAY)
async def cancel_waiting(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Cancel everything that waits; what runs goes on."""
    waiting = [one for one in house.pushes.all_open() if one.state is PushState.WAITING and not one.is_cancelling]
    await asyncio.gather(*(house.pushes.cancel(one.push_id, viewer.person_id) for one in waiting))
    return _back(request)


@post(f"{ONE}/again", guards=MAY)
async def again(request: AnyRequest, house: House, viewer: Viewer, push_id: FromPath[str]) -> Answer:
    """The same model to the same car once more; it goes on where the last one stopped."""
    old = await house.pushes.get(push_id)
    await house.pushes.add(NewPushes(car_ids=[old.car_id], model_ids=[old.model_id]), viewer.person_id)
    return _back(request)


class Ticked:
    """Which models and cars are ticked; of what was sent, ids only."""

    def __init__(self, model_ids: list[Any], car_ids: list[Any]) -> None:
        self.model_ids = list(dict.fromkeys(str(one)[:64] for one in model_ids if one))[:200]
        self.car_ids = list(dict.fromkeys(str(one)[:64] for one in car_ids if one))[:200]

    def check(self) -> None:
        """Raises InvalidInput where one of them is missing."""
        if not self.model_ids:
            raise InvalidInput("No model is ticked.", "Tick at least one.", field="model")
        if not self.car_ids:
            raise InvalidInput("No car is ticked.", "Tick at least one.", field="car")


async def _page(
    request: AnyRequest,
    house: House,
    chosen: Ticked,
    *,
    find: str = "",
    done: str | None = None,
    error: ApplianceError | None = None,
) -> Answer:
    cars = house.cars.all()
    context = await standing_now(house)
    return page(
        request,
        "staff/pushes.html",
        status=200 if error is None else error.status,
        cars=sorted(cars, key=lambda car: not car.is_online),
        ticked_cars=set(chosen.car_ids) or _only(cars),
        models=await _models(house, chosen.model_ids, find.strip()[:64]),
        ticked_models=set(chosen.model_ids),
        find=find.strip()[:64],
        running=running_now(house),
        once_input=once_input(),
        done=done,
        error=error,
        **context,  # type: ignore[arg-type]
    )


def _only(cars: list[Car]) -> set[str]:
    """Where there is one car, it is meant."""
    return {car.car_id for car in cars} if len(cars) == 1 else set()


async def _models(house: House, ticked: list[str], find: str) -> list[ModelView]:
    """The ticked ones first, however old, then the newest in whose names what was typed occurs."""
    first = await house.models.find(Sought(status=ModelStatus.AVAILABLE, model_ids=tuple(ticked)))
    found = await house.models.find(
        Sought(
            status=ModelStatus.AVAILABLE,
            named=find,
            owner_ids=tuple(person.person_id for person in house.people.search(find, limit=OWNERS)) if find else (),
            or_box=find.casefold() in "the box",
            limit=OFFERED + len(first),
        )
    )
    return [*first, *[model for model in found if model not in first][:OFFERED]]


def _back(request: AnyRequest) -> Answer:
    """Without script the page again. For htmx nothing: the stream brings it."""
    if request.headers.get("hx-request"):
        return Response(None, status_code=204)
    return Redirect(LIST, status_code=303)


ROUTES = [pushes, push, stream, cancel_waiting, cancel, again]
