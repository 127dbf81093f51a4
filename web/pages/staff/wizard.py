"""
The race wizard of a track: racer, car, model, push, race, submit, as one flow on one page.

The address holds the answers and the box everything else (wizard_flow.py); what is done here is three things: a push is
asked for, it is cancelled, and the race is made. The race itself is the timekeeper's panel.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec.structs import replace

from appliance.errors import ApplianceError
from appliance.ids import new_id
from appliance.permissions import Permission
from cars.push_structs import NewPushes
from timing.structs import LIVE_STATES, NewRace, RaceView
from web.auth import needs
from web.given import House, Viewer
from web.pages.staff.forms import read_form
from web.pages.staff.wizard_flow import NONE, Asked
from web.pages.staff.wizard_picture import Flow, flow_of, step_values, strip_of
from web.prepared import prepare
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

RUN = [needs(Permission.RUN_RACES)]
PUSH = [needs(Permission.RUN_RACES), needs(Permission.MANAGE_CARS)]
WIZARD = "/staff/events/{event_id:str}/tracks/{track_id:str}/wizard"


@get(WIZARD, guards=RUN)
async def wizard(request: AnyRequest, house: House, event_id: FromPath[str], track_id: FromPath[str]) -> Answer:
    """The step at which the answers in the address stand: `racer_id`, `car_id`, `model_id` and what follows of them."""
    asked = Asked.of(request.query_params)
    flow, said = await flow_of(house, event_id, track_id, asked)
    elsewhere = None if flow.race is not None else _elsewhere(flow, house.control.live(event_id, track_id))
    if elsewhere is not None:
        return _to(event_id, track_id, elsewhere)
    return await _page(request, house, event_id, track_id, flow, said=said)


@post(f"{WIZARD}/push", guards=PUSH)
async def push(
    request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str]
) -> Answer:
    """Bring the chosen model to the chosen car, and keep both with the racer's place in line. Twice is once."""
    asked = Asked.of((await read_form(request)).typed)
    flow, said = await flow_of(house, event_id, track_id, asked)
    if said or not flow.asked.has_push:
        return await _page(request, house, event_id, track_id, flow, said=said, status=409)
    asked = flow.asked
    try:
        new = NewPushes(car_ids=[asked.car_id], model_ids=[asked.model_id])
        (begun,) = await house.pushes.add(new, viewer.person_id)
        if flow.entry is not None:
            await prepare(house, flow.entry.queue_id, asked.car_id, asked.model_id, viewer.person_id)
    except ApplianceError as error:
        return await _page(request, house, event_id, track_id, flow, error=error)
    return _to(event_id, track_id, replace(asked, push_id=begun.push_id, go="", step=""))


@post(f"{WIZARD}/push/cancel", guards=PUSH)
async def cancel(
    request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str]
) -> Answer:
    """Do not bring the model that the address follows; what lies half-sent on the car goes. Twice is once."""
    flow, said = await flow_of(house, event_id, track_id, Asked.of((await read_form(request)).typed))
    if said:
        return await _page(request, house, event_id, track_id, flow, said=said, status=409)
    try:
        if flow.push is not None and flow.is_followed:
            await house.pushes.cancel(flow.push.push.push_id, viewer.person_id)
    except ApplianceError as error:
        return await _page(request, house, event_id, track_id, flow, error=error)
    return _to(event_id, track_id, flow.asked)


@post(f"{WIZARD}/race", guards=RUN)
async def make_ready(
    request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str]
) -> Answer:
    """The race is ready on the track. The form brings the race's id, so that a second tap finds the first."""
    form = await read_form(request)
    flow, said = await flow_of(house, event_id, track_id, Asked.of(form.typed))
    if said or flow.racer is None:
        return await _page(request, house, event_id, track_id, flow, said=said, status=409)
    new = NewRace(
        event_id=event_id,
        track_id=track_id,
        racer_id=flow.racer.person_id,
        by_proxy=form.flag("by_proxy"),
        override=form.flag("override"),
        car_id=_id_or_none(flow.asked.car_id),
        model_id=_id_or_none(flow.asked.model_id),
        race_id=form.text("new_race_id")[:64] or new_id(),
    )
    try:
        race = await house.control.create(new, viewer.person_id)
    except ApplianceError as error:
        live = house.control.live(event_id, track_id)
        if live is not None and live.racer_id == new.racer_id and not flow.asked.new:
            return _to(event_id, track_id, Asked(race_id=live.race_id))  # Somebody else was quicker.
        return await _page(request, house, event_id, track_id, flow, error=error)
    return _to(event_id, track_id, Asked(race_id=race.race_id))


def _elsewhere(flow: Flow, live: RaceView | None) -> Asked | None:
    """The address that this one leads to: of the race on the track, or of the push that somebody asked for already."""
    asked = flow.asked
    if live is not None and not asked.new and not asked.q and asked.racer_id in ("", live.racer_id):
        return Asked(race_id=live.race_id)
    if flow.push is not None and flow.is_sending and not flow.is_followed:
        return replace(asked, push_id=flow.push.push.push_id)
    return None


def _id_or_none(answer: str) -> str | None:
    return None if answer in ("", NONE) else answer


def _to(event_id: str, track_id: str, asked: Asked) -> Redirect:
    return Redirect(f"/staff/events/{event_id}/tracks/{track_id}/wizard{asked.link()}", status_code=303)


async def _page(
    request: AnyRequest,
    house: House,
    event_id: str,
    track_id: str,
    flow: Flow,
    *,
    said: list[str] | None = None,
    error: ApplianceError | None = None,
    status: int = 200,
) -> Answer:
    event, track = house.events.get(event_id), house.events.track(event_id, track_id)
    base = f"/staff/events/{event_id}/tracks/{track_id}"
    values: dict[str, Any] = {
        "event": event,
        "track": track,
        "base": base,
        "race": flow.race,
        **await step_values(house, event_id, track_id, flow),
    }
    return page(
        request,
        "staff/wizard.html",
        status=error.status if error is not None else status,
        flow=flow,
        asked=flow.asked,
        strip=strip_of(flow, base),
        is_live=flow.race is not None and flow.race.state in LIVE_STATES,
        said=said or [],
        error=error,
        none_known=NONE,
        back="wizard",
        form_action_id=new_id(),
        **values,
    )


ROUTES = [wizard, push, cancel, make_ready]
