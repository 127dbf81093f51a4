"""Labels of cars: one for a label printer, all on a sheet. Their code leads to the page of the car."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Redirect

from appliance.errors import NotFound
from appliance.permissions import Permission
from cars.car_structs import Car
from web.auth import needs
from web.given import House
from web.label_press import Form, pressed
from web.pages.public.codes import box_address
from web.render import page

AnyRequest = Request[Any, Any, Any]
CREW = [needs(Permission.MANAGE_CARS)]
BY_SERIAL = "/staff/cars/by-serial"


@get("/staff/cars/labels", guards=CREW)
async def labels(request: AnyRequest, house: House) -> Response[Any]:
    """Which labels there are to print, and how long the address in their codes holds."""
    cars, address = house.cars.all(), box_address(request, house)
    may_change = house.settings.public_url is None
    return page(request, "staff/car_labels.html", cars=cars, address=address, may_change=may_change)


@get("/staff/cars/{car_id:str}/label.png", guards=CREW)
async def label(request: AnyRequest, house: House, car_id: FromPath[str]) -> Response[bytes]:
    """991 x 306 dots, for a printer of 29 mm labels."""
    car = house.cars.get(car_id)
    file = await pressed(Form.PNG, [_label(request, house, car)])
    return Response(file, media_type="image/png", headers=_named(f"{car.serial}.png"))


@get("/staff/cars/labels.pdf", guards=CREW)
async def sheet(request: AnyRequest, house: House) -> Response[bytes]:
    """All cars, twenty a page, for scissors and tape."""
    cars = house.cars.all()
    if not cars:
        raise NotFound("No car is paired yet.", "Pair the first one, then print its label.")
    file = await pressed(Form.PDF, [_label(request, house, car) for car in cars])
    return Response(file, media_type="application/pdf", headers=_named("car-labels.pdf"))


@get(BY_SERIAL + "/{serial:str}", guards=CREW)
async def by_serial(house: House, serial: FromPath[str]) -> Redirect:
    """Where a label's code leads: the car's page, whatever its name and address are now."""
    car = house.cars.by_serial(serial)
    if car is None:
        raise NotFound(f"This box knows no car {serial[:40]}.", "Pair it under Cars.")
    return Redirect(f"/staff/cars/{car.car_id}", status_code=303)


def _label(request: AnyRequest, house: House, car: Car) -> dict[str, str]:
    url = f"{box_address(request, house)}{BY_SERIAL}/{quote(car.serial, safe='')}"
    return {"name": car.name, "serial": car.serial, "url": url}


def _named(file_name: str) -> dict[str, str]:
    return {"content-disposition": f'inline; filename="{file_name}"', "cache-control": "no-store"}


ROUTES = [labels, sheet, by_serial, label]
