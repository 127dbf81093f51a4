"""
Changing a race: a lap's time, resets and validity, proxy, racer, track; deleting and restoring a lap or the race.

Every change is one more action in the race's journal, with who, when and why; nothing is overwritten.
"""

from typing import Any

from litestar import Request, Response, post
from litestar.params import FromPath
from litestar.response import Redirect

from appliance.errors import ApplianceError, Conflict, NotFound
from appliance.ids import new_id
from appliance.permissions import Permission
from timing.journal import Kind
from timing.structs import Action, LapView, RaceView
from web.auth import needs
from web.formats import lap as lap_text
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.pages.staff.races import race_page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

EDIT = [needs(Permission.EDIT_RACES)]
MAX_RESETS = 1_000


@post("/staff/races/{race_id:str}/laps/{lap:int}", guards=EDIT)
async def change_lap(
    request: AnyRequest, house: House, viewer: Viewer, race_id: FromPath[str], lap: FromPath[int]
) -> Answer:
    """Save a row, delete the lap, or restore it."""
    form = await read_form(request)
    form.typed["row"] = str(lap)
    try:
        actions = await _lap_actions(house, form, race_id, lap)
        if not form.ok:
            return await race_page(request, house, race_id, form, status=400)
        return await _act(house, viewer, race_id, actions)
    except ApplianceError as error:
        form.wrong("", str(error))
        return await race_page(request, house, race_id, form, status=error.status)


@post("/staff/races/{race_id:str}", guards=EDIT)
async def change_race(request: AnyRequest, house: House, viewer: Viewer, race_id: FromPath[str]) -> Answer:
    """Racer, track, proxy; delete and restore."""
    form = await read_form(request)
    try:
        view = await house.control.view(race_id)
        actions = _race_actions(house, form, view)
        if not form.ok:
            return await race_page(request, house, race_id, form, status=400)
        return await _act(house, viewer, race_id, actions)
    except ApplianceError as error:
        form.wrong("", str(error))
        return await race_page(request, house, race_id, form, status=error.status)


async def _act(house: House, viewer: Viewer, race_id: str, actions: list[Action]) -> Answer:
    for action in actions:
        await house.control.act(race_id, action, viewer.person_id)
    return Redirect(f"/staff/races/{race_id}?done={'saved' if actions else 'same'}", status_code=303)


async def _lap_actions(house: House, form: Form, race_id: str, number: int) -> list[Action]:
    """What differs between the row that was typed and the lap as it is."""
    button, reason = form.text("do"), _reason(form)
    if button in ("delete", "restore"):
        kind = Kind.DELETE_LAP if button == "delete" else Kind.RESTORE_LAP
        return [Action(action_id=_action_id(form), kind=kind, lap=number, reason=reason)]
    view = await house.control.view(race_id)
    lap = _lap(view, number)
    _refuse_stale(form, lap)
    lap_ms = form.lap_time_ms("time")
    resets = form.whole("resets", 0, MAX_RESETS, lap.resets)
    actions = []
    if lap_ms is not None and lap_ms != lap.lap_ms:
        actions.append(Action(action_id=new_id(), kind=Kind.SET_TIME, lap=number, lap_ms=lap_ms, reason=reason))
    if resets != lap.resets:
        actions.append(Action(action_id=new_id(), kind=Kind.SET_RESETS, lap=number, resets=resets, reason=reason))
    valid = form.text("valid") == "1"
    if form.text("valid") and valid != lap.valid:
        actions.append(Action(action_id=new_id(), kind=Kind.SET_VALIDITY, lap=number, valid=valid, reason=reason))
    return actions


def _lap(view: RaceView, number: int) -> LapView:
    for lap in view.laps:
        if lap.lap == number:
            return lap
    raise NotFound(f"This race has no lap {number}, or it is deleted.", "Restore it first, or look at the laps again.")


def _refuse_stale(form: Form, lap: LapView) -> None:
    """Somebody else changed this lap since the page was shown: their change must not be lost unseen."""
    if form.text("was") and form.text("was") != was(lap):
        raise Conflict(
            f"Lap {lap.lap} was changed meanwhile: it is {lap_text(lap.lap_ms)} with {lap.resets} resets now.",
            "Look at it again, then change it.",
        )


def was(lap: LapView) -> str:
    """The lap as its row showed it; templates write it into the row's form."""
    return f"{lap.lap_ms}/{lap.resets}/{int(lap.valid)}"


def _race_actions(house: House, form: Form, view: RaceView) -> list[Action]:
    button, reason = form.text("do"), _reason(form)
    if button in ("delete", "restore"):
        kind = Kind.DELETE_RACE if button == "delete" else Kind.RESTORE_RACE
        return [Action(action_id=_action_id(form), kind=kind, reason=reason)]
    actions = []
    racer = house.people.find(form.text("racer")) if form.text("racer") else None
    if form.text("racer") and racer is None:
        form.wrong("racer", f"No racer is called “{form.text('racer')}”. Choose one from the list.")
    if racer is not None and racer.person_id != view.racer_id:
        actions.append(Action(action_id=new_id(), kind=Kind.SET_RACER, racer_id=racer.person_id, reason=reason))
    if form.text("track_id") and form.text("track_id") != view.track_id:
        actions.append(Action(action_id=new_id(), kind=Kind.SET_TRACK, track_id=form.text("track_id"), reason=reason))
    if form.text("has_proxy") and form.flag("by_proxy") != view.by_proxy:
        actions.append(Action(action_id=new_id(), kind=Kind.SET_PROXY, by_proxy=form.flag("by_proxy"), reason=reason))
    return actions


def _reason(form: Form) -> str | None:
    return form.text("reason")[:200] or None


def _action_id(form: Form) -> str:
    return form.text("action_id")[:64] or new_id()


ROUTES = [change_lap, change_race]
