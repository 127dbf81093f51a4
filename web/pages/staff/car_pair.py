"""Pairing a car: what is typed, the steps as they go, a new host key; and releasing one."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import ApplianceError
from appliance.permissions import Permission
from cars.enrol_wire import StepState
from cars.pairing_structs import DEFAULT_USERNAME, NewPairing, PairingView
from web.auth import needs
from web.given import House, Viewer
from web.once import FIELD, once, once_input
from web.pages.staff.forms import Form, read_form
from web.render import page
from web.shown_keys import place_of_key

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

CREW = [needs(Permission.MANAGE_CARS)]
PAIR = "/staff/cars/pair"
LOOKS = {
    None: ("", "waits"),
    StepState.DOING: ("info", "doing"),
    StepState.DONE: ("ok", "done"),
    StepState.LEFT: ("", "not needed"),
    StepState.FAILED: ("bad", "failed"),
}
"""How a step's state looks, and its word."""


@get(PAIR, guards=CREW)
async def pair_form(
    request: AnyRequest,
    address: FromQuery[str | None] = None,
    name: FromQuery[str | None] = None,
    username: FromQuery[str | None] = None,
    trusted_key: FromQuery[str | None] = None,
) -> Answer:
    """What pairing a car needs: its address and the password on its sticker."""
    typed = {"address": address or "", "name": name or "", "username": username or DEFAULT_USERNAME}
    return _form_page(request, Form(typed | {"trusted_key": trusted_key or ""}))


@post(PAIR, guards=CREW)
async def pair(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Begin; the steps are on the next page."""
    form = await read_form(request)
    new = _pairing_of(form)

    async def begin() -> str:
        return f"{PAIR}/{house.pairings.start(new, viewer.person_id).pairing_id}"

    try:
        if form.ok:
            return Redirect(await once(form.text(FIELD), begin), status_code=303)
    except ApplianceError as error:
        form.refuse(error)
        return _form_page(request, form, status=error.status)
    return _form_page(request, form, status=400)


@get(f"{PAIR}/{{pairing_id:str}}", guards=CREW)
async def pairing(request: AnyRequest, house: House, pairing_id: FromPath[str]) -> Answer:
    """The steps of one pairing, live, and what came of it."""
    view = house.pairings.get(pairing_id)
    return page(request, "staff/car_pairing.html", pairing=view, looks=LOOKS, now=_now(view))


@post(f"{PAIR}/{{pairing_id:str}}/trust", guards=CREW)
async def trust(house: House, viewer: Viewer, pairing_id: FromPath[str]) -> Answer:
    """Yes, it was flashed: the new host key is right."""
    await house.pairings.trust(pairing_id, viewer.person_id)
    return Redirect(f"{PAIR}/{pairing_id}", status_code=303)


@post("/staff/cars/{car_id:str}/host-key", guards=CREW)
async def trust_key(request: AnyRequest, house: House, viewer: Viewer, car_id: FromPath[str]) -> Answer:
    """A paired car's new host key is right; where the car knows this box no more, the form to pair it again."""
    key = (await read_form(request)).text("host_key")
    car = house.cars.enrolled(car_id)
    place = place_of_key(house, car_id, key)
    try:
        await house.pairings.trust_key(car_id, key, place, viewer.person_id)
    except ApplianceError as error:
        known = {"address": place[0], "name": car.name, "username": car.username, "trusted_key": key}
        form = Form(known if place[1] == 22 else known | {"port": str(place[1])})
        form.refuse(error)
        return _form_page(request, form, status=error.status)
    return Redirect(f"/staff/cars/{car_id}?done=trusted", status_code=303)


@get("/staff/cars/{car_id:str}/release", guards=CREW)
async def release_form(request: AnyRequest, house: House, car_id: FromPath[str]) -> Answer:
    """Ask once more before a car is released."""
    return page(request, "staff/car_release.html", car=house.cars.enrolled(car_id), form=Form({}))


@post("/staff/cars/{car_id:str}/release", guards=CREW)
async def release(request: AnyRequest, house: House, viewer: Viewer, car_id: FromPath[str]) -> Answer:
    """Undo on the car what pairing changed, then let it go."""
    form = await read_form(request)
    car = house.cars.enrolled(car_id)
    try:
        await house.pairings.release(car_id, viewer.person_id, is_forced=form.flag("anyway"))
    except ApplianceError as error:
        form.refuse(error)
        return page(request, "staff/car_release.html", status=error.status, car=car, form=form)
    return Redirect("/staff/cars?done=released", status_code=303)


def _pairing_of(form: Form) -> NewPairing:
    return NewPairing(
        address=form.needed("address", "Type its address, for example 192.168.1.42."),
        name=form.text("name"),
        console_password=form.text("console_password"),
        password=form.typed.get("password", ""),
        new_password=form.typed.get("new_password", ""),
        username=form.text("username") or DEFAULT_USERNAME,
        port=form.whole("port", 1, 65_535, 22) or 22,
        console_port=form.whole("console_port", 1, 65_535, 443) or 443,
        trusted_key=form.text("trusted_key"),
    )


def _form_page(request: AnyRequest, form: Form, *, status: int = 200) -> Answer:
    return page(request, "staff/car_pair.html", status=status, form=form, once_input=once_input())


def _now(view: PairingView) -> str:
    """One sentence for whoever does not look at the list."""
    if view.car_id is not None:
        return f"{view.name} is paired."
    if view.asks is not None:
        return (
            f"This is {view.asks.name} ({view.asks.serial}), with another host key than before. Was it flashed? Nothing"
            " is sent to it until somebody says so."
        )
    if not view.is_running:
        return f"{view.message} {view.remedy}"
    doing = [step.name for step in view.steps if step.state is StepState.DOING]
    return f"{doing[-1]} …" if doing else "Connecting …"


ROUTES = [pair_form, pair, pairing, trust, trust_key, release_form, release]
