"""
The timekeeper's page of a track: choose who races, run the race, hit a simulated strip; and the stream of its panels.

The buttons post to `/api/races/{race_id}/actions` (timekeeper.js, with retries); without script the forms post here.
"""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.response.base import ASGIResponse

from appliance.errors import Conflict, InvalidInput
from appliance.ids import new_id
from appliance.permissions import Permission, Role
from timing.journal import Kind
from timing.structs import LIVE_STATES, Action, NewRace
from web.auth import needs, session_token
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.pages.staff.panel import Part, context, notes
from web.pages.staff.race_car import back_to
from web.prepared import make_race
from web.render import page
from web.staff_live import StaffLive
from web.straight_stream import EVENTS, event_stream

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

RUN = [needs(Permission.RUN_RACES)]
TRACK = "/staff/events/{event_id:str}/tracks/{track_id:str}"
FOUND = 8
"""Racers offered while typing: as many as fit under a thumb."""

ELSEWHERE = ("race", "wizard")
"""Pages beside this one whose forms act on a race, and that are gone back to."""
YES = {"1": True, "true": True, "0": False, "false": False}


@get(f"{TRACK}/timekeeper", guards=RUN)
async def timekeeper(
    request: AnyRequest,
    house: House,
    event_id: FromPath[str],
    track_id: FromPath[str],
    done: FromQuery[str | None] = None,
) -> Answer:
    """The page, whole and current, also without script."""
    values = await context(house, event_id, track_id)
    values |= await notes(house, event_id, track_id)
    said = "Submitted." if done == "submitted" else None
    return page(request, "staff/timekeeper.html", form_action_id=new_id(), done=said, found=None, q="", **values)  # type: ignore[arg-type]


@get(f"{TRACK}/stream", guards=RUN, opt={"no_gzip": True}, media_type=EVENTS)
async def stream(
    *,
    request: AnyRequest,
    staff_live: NamedDependency[StaffLive],
    viewer: Viewer,
    event_id: FromPath[str],
    track_id: FromPath[str],
    parts: FromQuery[str] = "tabs,race,queue,strips",
) -> ASGIResponse:
    """The panels named in `parts`, whole first, then each as it changes."""
    wanted = [Part(part) for part in parts.split(",") if part in set(Part)]
    messages = await staff_live.open((event_id, track_id), wanted, viewer.person_id, session_token(request) or "")
    return event_stream(messages)


@get(f"{TRACK}/find", guards=RUN)
async def find(
    request: AnyRequest, house: House, event_id: FromPath[str], track_id: FromPath[str], q: FromQuery[str] = ""
) -> Answer:
    """Racers whose names fit, each with a button to start and one to queue."""
    event, track = house.events.get(event_id), house.events.track(event_id, track_id)
    text = q.strip()[:40]
    people = house.people.search(text, Role.RACER, FOUND + 1) if text else []
    found = []
    for person in people[:FOUND]:
        standing = await house.boards.standing(event_id, track_id, person.person_id)
        found.append((person, 0 if standing is None else standing.runs, new_id()))
    is_panel = bool(request.headers.get("hx-request"))
    return page(
        request,
        "staff/_find.html" if is_panel else "staff/find.html",
        is_panel=is_panel,
        event=event,
        track=track,
        base=f"/staff/events/{event_id}/tracks/{track_id}",
        q=text,
        found=found,
        more=len(people) > FOUND,
        max_runs=event.rules.max_runs,
    )


