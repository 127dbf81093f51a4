"""The strip check: every strip live, and the guided test of a recorder's strips."""

from functools import partial
from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.response.base import ASGIResponse
from msgspec import Meta, Struct

from appliance.permissions import Permission
from web.api.answers import SIGNED_IN, WRITING, events
from web.auth import needs, session_token
from web.given import House, Viewer
from web.straight_stream import EVENTS, event_stream
from web.strip_check_live import StripCheckLive

CHECK = "/api/strips/check"
TEST = f"{CHECK}/{{recorder_id:str}}"


class Skip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The strip that you saw asked for, None while hands are off: two presses then skip once."""

    line: Annotated[int, Meta(gt=-1, le=1023)] | None = None
    """`gt=-1`: Litestar's schema leaves out a `ge=0` of what may be None."""


press = partial(
    post, guards=[needs(Permission.RUN_RACES)], security=SIGNED_IN, responses=WRITING, status_code=204, tags=["strips"]
)


@get(
    CHECK,
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    opt={"no_gzip": True},
    media_type=EVENTS,
    responses=events("`check`, whole each time, and a `beat` each second", 401, 403, 503),
    tags=["strips"],
)
async def get_strip_check(
    *, request: Request[Any, Any, Any], strip_check_live: NamedDependency[StripCheckLive], viewer: Viewer
) -> ASGIResponse:
    """Every recorder with its strips and its test, live."""
    messages = await strip_check_live.open(viewer.person_id, session_token(request))
    return event_stream(messages)


@press(TEST)
async def start_strip_test(house: House, recorder_id: FromPath[str]) -> None:
    """Begin the guided test of a recorder's strips; one that is under way goes on."""
    house.strip_check.start_test(recorder_id)


@press(f"{TEST}/skip")
async def skip_strip(house: House, recorder_id: FromPath[str], data: JSONBody[Skip]) -> None:
    """Leave out the strip that is asked for; nothing happens when another is asked for by now."""
    house.strip_check.skip(recorder_id, data.line)


@delete(TEST, guards=[needs(Permission.RUN_RACES)], security=SIGNED_IN, responses=WRITING, tags=["strips"])
async def cancel_strip_test(house: House, recorder_id: FromPath[str]) -> None:
    """End the test, or put its result away."""
    house.strip_check.cancel_test(recorder_id)


ROUTES = [get_strip_check, start_strip_test, skip_strip, cancel_strip_test]
