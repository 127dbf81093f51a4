"""Races: make one ready, act on it, look at it. Every action is durable before it is answered."""

from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from appliance.permissions import Permission
from timing.fold import fold
from timing.journal import Kind
from timing.race import laps_view
from timing.races import RaceFilter
from timing.structs import Action, NewRace, RaceState, RaceView
from timing.trail import TrailLine, trail
from web.api.answers import LIST_LIMIT, READING, SIGNED_IN, WRITING, Before, Limit
from web.auth import needs
from web.driven_names import names_of_journal
from web.given import House, Viewer
from web.prepared import make_race

InState = Annotated[RaceState | None, QueryParameter(name="state")]
Deleted = Annotated[bool, QueryParameter(description="Deleted races too.")]
OnlyDeleted = Annotated[bool, QueryParameter(description="Deleted races and no others.")]
DeletedLaps = Annotated[bool, QueryParameter(description="Deleted laps too, each marked as deleted.")]


@get(
    "/api/races",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=READING,
    tags=["races"],
)
async def list_races(
    *,
    house: House,
    event_id: FromQuery[str | None] = None,
    track_id: FromQuery[str | None] = None,
    racer_id: FromQuery[str | None] = None,
    in_state: InState = None,
    deleted: Deleted = False,
    only_deleted: OnlyDeleted = False,
    limit: Limit = LIST_LIMIT,
    before: Before = None,
) -> list[RaceView]:
    """Races that fit all that is asked, newest first."""
    wanted = RaceFilter(
        event_id=event_id,
        track_id=track_id,
        racer_id=racer_id,
        state=in_state,
        include_deleted=deleted,
        only_deleted=only_deleted,
        before=before,
        limit=limit,
    )
    return await house.control.list(wanted)


@post(
    "/api/races",
    guards=[needs(Permission.RUN_RACES)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["races"],
)
async def create_race(house: House, viewer: Viewer, data: JSONBody[NewRace]) -> RaceView:
    """
    Make a race ready. With a `race_id` of your own, a retry finds the race it made before.

    Without `car_id` and `model_id` it gets those that were prepared for the racer in this track's line.
    """
    return await make_race(house, data, viewer.person_id)


@get(
    "/api/races/{race_id:str}",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=READING,
    tags=["races"],
)
async def get_race(house: House, race_id: FromPath[str], deleted_laps: DeletedLaps = False) -> RaceView:
    """One race, its clocks at this moment."""
    view = await house.control.view(race_id)
    if not deleted_laps:
        return view
    race = fold(await house.control.journal(race_id), view.rules)
    return msgspec.structs.replace(view, laps=laps_view(race, with_deleted=True))


@get(
    "/api/races/{race_id:str}/actions",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=READING,
    tags=["races"],
)
async def list_actions(house: House, race_id: FromPath[str]) -> list[Kind]:
    """The kinds of action that its state allows now."""
    return sorted(await house.control.allowed(race_id))


@post(
    "/api/races/{race_id:str}/actions",
    guards=[needs(Permission.RUN_RACES, Permission.EDIT_RACES)],
    security=SIGNED_IN,
    responses=WRITING,
    status_code=200,
    tags=["races"],
)
async def act(house: House, viewer: Viewer, race_id: FromPath[str], data: JSONBody[Action]) -> RaceView:
    """Do one action. The same `action_id` again answers the same and changes nothing."""
    return await house.control.act(race_id, data, viewer.person_id)


@get(
    "/api/races/{race_id:str}/trail",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=READING,
    tags=["races"],
)
async def get_trail(house: House, race_id: FromPath[str]) -> list[TrailLine]:
    """Everything that happened in this race, in words: who, when, what."""
    view = await house.control.view(race_id)
    event = house.events.get(view.event_id)
    tracks = {track.track_id: track.name for track in event.tracks}

    def track(track_id: str) -> str:
        return tracks.get(track_id, track_id)

    journal = await house.control.journal(race_id)
    names = await names_of_journal(house, journal)
    return trail(journal, house.people.name_of, track, names.words)


ROUTES = [list_races, create_race, get_race, list_actions, act, get_trail]