@post(f"{TRACK}/races", guards=RUN)
async def start_race(
    request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str]
) -> Answer:
    """One tap: the race is ready on the track. The form brings the race's id, so that a second tap finds the first."""
    house.events.track(event_id, track_id)
    form = await read_form(request)
    new = NewRace(
        event_id=event_id,
        track_id=track_id,
        racer_id=form.text("racer_id"),
        by_proxy=form.flag("by_proxy"),
        override=form.flag("override"),
        race_id=form.text("race_id")[:64] or None,
    )
    try:
        await make_race(house, new, viewer.person_id)
    except Conflict as error:
        if new.override or house.control.live(event_id, track_id) is not None or request.headers.get("hx-request"):
            raise
        return _ask_override(request, house, new, error)
    if request.headers.get("hx-current-url", "").partition("?")[0].endswith("/queue"):
        return Response("", headers={"HX-Redirect": f"/staff/events/{event_id}/tracks/{track_id}/timekeeper"})
    return _back(request, event_id, track_id)


@post("/staff/races/{race_id:str}/actions", guards=RUN)
async def act(request: AnyRequest, house: House, viewer: Viewer, race_id: FromPath[str]) -> Answer:
    """An action from a form, for browsers without script; back to where the race is."""
    form = await read_form(request)
    back = form.text("back")
    if form.text("kind") == Kind.DISCARD and not form.flag("sure"):
        race = await house.control.view(race_id)
        return page(request, "staff/discard.html", race=race, action_id=new_id(), back=back)
    view = await house.control.act(race_id, _action(form), viewer.person_id)
    if back in ELSEWHERE:
        return Redirect(back_to(view, back), status_code=303)
    done = "" if view.state in LIVE_STATES else f"?done={view.state.value}"
    return Redirect(f"/staff/events/{view.event_id}/tracks/{view.track_id}/timekeeper{done}", status_code=303)


@post(f"{TRACK}/hits", guards=RUN)
async def hit(request: AnyRequest, house: House, event_id: FromPath[str], track_id: FromPath[str]) -> Answer:
    """Press a simulated strip, with bounces as real ones have."""
    form = await read_form(request)
    line = form.whole("line", 0, 1023)
    if line is None:
        raise InvalidInput("No line was named.", "Press one of the strips' buttons.", field="line")
    await house.strips.hit(line, bounces=form.whole("bounces", 0, 50) or 0)
    return _back(request, event_id, track_id)


def _action(form: Form) -> Action:
    """The form as an action; the wrong shape is refused with the words of the API."""
    kind, form_action_id = form.text("kind"), form.text("action_id")
    # All buttons of a pad are in one form with one id: another button is another press.
    fields: dict[str, object] = {"kind": kind, "action_id": f"{form_action_id}-{kind}" if form_action_id else new_id()}
    for name in ("lap", "resets"):
        if form.text(name):
            fields[name] = form.whole(name, 0, 100_000)
    for name in ("valid", "by_proxy"):
        if form.text(name) in YES:
            fields[name] = YES[form.text(name)]
    for name in ("racer_id", "track_id", "reason"):
        if form.text(name):
            fields[name] = form.text(name)
    if form.text("lap_time"):
        fields["lap_ms"] = form.lap_time_ms("lap_time")
    if form.errors:
        raise InvalidInput(*_first(form))
    try:
        return msgspec.convert(fields, Action)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"That is no action: {error}.", "Reload the page and press again.") from error


def _first(form: Form) -> tuple[str, str]:
    name, words = next(iter(form.errors.items()))
    return f"“{form.text(name)}” was not accepted.", words


def _ask_override(request: AnyRequest, house: House, new: NewRace, error: Conflict) -> Answer:
    event, track = house.events.get(new.event_id), house.events.track(new.event_id, new.track_id)
    racer = house.people.get(new.racer_id)
    return page(request, "staff/override.html", status=409, event=event, track=track, racer=racer, new=new, error=error)


def _back(request: AnyRequest, event_id: str, track_id: str) -> Answer:
    """Without script the page again. For htmx nothing: the stream brings the panels, and never an older picture."""
    if request.headers.get("hx-request"):
        return Response(None, status_code=204)
    return Redirect(f"/staff/events/{event_id}/tracks/{track_id}/timekeeper", status_code=303)


ROUTES = [timekeeper, stream, find, start_race, act, hit]
