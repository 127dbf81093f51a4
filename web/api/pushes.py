"""Pushes: models on their way to cars, and what a car holds. Each is durable before it is answered."""

from typing import Annotated

from litestar import delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from appliance.permissions import Permission
from cars.push_structs import CarModels, NewPushes, PushView
from cars.pushes import Which
from web.api.answers import LIST_LIMIT, READING, SIGNED_IN, WRITING, Before, Limit, problems
from web.auth import needs
from web.given import House, Viewer

PUSH = "/api/pushes/{push_id:str}"
MAY = [needs(Permission.MANAGE_CARS)]

OnlyOpen = Annotated[bool, QueryParameter(name="open", description="Only those that have not ended.")]


@get("/api/pushes", guards=MAY, security=SIGNED_IN, responses=READING, tags=["pushes"])
async def list_pushes(
    *,
    house: House,
    car_id: FromQuery[str | None] = None,
    model_id: FromQuery[str | None] = None,
    only_open: OnlyOpen = False,
    limit: Limit = LIST_LIMIT,
    before: Before = None,
) -> list[PushView]:
    """Pushes that fit all that is asked, newest first."""
    which = Which.OPEN if only_open else Which.ALL
    return await house.pushes.find(car_id=car_id, model_id=model_id, which=which, limit=limit, before=before)


@post("/api/pushes", guards=MAY, security=SIGNED_IN, responses=WRITING, tags=["pushes"])
async def create_pushes(house: House, viewer: Viewer, data: JSONBody[NewPushes]) -> list[PushView]:
    """Every model to every car. What is on its way to a car already is answered, not asked for twice."""
    return await house.pushes.add(data, viewer.person_id)


@get(PUSH, guards=MAY, security=SIGNED_IN, responses=READING, tags=["pushes"])
async def get_push(house: House, push_id: FromPath[str]) -> PushView:
    """One push, as it is at this moment."""
    return await house.pushes.get(push_id)


@delete(PUSH, guards=MAY, security=SIGNED_IN, responses=WRITING, status_code=200, tags=["pushes"])
async def cancel_push(house: House, viewer: Viewer, push_id: FromPath[str]) -> PushView:
    """Cancel it. What lies half-sent on the car goes; what is being installed at this moment is finished."""
    return await house.pushes.cancel(push_id, viewer.person_id)


@get(
    "/api/cars/{car_id:str}/models",
    guards=MAY,
    security=SIGNED_IN,
    responses=problems(401, 403, 404, 503),
    tags=["pushes"],
)
async def list_models_on_car(house: House, car_id: FromPath[str]) -> CarModels:
    """What a car holds, read from its disk now, not remembered."""
    return await house.pushes.models_on(car_id)


ROUTES = [list_pushes, create_pushes, get_push, cancel_push, list_models_on_car]
