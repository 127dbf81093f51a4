"""The logs of cars: what is on the box, what a car has recorded, fetching it for a race or one by one, and deleting."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError, NotReady
from appliance.permissions import Permission
from cars.log_structs import LogState, LogView
from web.auth import needs, safe_next
from web.car_logs import ask_for_race
from web.given import House, Viewer
from web.pages.log_words import ShownLog, shown
from web.pages.staff.forms import Form, read_form
from web.pages.staff.races import race_page
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

CREW = [needs(Permission.MANAGE_CARS)]
PAGE = 100


@get("/staff/logs", guards=CREW)
async def list_logs(request: AnyRequest, house: House, before: FromQuery[str | None] = None) -> Answer:
    """Every log on the box or on its way to it, newest first."""
    found = await house.logs.find(before=before, limit=PAGE + 1)
    return page(
        request,
        "staff/logs.html",
        logs=[_shown(house, log) for log in found[:PAGE]],
        older=found[PAGE - 1].log_id if len(found) > PAGE else None,
        is_first=before is None,
        kept_mb=house.settings.logs_mb,
        by_itself=house.settings.fetch_logs,
    )


@get("/staff/cars/{car_id:str}/logs", guards=CREW)
async def car_logs(
    request: AnyRequest, house: House, car_id: FromPath[str], only_box: FromQuery[bool] = False
) -> Answer:
    """What a car has recorded, read from it now, and what of it is on the box."""
    return await _car_page(request, house, car_id, is_read=not only_box)


@post("/staff/cars/{car_id:str}/logs", guards=CREW)
async def fetch_recording(request: AnyRequest, house: House, viewer: Viewer, car_id: FromPath[str]) -> Answer:
    """Fetch one recording of a car."""
    form = await read_form(request)
    try:
        await house.logs.ask_recording(car_id, form.text("recording")[:160], viewer.person_id)
    except ApplianceError as error:
        form.refuse(error)
        return await _car_page(request, house, car_id, form=form, status=error.status, is_read=False)
    return Redirect(f"/staff/cars/{car_id}/logs", status_code=303)


@post("/staff/races/{race_id:str}/logs", guards=CREW)
async def fetch_of_race(request: AnyRequest, house: House, viewer: Viewer, race_id: FromPath[str]) -> Answer:
    """Fetch what its car recorded of a race, once the car is free."""
    form = await read_form(request)
    try:
        await ask_for_race(house, await house.control.view(race_id), viewer.person_id)
    except ApplianceError as error:
        form.wrong("", str(error))
        return await race_page(request, house, race_id, form, status=error.status)
    return Redirect(f"/staff/races/{race_id}#logs", status_code=303)


@post("/staff/logs/{log_id:str}/delete", guards=CREW)
async def delete_logs(request: AnyRequest, house: House, viewer: Viewer, log_id: FromPath[str]) -> Answer:
    """Take logs off the box, which is asked about first, or do not fetch them any more."""
    form = await read_form(request)
    back = safe_next(form.text("next"), "/staff/logs")
    log = await house.logs.get(log_id)
    # With htmx the button has asked already.
    if log.state is LogState.STORED and not (form.flag("sure") or request.headers.get("hx-request")):
        return page(request, "staff/log_sure.html", one=_shown(house, log), back=back)
    await house.logs.delete(log_id, viewer.person_id)
    return Redirect(back, status_code=303)


async def _car_page(
    request: AnyRequest,
    house: House,
    car_id: str,
    *,
    form: Form | None = None,
    status: int = 200,
    is_read: bool,
) -> Answer:
    car, read, problem = house.cars.enrolled(car_id), None, None
    if is_read:
        try:
            read = await house.logs.on_car(car_id)
        except NotReady as error:
            problem, status = error, error.status
    logs = [_shown(house, log) for log in await house.logs.find(car_id=car_id, limit=PAGE)]
    return page(
        request,
        "staff/car_logs.html",
        status=status,
        car=car,
        logs=logs,
        is_open=any(one.is_open for one in logs),
        read=read,
        problem=problem,
        form=form or Form({}),
    )


def _shown(house: House, log: LogView) -> ShownLog:
    return shown(log, None if log.racer_id is None else house.people.name_of(log.racer_id))


ROUTES = [list_logs, car_logs, fetch_recording, fetch_of_race, delete_logs]
