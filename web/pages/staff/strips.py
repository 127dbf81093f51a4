"""The strip check, for the crew that tapes strips to the floor: every line live, and the guided test."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.response.base import ASGIResponse

from appliance.errors import InvalidInput
from appliance.permissions import Permission
from web.auth import needs, session_token
from web.given import House, Viewer
from web.pages.staff.forms import read_form
from web.pages.staff.strip_panel import context
from web.render import page
from web.straight_stream import EVENTS, event_stream
from web.strip_live import StripLive

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

RUN = [needs(Permission.RUN_RACES)]
RECORDER = "/staff/strips/{recorder_id:str}"


@get("/staff/strips", guards=RUN)
async def strips(request: AnyRequest, house: House) -> Answer:
    """Each strip as it is now, also without script."""
    return page(request, "staff/strips.html", **context(house))  # type: ignore[arg-type]


@get("/staff/strips/stream", guards=RUN, opt={"no_gzip": True}, media_type=EVENTS)
async def stream(*, request: AnyRequest, strip_live: NamedDependency[StripLive], viewer: Viewer) -> ASGIResponse:
    """The strips whole, then again whenever one does something, five times a second at most."""
    messages = await strip_live.open(viewer.person_id, session_token(request) or "")
    return event_stream(messages)


@post(f"{RECORDER}/test", guards=RUN)
async def test(request: AnyRequest, house: House, recorder_id: FromPath[str]) -> Answer:
    """The guided test of a recorder's strips: the button's `do` starts it, skips the strip of `line`, or ends it."""
    form = await read_form(request)
    match form.text("do"):
        case "start":
            house.strip_check.start_test(recorder_id)
        case "skip":
            house.strip_check.skip(recorder_id, form.whole("line", 0, 1023))
        case "end":
            house.strip_check.cancel_test(recorder_id)
        case _:
            raise InvalidInput("That is no button of the test.", "Reload the page and press again.", field="do")
    return _back(request)


@post(f"{RECORDER}/hits", guards=RUN)
async def tap(request: AnyRequest, house: House, recorder_id: FromPath[str]) -> Answer:
    """Tap a simulated strip, as a finger would."""
    line = (await read_form(request)).whole("line", 0, 1023)
    if line is None:
        raise InvalidInput("No line was named.", "Press one of the strips' buttons.", field="line")
    await house.strips.hit(line, hold_ms=80, recorder_id=recorder_id)
    return _back(request)


def _back(request: AnyRequest) -> Answer:
    """Without script the page again. For htmx nothing: the stream brings it, and never an older picture."""
    if request.headers.get("hx-request"):
        return Response(None, status_code=204)
    return Redirect("/staff/strips", status_code=303)


ROUTES = [strips, stream, test, tap]
