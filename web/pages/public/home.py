"""The home page: the current event, who is racing, the top of the board, and every way in. Public."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.response import Redirect

from timing.structs import COMBINED, Event
from web.given import House, Visitor
from web.pages.public.board import live_races, next_racers
from web.pages.public.turns import turns_of
from web.render import page
from web.static_files import static_url

TOP_ROWS = 5


class HomePage(Controller):
    """`/`."""

    path = "/"
    include_in_schema = False

    @get()
    async def show(self, request: Request[Any, Any, Any], house: House, viewer: Visitor) -> Response[str]:
        """The hall's front door."""
        event = house.events.current()
        others = [one for one in house.events.list() if event is None or one.event_id != event.event_id]
        return page(
            request,
            "public/home.html",
            event=event,
            others=others[:20],
            needs_setup=house.people.setup_code() is not None,
            turns=await turns_of(house, viewer),
            **(await now_at(house, event) if event else {}),
        )


async def now_at(house: House, event: Event) -> dict[str, Any]:
    """What happens at the event right now."""
    board = await house.boards.board(event.event_id)
    return {
        "board": board,
        "top": board.rows[:TOP_ROWS],
        "races": live_races(house, event, COMBINED),
        "next_racers": next_racers(house, event, COMBINED),
        "track_names": {track.track_id: track.name for track in event.tracks},
    }


@get("/favicon.ico", include_in_schema=False, sync_to_thread=False)
def favicon() -> Redirect:
    """Browsers ask here by themselves, whatever a page says."""
    return Redirect(static_url("img/logo.svg"), status_code=302)
