"""
"Who was that?": crossings that no race took. The list of an event, and for one of them the races it may belong to.

Giving one to a race and dismissing it are timing/loose.py's; on the timekeeper's page the newest wait in a panel.
"""

import asyncio
import contextlib
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from appliance.errors import ApplianceError, Conflict, InvalidInput, NotFound
from appliance.permissions import Permission
from timing.crossing_views import Candidate, LooseCrossing
from timing.structs import RaceState
from web.auth import needs
from web.formats import lap as lap_text
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.pages.staff.lap_changes import changed, lap_changes
from web.pages.staff.loose import LooseRow, loose_list, row_of
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

RUN = [needs(Permission.RUN_RACES)]
ONE = "/staff/crossings/{event_id:str}/{recorder_id:str}/{edge_seq:int}"
PAGE = 50

DONE = {
    "given": "Given to the race; its laps are made anew.",
    "dismissed": "Dismissed. It can be brought back below.",
    "open": "It waits for an answer again.",
    "all": "All that were shown are dismissed.",
}
STATES = {
    RaceState.READY: "is ready",
    RaceState.RUNNING: "runs",
    RaceState.PAUSED: "is paused",
    RaceState.OVER: "is over",
    RaceState.SUBMITTED: "is handed in",
    RaceState.DISCARDED: "is discarded",
}


class Choice(Struct, frozen=True, kw_only=True):
    """A race that may take the crossing; `effects` is what that would change, line by line."""

    candidate: Candidate
    effects: list[str]


@get("/staff/crossings", guards=RUN)
async def list_crossings(
    *,
    request: AnyRequest,
    house: House,
    event: FromQuery[str] = "",
    track: FromQuery[str] = "",
    after: FromQuery[str] = "",
    done: FromQuery[str] = "",
) -> Answer:
    """Crossings that no race took, open ones first, a page at a time."""
    chosen = house.events.get(event) if event else house.events.current()
    tracks = {one.track_id: one.name for one in chosen.tracks} if chosen else {}
    track = track if track in tracks else ""
    rows, more = [], None
    if chosen is not None:
        crossings, more = await loose_list(house).page(chosen.event_id, track or None, PAGE, after)
        rows = [_row(house, one, tracks) for one in crossings]
    here = {"event": chosen.event_id if chosen else "", "track": track}
    return page(
        request,
        "staff/crossings.html",
        event=chosen,
        events=house.events.list(),
        tracks=tracks,
        track=track,
        open=[row for row in rows if row.crossing.open],
        settled=[row for row in rows if not row.crossing.open],
        waiting=0 if chosen is None else await loose_list(house).open_count(chosen.event_id, track or None),
        here="/staff/crossings?" + urlencode({**here, "after": after}),
        newest="/staff/crossings?" + urlencode(here) if after else None,
        older=None if more is None else "/staff/crossings?" + urlencode({**here, "after": more}),
        done=DONE.get(done),
    )


@post("/staff/crossings", guards=RUN)
async def dismiss_all(request: AnyRequest, house: House, viewer: Viewer) -> Answer:
    """Dismiss all that the page showed or counted when it was made, and none that came since."""
    form = await read_form(request)
    event_id, track_id = form.text("event"), form.text("track") or None
    house.events.get(event_id)
    waiting = await loose_list(house).open_until(event_id, track_id, form.text("until"))
    await asyncio.gather(*(_dismiss(house, one, viewer.person_id) for one in waiting))
    query = urlencode({"event": event_id, "track": track_id or "", "done": "all"})
    return Redirect(f"/staff/crossings?{query}", status_code=303)


@get(ONE, guards=RUN)
async def crossing(
    *,
    request: AnyRequest,
    house: House,
    event_id: FromPath[str],
    recorder_id: FromPath[str],
    edge_seq: FromPath[int],
    back: FromQuery[str] = "",
) -> Answer:
    """Who was that? The races around that moment, each with what it would change."""
    return await _one(request, house, await house.loose.get(event_id, recorder_id, edge_seq), Form({"back": back}))


