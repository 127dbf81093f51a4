"""
Events: the list, a new one, changing one, deleting one.

Shows what would be lost before it deletes. Rules are copied into races, so nothing here changes a race.
"""

from typing import Any

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from appliance.clock import today
from appliance.errors import ApplianceError, Conflict
from appliance.permissions import Permission
from timing.races import RaceFilter
from timing.structs import Event, EventPatch, NewEvent
from web.auth import needs
from web.given import House, Viewer
from web.once import FIELD, once, once_input
from web.pages.staff.event_form import (
    MAX_TRACKS,
    add_track_row,
    choices,
    event_of,
    fleet_choices,
    remove_track_row,
    track_rows,
    typed_new,
    typed_of,
)
from web.pages.staff.forms import Form, read_form
from web.pages.staff.track_lines import groups, own_lines, ticked, waiting, warnings
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

MANAGE = [needs(Permission.MANAGE_EVENTS)]
ALL = 1_000_000

DONE = {
    "made": "The event is made. Next: register racers, then open the timekeeper of a track.",
    "saved": "Saved.",
    "deleted": "The event is deleted.",
}


@get("/staff/events", guards=MANAGE)
async def list_events(request: AnyRequest, house: House, done: FromQuery[str | None] = None) -> Answer:
    """All events, newest first, by when they are."""
    events = house.events.list()
    current = house.events.current()
    day = today()
    groups = [
        ("Coming and today", [event for event in events if event.date and event.date >= day][::-1]),
        ("Without a date", [event for event in events if not event.date]),
        ("Past", [event for event in events if event.date and event.date < day]),
    ]
    return page(request, "staff/events.html", groups=groups, current=current, done=DONE.get(done or ""))


@get("/staff/events/new", guards=MANAGE)
async def new_event(request: AnyRequest, house: House) -> Answer:
    """The empty form, with DREM's defaults."""
    return _form_page(request, house, Form(typed_new(today())))


@post("/staff/events/new", guards=MANAGE)
async def create_event(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Make the event, or show the form again with what was typed."""
    form = await read_form(request)
    new = _asked_for(form)
    if new is None:
        return _form_page(request, house, form, status=_status(form))

    async def create() -> str:
        event = await house.events.create(new, viewer.person_id)
        return f"/staff/events/{event.event_id}?done=made"

    try:
        return Redirect(await once(form.text(FIELD), create), status_code=303)
    except ApplianceError as error:
        form.refuse(error)
        return _form_page(request, house, form, status=error.status)


@get("/staff/events/{event_id:str}", guards=MANAGE)
async def edit_event(
    request: AnyRequest, house: House, event_id: FromPath[str], done: FromQuery[str | None] = None
) -> Answer:
    """The form with the event in it."""
    event = house.events.get(event_id)
    return _form_page(request, house, Form(typed_of(event)), event=event, done=DONE.get(done or ""))


@post("/staff/events/{event_id:str}", guards=MANAGE)
async def save_event(request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str]) -> Answer:
    """Change the event; a track that has races is never lost."""
    event = house.events.get(event_id)
    form = await read_form(request)
    new = _asked_for(form)
    if new is None:
        return _form_page(request, house, form, event=event, status=_status(form))
    try:
        await house.events.patch(event_id, _patch(new), viewer.person_id)
    except ApplianceError as error:
        form.refuse(error)
        return _form_page(request, house, form, event=event, status=error.status)
    return Redirect(f"/staff/events/{event_id}?done=saved", status_code=303)


@get("/staff/events/{event_id:str}/delete", guards=MANAGE)
async def confirm_delete(request: AnyRequest, house: House, event_id: FromPath[str]) -> Answer:
    """What would be lost."""
    return await _delete_page(request, house, house.events.get(event_id), Form({}))


@post("/staff/events/{event_id:str}/delete", guards=MANAGE)
async def delete_event(request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str]) -> Answer:
    """Delete it with its races; the name must be typed when there are any."""
    event = house.events.get(event_id)
    form = await read_form(request)
    try:
        await house.events.delete(event_id, viewer.person_id, force=form.text("name") == event.name)
    except Conflict as error:
        if form.text("name") != event.name:
            form.wrong("name", f"Type the event's name, {event.name}, to delete it with its races.")
        else:
            form.refuse(error)
        return await _delete_page(request, house, event, form)
    return Redirect("/staff/events?done=deleted", status_code=303)


def _asked_for(form: Form) -> NewEvent | None:
    """The event to save, or None when a row was to be added or removed, or something is wrong."""
    button = form.text("do")
    if button == "add_track":
        if len(track_rows(form.typed)) < MAX_TRACKS:
            add_track_row(form.typed)
        return None
    if button.startswith("remove_track_"):
        remove_track_row(form.typed, button.removeprefix("remove_track_"))
        return None
    return event_of(form)


def _status(form: Form) -> int:
    return 200 if form.ok else 400


def _patch(new: NewEvent) -> EventPatch:
    return EventPatch(**{name: getattr(new, name) for name in msgspec.structs.asdict(new)})


def _form_page(
    request: AnyRequest,
    house: House,
    form: Form,
    *,
    event: Event | None = None,
    status: int = 200,
    done: str | None = None,
) -> Answer:
    recorders = house.strips.recorders()
    rows = track_rows(form.typed)
    tracks = [] if event is None else event.tracks
    configured = [line for track in tracks for line in track.lines or []]
    configured += [line for row in rows for line in ticked(form.typed, row)]
    return page(
        request,
        "staff/event.html",
        status=status,
        form=form,
        event=event,
        choices=choices(form.typed),
        fleets=fleet_choices(house.fleets.all()),
        rows=rows,
        groups={row: groups(recorders, [*configured, *ticked(form.typed, row)]) for row in rows},
        own_lines=own_lines(recorders),
        waiting=waiting(recorders),
        warnings=warnings(tracks, recorders),
        max_tracks=MAX_TRACKS,
        once_input=once_input(),
        done=done,
    )


async def _delete_page(request: AnyRequest, house: House, event: Event, form: Form) -> Answer:
    races = await house.control.list(RaceFilter(event_id=event.event_id, include_deleted=True, limit=ALL))
    lost = {
        "races": len(races),
        "laps": sum(len(race.laps) for race in races),
        "racers": len({race.racer_id for race in races}),
    }
    status = 200 if form.ok else 409
    return page(request, "staff/event_delete.html", status=status, event=event, lost=lost, form=form)


ROUTES = [list_events, new_event, create_event, edit_event, save_event, confirm_delete, delete_event]
