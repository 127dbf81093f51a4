"""A racer's own page: place, gap, runs and laps of one event. Public, and shows nothing that is not on the board."""

from typing import Any

from litestar import Controller, Request, Response, get
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from msgspec import Struct

from appliance.errors import NotFound
from appliance.people_structs import Person
from timing.boards import FORMAT_OF
from timing.races import RaceFilter
from timing.structs import COMBINED, BoardFormat, Event, RaceState, RaceView, Standing
from web.given import House
from web.pages.public.board import SHOWN_STATES
from web.render import page

RUNS_SHOWN = 100
NOT_SHOWN = frozenset({RaceState.DISCARDED})


class TrackPlace(Struct, frozen=True, kw_only=True):
    """Where the racer stands on one board. `to_next_ms`: what is missing to the place above, None for the first."""

    track_id: str
    track_name: str
    standing: Standing
    value_ms: int | None
    count: int
    to_next_ms: int | None
    next_name: str | None


class RacerPage(Controller):
    """`/racers/{racer_id}?event=`."""

    path = "/racers/{racer_id:str}"
    include_in_schema = False

    @get()
    async def show(
        self, request: Request[Any, Any, Any], house: House, racer_id: FromPath[str], event: FromQuery[str] = ""
    ) -> Response[Any]:
        """The page; a merged duplicate leads to who it is now."""
        person = house.people.get(racer_id)
        if person.merged_into is not None:
            return Redirect(f"/racers/{person.merged_into}" + (f"?event={event}" if event else ""), status_code=302)
        shown = house.events.get(event) if event else await latest_event(house, person)
        runs = await runs_of(house, person, shown)
        if person.is_staff and not runs:
            raise NotFound("There is no such racer.", "Find the racer on the board.")
        return page(request, "public/racer.html", person=person, event=shown, **await parts(house, person, shown, runs))


async def latest_event(house: House, person: Person) -> Event | None:
    """Where the racer raced last, else the current event."""
    latest = await house.control.list(RaceFilter(racer_id=person.person_id, limit=1))
    return house.events.get(latest[0].event_id) if latest else house.events.current()


async def runs_of(house: House, person: Person, event: Event | None) -> list[RaceView]:
    """The racer's runs of the event, latest first, without those that were thrown away."""
    if event is None:
        return []
    wanted = RaceFilter(event_id=event.event_id, racer_id=person.person_id, limit=RUNS_SHOWN)
    return [race for race in await house.control.list(wanted) if race.state not in NOT_SHOWN]


async def parts(house: House, person: Person, event: Event | None, runs: list[RaceView]) -> dict[str, Any]:
    """Everything below the racer's name."""
    if event is None:
        return {"places": [], "runs": [], "races": [], "average": False, "track_names": {}, "version": 0}
    return {
        "places": await places_of(house, person, event),
        "runs": [race for race in runs if race.state is RaceState.SUBMITTED],
        "races": [race for race in runs if race.state in SHOWN_STATES],
        "average": FORMAT_OF[event.rules.ranking] is BoardFormat.AVERAGE,
        "track_names": {track.track_id: track.name for track in event.tracks},
        "version": await house.boards.version(event.event_id),
    }


async def places_of(house: House, person: Person, event: Event) -> list[TrackPlace]:
    """One place for each board the racer is on; with several tracks the combined one comes first."""
    names = {track.track_id: track.name for track in event.tracks}
    boards = {COMBINED: "All tracks", **names} if len(names) > 1 else names
    found = [await _place(house, person, event, track_id, name) for track_id, name in boards.items()]
    return [place for place in found if place is not None]


async def _place(house: House, person: Person, event: Event, track_id: str, name: str) -> TrackPlace | None:
    board = await house.boards.board(event.event_id, track_id)
    at = next((index for index, row in enumerate(board.rows) if row.racer_id == person.person_id), None)
    if at is None:
        return None
    row = board.rows[at]
    mine = _value(row, board.format)
    above = next((one for one in reversed(board.rows[:at]) if _value(one, board.format) != mine), None)
    missing = _value(above, board.format) if above else None
    return TrackPlace(
        track_id=track_id,
        track_name=name,
        standing=row,
        value_ms=mine,
        count=len(board.rows),
        to_next_ms=None if mine is None or missing is None else mine - missing,
        next_name=above.username if above else None,
    )


def _value(row: Standing, board_format: BoardFormat) -> int | None:
    if board_format is BoardFormat.AVERAGE:
        return row.best_average.average_ms if row.best_average else None
    return row.best_ms