@post(ONE, guards=RUN)
async def settle(
    *,
    request: AnyRequest,
    house: House,
    viewer: Viewer,
    event_id: FromPath[str],
    recorder_id: FromPath[str],
    edge_seq: FromPath[int],
) -> Answer:
    """Give it to a race, dismiss it, or bring a dismissed one back. The same once more changes nothing."""
    form = await read_form(request)
    actor, button = viewer.person_id, form.text("do")
    try:
        if button == "give":
            await house.loose.give(event_id, recorder_id, edge_seq, form.text("race_id"), actor=actor)
        elif button == "dismiss":
            await house.loose.dismiss(event_id, recorder_id, edge_seq, actor=actor)
        elif button == "undo":
            await house.loose.undo_dismiss(event_id, recorder_id, edge_seq)
        else:
            raise InvalidInput("This button does nothing here.", "Reload the page and press again.", field="do")
    except NotFound:
        raise
    except ApplianceError as error:
        if request.headers.get("hx-request"):
            raise
        form.wrong("", str(error))
        now = await house.loose.get(event_id, recorder_id, edge_seq)
        return await _one(request, house, now, form, status=error.status)
    done = {"give": "given", "dismiss": "dismissed", "undo": "open"}[button]
    return _back(request, await house.loose.get(event_id, recorder_id, edge_seq), form, done)


async def _dismiss(house: House, one: LooseCrossing, actor: str) -> None:
    # One that was given to a race meanwhile is settled, which is what was wanted.
    with contextlib.suppress(Conflict):
        await house.loose.dismiss(one.event_id, one.recorder_id, one.edge_seq, actor=actor)


async def _one(request: AnyRequest, house: House, crossing: LooseCrossing, form: Form, *, status: int = 200) -> Answer:
    event = house.events.get(crossing.event_id)
    row = _row(house, crossing, {one.track_id: one.name for one in event.tracks})
    in_dialog = bool(request.headers.get("hx-request"))
    return page(
        request,
        "staff/_whose.html" if in_dialog else "staff/crossing.html",
        in_dialog=in_dialog,
        status=status,
        event=event,
        row=row,
        choices=[_choice(candidate) for candidate in crossing.candidates],
        back=form.text("back"),
        form=form,
        base=f"/staff/events/{event.event_id}/tracks/{crossing.track_id}",
    )


def _row(house: House, one: LooseCrossing, tracks: dict[str, str]) -> LooseRow:
    return row_of(house, one, tracks.get(one.track_id, f"track {one.track_id}"))


def _choice(candidate: Candidate) -> Choice:
    if candidate.refusal is not None:
        return Choice(candidate=candidate, effects=[])
    effects = [one.words for one in changed(lap_changes(candidate.laps_before, candidate.laps_after))]
    if candidate.best_ms_before != candidate.best_ms_after:
        effects.append(f"best lap: {lap_text(candidate.best_ms_before)} → {lap_text(candidate.best_ms_after)}")
    if candidate.state is not candidate.state_after:
        effects.append(f"the race then {STATES[candidate.state_after]}")
    return Choice(candidate=candidate, effects=effects or ["no lap changes"])


def _back(request: AnyRequest, crossing: LooseCrossing, form: Form, done: str) -> Answer:
    """Without script where the person came from. For htmx nothing: the stream brings it, and never an older picture."""
    if request.headers.get("hx-request"):
        return Response(None, status_code=204)
    if form.text("back") == "timekeeper":
        address = f"/staff/events/{crossing.event_id}/tracks/{crossing.track_id}/timekeeper"
        return Redirect(address, status_code=303)
    track = crossing.track_id if form.text("back") == "track" else ""
    query = urlencode({"event": crossing.event_id, "track": track, "done": done})
    return Redirect(f"/staff/crossings?{query}", status_code=303)


ROUTES = [list_crossings, dismiss_all, crossing, settle]
