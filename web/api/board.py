"""The board and its live stream: public, and the only answers that whole halls ask for."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response.base import ASGIResponse

from appliance.errors import NotFound
from timing.rules import Ranking
from timing.structs import COMBINED, Board, BoardFormat, Event
from web.api.answers import events, problems
from web.api.session import client_address
from web.given import House, Live
from web.straight_stream import EVENTS, event_stream

Track = Annotated[str, QueryParameter(description="A track's id, or `combined`: each racer's best of all tracks.")]
Format = Annotated[
    BoardFormat | None, QueryParameter(description="Best lap or best average; without it the event's own ranking.")
]


@get("/api/events/{event_id:str}/board", responses=problems(404), tags=["board"])
async def get_board(house: House, event_id: FromPath[str], track: Track = COMBINED, format: Format = None) -> Board:
    """The standings of one track, or of all combined."""
    event = _checked(house, event_id, track)
    return await house.boards.board(event_id, track, format or own_format(event))


@get(
    "/api/events/{event_id:str}/live",
    opt={"no_gzip": True},
    media_type=EVENTS,
    responses=events("`snapshot` first, then `race`, `board`, `queue` and `beat`", 404, 503),
    tags=["board"],
)
async def get_live(
    *,
    request: Request[Any, Any, Any],
    house: House,
    live: Live,
    event_id: FromPath[str],
    track: Track = COMBINED,
    format: Format = None,
    version: FromQuery[int | None] = None,
) -> ASGIResponse:
    """The live stream of a board. With the `version` you show already, the snapshot leaves out its rows."""
    event = _checked(house, event_id, track)
    messages = await live.open((event_id, track, format or own_format(event)), version, client_address(request))
    return event_stream(messages)


def own_format(event: Event) -> BoardFormat:
    """The format that an event's own ranking asks for."""
    return BoardFormat.AVERAGE if event.rules.ranking is Ranking.BEST_AVERAGE else BoardFormat.FASTEST


def _checked(house: House, event_id: str, track: str) -> Event:
    event = house.events.get(event_id)
    if track != COMBINED and not any(one.track_id == track for one in event.tracks):
        raise NotFound(f"{event.name} has no track {track}.", "Choose one of its tracks, or combined.")
    return event


ROUTES = [get_board, get_live]
