"""
Telling cars something: one from its own page, many from a list, all with the stop in the bar of every page.

Each answer is the car's own; the page of a command follows them until the last car has answered or had its time.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from appliance.errors import ApplianceError, InvalidInput
from appliance.permissions import Permission
from cars.car_structs import Car
from cars.command_structs import CommandState, CommandView, NewCommand, Verb
from cars.lights import Light
from web.auth import needs, safe_next
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.render import page
from web.track_cars import stop_track

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

CREW = [needs(Permission.MANAGE_CARS)]
ASK = "/staff/cars/commands"
ONE = "/staff/cars/commands/{command_id:str}"
OFFERED = {
    Verb.STOP: "Stop",
    Verb.LIGHT: "Light",
    Verb.BATTERY: "Battery",
    Verb.DISK: "Disk",
    Verb.VERSIONS: "Versions",
    Verb.SET_TIME: "Set the time",
    Verb.RESTART_CORE: "Restart the software",
    Verb.DELETE_MODELS: "Delete all models but the samples",
    Verb.REBOOT: "Reboot",
    Verb.POWER_OFF: "Power off",
}
"""What many cars can be told at once, in the order of the form."""
LIGHTS = [(light.value, light.value.replace("_", " ").capitalize()) for light in Light]


class CarAnswer(Struct, frozen=True, kw_only=True):
    """One line of a command's page."""

    car: Car
    view: CommandView

    @property
    def is_open(self) -> bool:
        """Not answered yet."""
        return self.view.state is CommandState.ASKED


@get(ASK, guards=CREW)
async def ask_form(request: AnyRequest, house: House) -> Answer:
    """Choose cars, and what to tell them."""
    return _form_page(request, house, Form({"verb": Verb.STOP.value, "light": Light.BLUE.value}))


@post(ASK, guards=CREW)
async def ask(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Tell them; from a car's page back to it, else to the page of the command."""
    form = await read_form(request)
    try:
        asked = await house.commands.ask(_command_of(house, form), viewer.person_id)
    except ApplianceError as error:
        form.refuse(error)
        if request.headers.get("hx-request") or form.text("next"):
            raise
        return _form_page(request, house, form, status=error.status)
    if request.headers.get("hx-request"):
        return await _answers(request, house, asked[0].command_id)
    return Redirect(safe_next(form.text("next"), f"{ASK}/{asked[0].command_id}"), status_code=303)


@post("/staff/cars/stop", guards=CREW)
async def stop_cars(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Stop, first and fast: the cars of the track that the page is of, or all."""
    form = await read_form(request)
    asked = await stop_track(house, form.text("event_id"), form.text("track_id"), viewer.person_id)
    if request.headers.get("hx-request"):
        return await _answers(request, house, asked[0].command_id)
    return Redirect(f"{ASK}/{asked[0].command_id}", status_code=303)


@get(ONE, guards=CREW)
async def command_page(request: AnyRequest, house: House, command_id: FromPath[str]) -> Answer:
    """What each car answered; htmx asks for the lines alone until all have."""
    return await _answers(request, house, command_id)


def _command_of(house: House, form: Form) -> NewCommand:
    try:
        verb = Verb(form.text("verb"))
        light = Light(form.text("light")) if verb is Verb.LIGHT else None
    except ValueError as error:
        raise InvalidInput("Choose what to tell the cars.", "Then send it again.", field="verb") from error
    ticked = [car.car_id for car in house.cars.all() if form.flag(f"car-{car.car_id}")]
    return NewCommand(
        verb=verb,
        command_id=form.text("command_id") or None,
        car_ids=ticked or [car_id for car_id in [form.text("car_id")] if car_id],
        light=light,
        folder=form.text("folder") or None if verb is Verb.LOAD_MODEL else None,
        logs=form.flag("logs") and verb is Verb.DELETE_MODELS,
    )


def _form_page(request: AnyRequest, house: House, form: Form, *, status: int = 200) -> Answer:
    names = {fleet.fleet_id: fleet.name for fleet in house.fleets.all()}
    cars = [(car, names.get(car.fleet_id or "")) for car in house.cars.all()]
    return page(
        request, "staff/car_ask.html", status=status, form=form, cars=cars, verbs=OFFERED.items(), lights=LIGHTS
    )


async def _answers(request: AnyRequest, house: House, command_id: str) -> Answer:
    views = await house.commands.of(command_id)
    answers = [CarAnswer(car=house.cars.get(view.car_id), view=view) for view in views]
    answers.sort(key=lambda one: (one.view.state is not CommandState.FAILED, one.car.name.casefold()))
    template = "staff/_car_answers.html" if request.headers.get("hx-request") else "staff/car_asked.html"
    return page(request, template, answers=answers, is_open=any(one.is_open for one in answers), command_id=command_id)


ROUTES = [ask_form, ask, stop_cars, command_page]
