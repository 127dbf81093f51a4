"""The cars: those that are paired, those that were found, one typed in by hand; and each car's own page."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError
from appliance.host_keys import fingerprint
from appliance.permissions import Permission
from web.auth import needs
from web.given import House, Viewer
from web.pages.staff.car_cards import car_card, picture
from web.pages.staff.car_commands import LIGHTS
from web.pages.staff.car_doings import sent_to, told_to, with_models
from web.pages.staff.car_laps import laps_of
from web.pages.staff.forms import Form, read_form
from web.render import page
from web.shown_keys import shown_anew

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

CREW = [needs(Permission.MANAGE_CARS)]
LIST = "/staff/cars"
ONE = "/staff/cars/{car_id:str}"
DONE = {
    "released": "Released. Its history stays, and paired again it is the same car.",
    "looking": "Looking again.",
    "probing": "Knocking at every address nearby: this takes about ten seconds.",
    "found": "It is there: see below.",
    "saved": "Saved.",
    "trusted": "Its new host key is trusted from now on.",
}
HISTORY_LINES = 50


@get(LIST, guards=CREW)
async def list_cars(
    request: AnyRequest, house: House, done: FromQuery[str | None] = None, others: FromQuery[bool] = False
) -> Answer:
    """Every car of the box as it is now, and what else was found; while it is open, the box looks for cars."""
    return _list_page(request, house, Form({}), done=DONE.get(done or ""), show_others=others)


@post(f"{LIST}/look", guards=CREW)
async def look_again(request: AnyRequest, house: House) -> Answer:
    """Look for cars now; on demand also by knocking at every address nearby."""
    is_everywhere = (await read_form(request)).flag("everywhere")
    house.finder.look_again(everywhere=is_everywhere)
    return Redirect(f"{LIST}?done={'probing' if is_everywhere else 'looking'}", status_code=303)


@post(f"{LIST}/found", guards=CREW)
async def find_by_address(request: AnyRequest, house: House) -> Answer:
    """Look at one address that somebody typed."""
    form = await read_form(request)
    try:
        await house.finder.add_typed(form.text("address"))
    except ApplianceError as error:
        form.refuse(error, {"": "address"})
        return _list_page(request, house, form, status=error.status)
    return Redirect(f"{LIST}?done=found", status_code=303)


@get(ONE, guards=CREW)
async def car_page(
    request: AnyRequest,
    house: House,
    car_id: FromPath[str],
    done: FromQuery[str | None] = None,
    before: FromQuery[int | None] = None,
) -> Answer:
    """One car: how it is, who it is, and everything that happened to it."""
    return await _car_page(request, house, car_id, done=DONE.get(done or ""), before=before)


@post(ONE, guards=CREW)
async def rename_car(request: AnyRequest, house: House, viewer: Viewer, car_id: FromPath[str]) -> Answer:
    """Another name for a car."""
    form = await read_form(request)
    name = form.needed("name", "Give it a name, for example Blue 3.")
    try:
        if form.ok:
            await house.cars.update(house.cars.enrolled(car_id).car_id, actor=viewer.person_id, name=name)
            return Redirect(f"{LIST}/{car_id}?done=saved", status_code=303)
    except ApplianceError as error:
        form.refuse(error)
        return await _car_page(request, house, car_id, form=form, status=error.status)
    return await _car_page(request, house, car_id, form=form, status=400)


def _list_page(
    request: AnyRequest,
    house: House,
    form: Form,
    *,
    status: int = 200,
    done: str | None = None,
    show_others: bool = False,
) -> Answer:
    house.finder.watch()
    return page(
        request,
        "staff/cars.html",
        status=status,
        picture=picture(house),
        looking=house.finder.state(),
        form=form,
        done=done,
        show_others=show_others,
    )


async def _car_page(
    request: AnyRequest,
    house: House,
    car_id: str,
    *,
    form: Form | None = None,
    status: int = 200,
    done: str | None = None,
    before: int | None = None,
) -> Answer:
    card, shown = car_card(house, car_id), shown_anew(house, car_id)
    lines = await house.cars.history(car_id, limit=HISTORY_LINES + 1, before=before)
    return page(
        request,
        "staff/car.html",
        status=status,
        card=card,
        fingerprint=fingerprint(card.car.host_key),
        shown_key=shown.host_key if shown is not None else None,
        shown_fingerprint=fingerprint(shown.host_key) if shown is not None and shown.host_key else None,
        lights=LIGHTS,
        lines=await with_models(house, car_id, lines[:HISTORY_LINES]),
        told=await told_to(house, car_id),
        sent=await sent_to(house, car_id),
        driven=await laps_of(house, car_id),
        older=lines[HISTORY_LINES - 1].entry if len(lines) > HISTORY_LINES else None,
        is_first=before is None,
        form=form or Form({"name": card.car.name}),
        done=done,
    )


ROUTES = [list_cars, look_again, find_by_address, car_page, rename_car]
