"""
The car and the model of a race: seen and changed, before it starts, while it runs and once it is submitted.

One more action in the race's journal: the laps from then on are driven with what is chosen here, or those driven so far
were too. A dialog on the timekeeper's page, a page of its own without script.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.errors import InvalidInput
from appliance.ids import new_id
from appliance.permissions import Permission
from timing.journal import Kind
from timing.structs import Action, RaceView
from web.auth import needs
from web.driven_names import names_in
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.pages.staff.race_choices import Cars, cars_for, models_for
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

RUN = [needs(Permission.RUN_RACES, Permission.EDIT_RACES)]
ADDRESS = "/staff/races/{race_id:str}/car"
NONE = "none"
"""No car, or no model: a race needs neither."""
SO_FAR = "so_far"
"""Which laps: also those driven already. Without it those from now on."""


@get(ADDRESS, guards=RUN)
async def race_car(
    request: AnyRequest, house: House, race_id: FromPath[str], back: FromQuery[str] = "timekeeper"
) -> Answer:
    """Choose the car and the model of a race; `back` is the page to return to."""
    race = await house.control.view(race_id)
    cars = cars_for(house, race.event_id, race.track_id)
    models = await models_for(house, race.racer_id, race.model_id or "")
    in_dialog = bool(request.headers.get("hx-request"))
    return page(
        request,
        "staff/_race_car.html" if in_dialog else "staff/race_car.html",
        in_dialog=in_dialog,
        race=race,
        cars=cars,
        models=models,
        driven=await names_in(house, race),
        known_car=race.car_id is None or _is_listed(cars, race.car_id),
        known_model=race.model_id is None or any(one.model.model_id == race.model_id for one in models.ready),
        back=back,
        none_known=NONE,
        so_far=SO_FAR,
        action_id=new_id(),
        is_open=Kind.SET_CAR in await house.control.allowed(race_id),
    )


@post(ADDRESS, guards=RUN)
async def set_race_car(request: AnyRequest, house: House, viewer: Viewer, race_id: FromPath[str]) -> Answer:
    """Set them; sent twice it is done once."""
    form = await read_form(request)
    race = await house.control.view(race_id)
    action = Action(
        kind=Kind.SET_CAR,
        action_id=form.text("action_id")[:64] or new_id(),
        car_id=_car_of(house, form, race),
        model_id=await _model_of(house, form, race),
        laps_so_far=form.text("laps") == SO_FAR,
        reason=form.text("reason")[:200] or None,
    )
    race = await house.control.act(race_id, action, viewer.person_id)
    if request.headers.get("hx-request"):
        return Response(None, status_code=204)  # The stream brings the panel.
    return Redirect(back_to(race, form.text("back")), status_code=303)


def back_to(race: RaceView, back: str) -> str:
    """The page of this race that a form came from."""
    track = f"/staff/events/{race.event_id}/tracks/{race.track_id}"
    pages = {"race": f"/staff/races/{race.race_id}", "wizard": f"{track}/wizard?race_id={race.race_id}"}
    return pages.get(back, f"{track}/timekeeper")


def _is_listed(cars: Cars, car_id: str) -> bool:
    return any(one.card.car.car_id == car_id for one in [*cars.mine, *cars.others])


def _car_of(house: House, form: Form, race: RaceView) -> str | None:
    """What was chosen; what the race has already stays, also when this box does not know it. Raises NotFound."""
    chosen = form.text("car_id")
    if not chosen:
        raise InvalidInput("No car was chosen.", "Choose one, or “no car known”.", field="car_id")
    if chosen in (NONE, race.car_id):
        return None if chosen == NONE else chosen
    return house.cars.enrolled(chosen).car_id


async def _model_of(house: House, form: Form, race: RaceView) -> str | None:
    chosen = form.text("model_id")
    if not chosen:
        raise InvalidInput("No model was chosen.", "Choose one, or “no model known”.", field="model_id")
    if chosen in (NONE, race.model_id):
        return None if chosen == NONE else chosen
    await house.models.files(chosen)  # Raises unless a car could get it.
    return chosen


ROUTES = [race_car, set_race_car]
