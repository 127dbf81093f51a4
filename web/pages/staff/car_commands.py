"""
Telling cars something: one from its own page, many from a list, all with the stop in the bar of every page.

Each answer is the car's own; the page of a command follows them until the last car has answered or had its time. What
takes cars away or empties them is asked about first (car_sure.py).
"""

import hashlib
from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from appliance.errors import ApplianceError, InvalidInput
from appliance.permissions import Permission
from cars.car_structs import Car
from cars.command_structs import CommandState, CommandView, NewCommand, Verb
from cars.lights import Light
from web.auth import needs, safe_next
from web.given import House, Viewer
from web.once import FIELD, once_input
from web.pages.staff.car_models import is_folder_name
from web.pages.staff.car_sure import Asked, question_of
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
async def ask_form(request: AnyRequest, house: House, fleet: FromQuery[str | None] = None) -> Answer:
    """Choose cars, and what to tell them. Those that are there are ticked, or all of the `fleet` in the address."""
    form = Form({"verb": Verb.STOP.value, "light": Light.BLUE.value})
    if fleet:
        house.fleets.view(fleet)
    meant = house.fleets.cars_of(fleet) if fleet else [car for car in house.cars.all() if car.is_online]
    form.typed.update({f"car-{car.car_id}": "1" for car in meant})
    return _form_page(request, house, form, fleet=fleet)


@post(ASK, guards=CREW)
async def ask(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Tell them, some things only when asked once more. From a car's page back to it, else to the command's page."""
    form = await read_form(request)
    try:
        command = _command_of(house, form)
        if not form.flag("sure") and (question := question_of(house, command)) is not None:
            return _sure_page(request, form, question, command)
        asked = await house.commands.ask(_once(form, command), viewer.person_id)
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
        car_ids=ticked or [car_id for car_id in [form.text("car_id")] if car_id],
        light=light,
        folder=form.text("folder") or None if verb is Verb.LOAD_MODEL else None,
        folders=_folders(form) if verb is Verb.DELETE_MODELS else None,
        logs=form.flag("logs") and verb is Verb.DELETE_MODELS,
    )


def _folders(form: Form) -> list[str] | None:
    """The one model that is to be deleted; None: all but the samples."""
    folder = form.text("folder")
    if folder and not is_folder_name(folder):
        raise InvalidInput("This box cannot delete a model of this name.", "Delete it with the car's own console.")
    return [folder] if folder else None


def _once(form: Form, command: NewCommand) -> NewCommand:
    """
    The same form with the same in it asks once; a stop is asked as often as it is pressed.

    What is in it counts too: a form that was changed after "back" is another command.
    """
    form_id = form.text(FIELD)
    if not form_id or command.verb is Verb.STOP:
        return command
    content = hashlib.sha256(msgspec.json.encode(command)).hexdigest()
    return msgspec.structs.replace(command, command_id=f"{form_id[:40]}-{content[:16]}")


def _sure_page(request: AnyRequest, form: Form, question: Asked, command: NewCommand) -> Answer:
    leave = safe_next(form.text("next"), ASK)
    return page(
        request,
        "staff/car_sure.html",
        status=409,
        asked=question,
        command=command,
        once_input=once_input(),
        leave=leave,
    )


def _form_page(request: AnyRequest, house: House, form: Form, *, fleet: str | None = None, status: int = 200) -> Answer:
    names = {one.fleet_id: one.name for one in house.fleets.all()}
    cars = [(car, names.get(car.fleet_id or "")) for car in house.cars.all()]
    return page(
        request,
        "staff/car_ask.html",
        status=status,
        form=form,
        cars=cars,
        fleets=names.items(),
        fleet=fleet,
        verbs=OFFERED.items(),
        lights=LIGHTS,
        once_input=once_input(),
    )


async def _answers(request: AnyRequest, house: House, command_id: str) -> Answer:
    views = await house.commands.of(command_id)
    answers = [CarAnswer(car=house.cars.get(view.car_id), view=view) for view in views]
    answers.sort(key=lambda one: (one.view.state is not CommandState.FAILED, one.car.name.casefold()))
    template = "staff/_car_answers.html" if request.headers.get("hx-request") else "staff/car_asked.html"
    return page(request, template, answers=answers, is_open=any(one.is_open for one in answers), command_id=command_id)


ROUTES = [ask_form, ask, stop_cars, command_page]
