"""Fleets: which cars stand together, usually at one track."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from appliance.errors import ApplianceError
from appliance.permissions import Permission
from cars.car_structs import Car
from cars.fleet_structs import FleetView, NewFleet
from web.auth import needs
from web.given import House
from web.once import FIELD, once, once_input
from web.pages.staff.forms import Form, read_form
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

CREW = [needs(Permission.MANAGE_CARS)]
LIST = "/staff/cars/fleets"
ONE = "/staff/cars/fleets/{fleet_id:str}"
DONE = {"saved": "Saved.", "made": "Made. Choose its cars.", "removed": "The fleet is gone. Its cars stay."}


class FleetCard(Struct, frozen=True, kw_only=True):
    """A fleet as the page shows it: its cars, and the tracks that race them."""

    fleet: FleetView
    cars: list[Car]
    tracks: list[str]


@get(LIST, guards=CREW)
async def list_fleets(request: AnyRequest, house: House, done: FromQuery[str | None] = None) -> Answer:
    """All fleets, and the form for one more."""
    return _list_page(request, house, Form({}), done=DONE.get(done or ""))


@post(LIST, guards=CREW)
async def add_fleet(request: AnyRequest, house: House) -> Answer:
    """Make a fleet; choosing its cars comes next."""
    form = await read_form(request)
    name = form.needed("name", "Give the fleet a name.")

    async def add() -> str:
        fleet = await house.fleets.add(NewFleet(name=name[:40]))
        return f"{LIST}/{fleet.fleet_id}?done=made"

    try:
        if form.ok:
            return Redirect(await once(form.text(FIELD), add), status_code=303)
    except ApplianceError as error:
        form.refuse(error)
    return _list_page(request, house, form, status=400)


@get(ONE, guards=CREW)
async def fleet(
    request: AnyRequest, house: House, fleet_id: FromPath[str], done: FromQuery[str | None] = None
) -> Answer:
    """One fleet: its name and its cars."""
    view = house.fleets.view(fleet_id)
    return _page(request, house, view, Form({"name": view.name}), done=DONE.get(done or ""))


@post(ONE, guards=CREW)
async def save_fleet(request: AnyRequest, house: House, fleet_id: FromPath[str]) -> Answer:
    """Its name, and exactly the cars that are ticked."""
    view = house.fleets.view(fleet_id)
    form = await read_form(request)
    name = form.needed("name", "Give the fleet a name.")
    ticked = [car.car_id for car in house.cars.all() if form.text(f"car-{car.car_id}")]
    if not form.ok:
        return _page(request, house, view, form, status=400)
    try:
        await house.fleets.rename(fleet_id, NewFleet(name=name[:40]))
        await house.fleets.set_cars(fleet_id, ticked)
    except ApplianceError as error:
        form.refuse(error)
        return _page(request, house, view, form, status=error.status)
    return Redirect(f"{LIST}/{fleet_id}?done=saved", status_code=303)


@post(f"{ONE}/remove", guards=CREW)
async def remove_fleet(house: House, fleet_id: FromPath[str]) -> Redirect:
    """Its cars stay, in no fleet."""
    await house.fleets.remove(fleet_id)
    return Redirect(f"{LIST}?done=removed", status_code=303)


def _list_page(
    request: AnyRequest, house: House, form: Form, *, done: str | None = None, status: int = 200
) -> Response[Any]:
    fleets = house.fleets.all()
    known = {one.fleet_id for one in fleets}
    return page(
        request,
        "staff/fleets.html",
        status=status,
        cards=[_card(house, one) for one in fleets],
        loose=[car for car in house.cars.all() if car.fleet_id not in known],
        form=form,
        once_input=once_input(),
        done=done,
    )


def _page(
    request: AnyRequest, house: House, view: FleetView, form: Form, *, done: str | None = None, status: int = 200
) -> Response[Any]:
    names = {one.fleet_id: one.name for one in house.fleets.all()}
    return page(
        request,
        "staff/fleet.html",
        status=status,
        card=_card(house, view),
        cars=[(car, names.get(car.fleet_id or "")) for car in house.cars.all()],
        form=form,
        done=done,
    )


def _card(house: House, view: FleetView) -> FleetCard:
    tracks = [
        f"{track.name} · {event.name}"
        for event in house.events.list()
        for track in event.tracks
        if track.fleet_id == view.fleet_id
    ]
    return FleetCard(fleet=view, cars=house.fleets.cars_of(view.fleet_id), tracks=tracks)


ROUTES = [list_fleets, add_fleet, fleet, save_fleet, remove_fleet]
