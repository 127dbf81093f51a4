"""
Driving one car from the crew's pages: which model it loads, and off it goes; with the car's own answer.

A car moves: a person says that the track is clear, each time, and for one car only. A car in a race is asked about
first. Stopping asks nothing and is in reach on every page (car_commands.py).
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from appliance.permissions import Permission
from cars.car_structs import Car
from cars.command_structs import CommandState, NewCommand, Verb
from web.auth import needs
from web.given import House, Viewer
from web.pages.staff.car_commands import ASK
from web.pages.staff.forms import Form, read_form
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

CREW = [needs(Permission.MANAGE_CARS)]
SPEEDS = (100, 80, 60, 50, 40, 30, 20)
"""Per cent of the speed that the model asks for; what a car's own console calls maximum speed."""


@get("/staff/cars/{car_id:str}/drive", guards=CREW)
async def drive_form(request: AnyRequest, house: House, car_id: FromPath[str]) -> Answer:
    """Ask whether the track is clear, and how fast it may go."""
    return await _drive_page(request, house, house.cars.enrolled(car_id), Form({"max_speed": "100"}))


@post("/staff/cars/{car_id:str}/drive", guards=CREW)
async def drive(request: AnyRequest, house: House, viewer: Viewer, car_id: FromPath[str]) -> Answer:
    """Let it drive by itself, once somebody has said that the track is clear."""
    car, form = house.cars.enrolled(car_id), await read_form(request)
    max_speed = form.whole("max_speed", 1, 100)
    if not form.flag("clear"):
        form.wrong("clear", "Look at the track first. The car drives off at once.")
    if not form.ok:
        return await _drive_page(request, house, car, form, status=400)
    command = NewCommand(
        verb=Verb.START_DRIVING,
        car_ids=[car_id],
        max_speed=None if max_speed in (None, 100) else max_speed,
    )
    return await _asked(house, viewer, command)


@post("/staff/cars/{car_id:str}/load", guards=CREW)
async def load(request: AnyRequest, house: House, viewer: Viewer, car_id: FromPath[str]) -> Answer:
    """Have it load one of the models that are on it; asks first while it is in a race."""
    car, form = house.cars.enrolled(car_id), await read_form(request)
    folder = form.text("folder")
    if house.control.is_racing(car_id) and not form.flag("sure"):
        return page(request, "staff/car_load.html", status=409, car=car, folder=folder[:80])
    command = NewCommand(verb=Verb.LOAD_MODEL, car_ids=[car_id], folder=folder)
    return await _asked(house, viewer, command)


async def _asked(house: House, viewer: Viewer, command: NewCommand) -> Answer:
    asked = await house.commands.ask(command, viewer.person_id)
    return Redirect(f"{ASK}/{asked[0].command_id}", status_code=303)


async def _drive_page(request: AnyRequest, house: House, car: Car, form: Form, *, status: int = 200) -> Answer:
    return page(
        request,
        "staff/car_drive.html",
        status=status,
        car=car,
        form=form,
        loaded=await _loaded(house, car.car_id),
        racing=house.control.is_racing(car.car_id),
        speeds=[(str(speed), f"{speed} %" if speed < 100 else "as the model wants") for speed in SPEEDS],
    )


async def _loaded(house: House, car_id: str) -> str | None:
    """What this box had it load last; a car that was restarted since has forgotten it, and somebody's hand may have."""
    for view in await house.commands.of_car(car_id):
        if view.verb in (Verb.REBOOT, Verb.POWER_OFF, Verb.RESTART_CORE):
            return None
        if view.verb is Verb.LOAD_MODEL and view.state is CommandState.DONE:
            return view.words.removeprefix("Load ")
    return None


ROUTES = [drive_form, drive, load]
