"""
Scoring a race again with another lock-out: first what it would change, side by side, then the change itself.

Nothing changes by looking. The change carries the version that was looked at, so that nobody changes what they did
not see; when the race went on meanwhile, the difference is shown anew.
"""

import re
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from appliance.errors import ApplianceError, Conflict, NotFound
from appliance.permissions import Permission
from timing.crossing_views import RescoreView
from timing.structs import AverageView, RaceState, RaceView
from web.auth import needs
from web.formats import lap as lap_text
from web.formats import second
from web.given import House, Viewer
from web.pages.staff.forms import Form, read_form
from web.pages.staff.lap_changes import LapChange, lap_changes
from web.pages.staff.strip_names import strip_name
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

EDIT = [needs(Permission.EDIT_RACES)]
PAGE = "/staff/races/{race_id:str}/rescore"
MOST_S = 60
"""What timing/journal.py takes; a bare number above it is meant in ms."""
THEN = {
    RaceState.READY: "The race would not have started.",
    RaceState.RUNNING: "The race would run on.",
    RaceState.PAUSED: "The race would be paused.",
    RaceState.OVER: "The race would be over.",
}


class Figure(Struct, frozen=True, kw_only=True):
    """A result before and after."""

    name: str
    before: str
    after: str

    @property
    def is_other(self) -> bool:
        """Whether it changes."""
        return self.before != self.after


class Preview(Struct, frozen=True, kw_only=True):
    """The difference as the page shows it."""

    version: int
    lockout_ms: int
    lockout: str
    before: str
    changes: bool
    laps: list[LapChange]
    figures: list[Figure]
    crossings: list[str]
    then: str


@get(PAGE, guards=EDIT)
async def preview(
    request: AnyRequest, house: House, race_id: FromPath[str], lockout: FromQuery[str | None] = None
) -> Answer:
    """What another lock-out would make of the race; nothing changes. Begins with the one it was raced with."""
    race = await house.control.view(race_id)
    form = Form({"lockout": lockout_text(race.rules.lockout_ms) if lockout is None else lockout})
    return await _answer(request, house, race, form, _lockout_of(form))


@post(PAGE, guards=EDIT)
async def apply(request: AnyRequest, house: House, viewer: Viewer, race_id: FromPath[str]) -> Answer:
    """Change the race as was shown; a race that went on meanwhile is shown anew. Twice is once."""
    race = await house.control.view(race_id)
    form = await read_form(request)
    lockout_ms, version = form.whole("lockout_ms", 0, MOST_S * 1_000), form.whole("version", 0, 1_000_000)
    if lockout_ms is None or version is None:
        form.wrong("lockout", "Type the lock-out again, then look at what it changes.")
        return await _answer(request, house, race, form, None, status=400)
    form.typed["lockout"] = lockout_text(lockout_ms)
    try:
        await house.rescoring.apply(race_id, lockout_ms, viewer.person_id, version)
    except Conflict as error:
        form.wrong("", str(error))
        return await _answer(request, house, race, form, lockout_ms, status=error.status)
    except NotFound:
        raise
    except ApplianceError as error:
        form.wrong("", str(error))
        return await _answer(request, house, race, form, None, status=error.status)
    return Redirect(f"/staff/races/{race_id}?done=rescored", status_code=303)


async def _answer(
    request: AnyRequest, house: House, race: RaceView, form: Form, lockout_ms: int | None, *, status: int = 200
) -> Answer:
    """The page, or the inside of the dialog; htmx gets a refusal as an answer, because it belongs into the dialog."""
    found: Preview | None = None
    if lockout_ms is not None:
        try:
            found = _preview(house, await house.rescoring.preview(race.race_id, lockout_ms))
        except NotFound:
            raise
        except ApplianceError as error:
            form.wrong("lockout" if error.field == "lockout_ms" else "", str(error))
            status = error.status
    elif not form.ok and status == 200:
        status = 400
    is_inside = bool(request.headers.get("hx-request"))
    return page(
        request,
        "staff/_rescore.html" if is_inside else "staff/rescore.html",
        status=200 if is_inside else status,
        race=race,
        form=form,
        preview=found,
    )


def _lockout_of(form: Form) -> int | None:
    """ "2.5", "2,5 s", "2500 ms" or "800" as ms; a bare number above a minute's seconds is ms."""
    match = re.fullmatch(r"(\d{1,5})(?:[.,](\d{1,3}))?\s*(ms|s)?", form.text("lockout").lower())
    if match is not None:
        whole, part, unit = match.groups()
        is_ms = unit == "ms" or (unit is None and part is None and int(whole) > MOST_S)
        ms = int(whole) if is_ms else int(whole) * 1_000 + int((part or "").ljust(3, "0"))
        if ms <= MOST_S * 1_000 and not (is_ms and part):
            return ms
    form.wrong("lockout", "Type seconds or ms up to a minute, for example 2.5 s or 800 ms.")
    return None


def lockout_text(ms: int) -> str:
    """ "2 s", "2.5 s" or "0.8 s"."""
    return f"{ms / 1000:g} s"


def _preview(house: House, view: RescoreView) -> Preview:
    return Preview(
        version=view.version,
        lockout_ms=view.lockout_ms,
        lockout=lockout_text(view.lockout_ms),
        before=lockout_text(view.lockout_ms_before),
        changes=view.changes,
        laps=lap_changes(view.laps_before, view.laps_after),
        figures=[
            Figure(name="Laps", before=str(len(view.laps_before)), after=str(len(view.laps_after))),
            Figure(name="Best lap", before=lap_text(view.best_ms_before), after=lap_text(view.best_ms_after)),
            Figure(
                name="Best average", before=_average(view.best_average_before), after=_average(view.best_average_after)
            ),
        ],
        crossings=_crossings(house, view),
        then="" if view.state_before is view.state_after else THEN.get(view.state_after, ""),
    )


def _average(average: AverageView | None) -> str:
    return lap_text(None if average is None else average.average_ms)


def _crossings(house: House, view: RescoreView) -> list[str]:
    """What happens to which crossing, in the order of time."""
    known = [(one.at, "no longer counts", one) for one in view.dropped]
    known += [(one.at, "counts now", one) for one in view.added]
    return [
        f"{second(at)} on {strip_name(house, one.recorder_id, one.line)} {what}"
        for at, what, one in sorted(known, key=lambda each: each[0])
    ]


ROUTES = [preview, apply]
