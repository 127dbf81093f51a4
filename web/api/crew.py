"""The crew's live stream of a track, and who is connected to the box."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from appliance.permissions import Permission
from timing.crew_structs import Connections
from web.api.answers import SIGNED_IN, events, problems
from web.auth import needs, session_token
from web.crew_live import CrewLive
from web.given import Viewer
from web.straight_stream import EVENTS, event_stream

MESSAGES = "`snapshot` first, then `race`, `queue`, `strips`, `tracks` and `board`, and a `beat` each second"
THIS_MACHINE = "this machine"
"""The address of whoever comes over the box's own socket."""


@get(
    "/api/events/{event_id:str}/tracks/{track_id:str}/live",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    opt={"no_gzip": True},
    media_type=EVENTS,
    responses=events(MESSAGES, 401, 403, 404, 503),
    tags=["crew"],
)
async def get_crew_live(
    *,
    request: Request[Any, Any, Any],
    crew_live: NamedDependency[CrewLive],
    viewer: Viewer,
    event_id: FromPath[str],
    track_id: FromPath[str],
) -> ASGIResponse:
    """Everything that the crew of a track sees, live; it ends with the session, and with the track."""
    address = request.client.host if request.client else THIS_MACHINE
    messages = await crew_live.open((event_id, track_id), viewer, session_token(request), address)
    return event_stream(messages)


@get(
    "/api/connections",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=problems(401, 403),
    tags=["crew"],
)
async def get_connections(crew_live: NamedDependency[CrewLive]) -> Connections:
    """Who is connected: the crew's terminals one by one, its open pages and the hall's screens by number."""
    return crew_live.connections()


ROUTES = [get_crew_live, get_connections]
