"""
The queue of a track, for the crew: call, skip, no-show, move, put back, add by typing letters, start the race, and the
next three to the cars.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from appliance.errors import InvalidInput
from appliance.ids import new_id
from appliance.permissions import Permission
from web.auth import needs
from web.given import House, Viewer
from web.next_three import send_next
from web.pages.staff.forms import Form, read_form
from web.pages.staff.panel import context
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

RUN = [needs(Permission.RUN_RACES)]
QUEUE = "/staff/events/{event_id:str}/tracks/{track_id:str}/queue"


@get(QUEUE, guards=RUN)
async def queue(request: AnyRequest, house: House, event_id: FromPath[str], track_id: FromPath[str]) -> Answer:
    """The line, who is racing, and who has raced."""
    values = await context(house, event_id, track_id)
    return page(request, "staff/queue.html", form_action_id=new_id(), found=None, q="", **values)  # type: ignore[arg-type]


@post(QUEUE, guards=RUN)
async def join(
    request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str]
) -> Answer:
    """Put a racer at the end of the line."""
    form = await read_form(request)
    await house.queue.add(event_id, track_id, form.text("racer_id"), viewer.person_id)
    return _answer(request, event_id, track_id, form)


@post(QUEUE + "/send-next", guards=[*RUN, needs(Permission.MANAGE_CARS)])
async def send_the_next(
    request: AnyRequest, house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str]
) -> Answer:
    """The next three to the cars: each entry then shows how far its model is, or what is in the way. Twice is once."""
    form = await read_form(request)
    await send_next(house, event_id, track_id, viewer.person_id)
    return _answer(request, event_id, track_id, form)


@post(QUEUE + "/{queue_id:str}", guards=RUN)
async def change(
    *,
    request: AnyRequest,
    house: House,
    viewer: Viewer,
    event_id: FromPath[str],
    track_id: FromPath[str],
    queue_id: FromPath[str],
) -> Answer:
    """One entry: the button's `do` says what. `expected` is the place the person saw, so that two presses move once."""
    form = await read_form(request)
    await _do(house, form, queue_id, viewer.person_id)
    return _answer(request, event_id, track_id, form)


async def _do(house: House, form: Form, queue_id: str, actor: str) -> None:
    line, button = house.queue, form.text("do")
    expected = form.whole("expected", 1, 100_000)
    if button == "call":
        await line.call(queue_id, actor)
    elif button == "skip":
        await line.skip(queue_id, actor, expected)
    elif button == "no_show":
        await line.no_show(queue_id, actor)
    elif button == "remove":
        await line.remove(queue_id, actor)
    elif button == "readd":
        await line.readd(queue_id, actor)
    elif button in ("up", "down", "first") and expected is not None:
        position = {"up": max(1, expected - 1), "down": expected + 1, "first": 1}[button]
        await line.move(queue_id, position, actor, expected)
    elif button == "move":
        await line.move(queue_id, form.whole("position", 1, 100_000) or 1, actor, expected)
    else:
        raise InvalidInput("This button does nothing here.", "Reload the page and press again.", field="do")


def _answer(request: AnyRequest, event_id: str, track_id: str, form: Form) -> Answer:
    """Without script the page again. For htmx nothing: the stream brings the line, and never an older one."""
    if request.headers.get("hx-request"):
        return Response(None, status_code=204)
    page_name = "timekeeper" if form.text("back") == "timekeeper" else "queue"
    return Redirect(f"/staff/events/{event_id}/tracks/{track_id}/{page_name}", status_code=303)


ROUTES = [queue, join, send_the_next, change]
