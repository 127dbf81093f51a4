"""Races: the list with its filters, and one race with its laps and its trail. Changing one is in race_edit.py."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Struct

from appliance.errors import NotFound
from appliance.permissions import Permission
from timing.fold import fold
from timing.race import laps_view
from timing.races import RaceFilter
from timing.structs import LIVE_STATES, Event, RaceState, RaceView
from timing.trail import trail
from web.auth import needs
from web.driven_names import DrivenNames, names_in, names_of_journal
from web.given import House
from web.pages.staff.blind import unseen
from web.pages.staff.forms import Form
from web.pages.staff.panel import line_names
from web.pages.staff.racer_named import racer_named
from web.race_logs import race_logs
from web.render import page

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]

SEE = [needs(Permission.SEE_RACES)]
PAGE = 50
BLIND_SHOWN = 50
DELETED = "deleted"
STATES = [*(state.value for state in RaceState), DELETED]


class Line(Struct, frozen=True, kw_only=True):
    """One race in the list, with the names of what it belongs to."""

    race: RaceView
    event_name: str
    track_name: str
    racer_name: str
    car: str | None
    model: str | None


@get("/staff/races", guards=SEE)
async def list_races(
    *,
    request: AnyRequest,
    house: House,
    event: FromQuery[str] = "",
    track: FromQuery[str] = "",
    racer: FromQuery[str] = "",
    in_state: Annotated[str, QueryParameter(name="state")] = "",
    before: FromQuery[str] = "",
) -> Answer:
    """Newest first, a page at a time. `racer` is an id, or what was typed of a name."""
    person, problem = racer_named(house, racer.strip()[:64])
    chosen = {"event": event, "track": track, "racer": racer.strip(), "state": in_state if in_state in STATES else ""}
    wanted = RaceFilter(
        event_id=event or None,
        track_id=(track or None) if event else None,
        racer_id=person.person_id if person else None,
        state=None if chosen["state"] in ("", DELETED) else chosen["state"],
        only_deleted=chosen["state"] == DELETED,
        before=before or None,
        limit=PAGE + 1,
    )
    races = [] if problem else await house.control.list(wanted)
    driven = await names_in(house, *races)
    older = urlencode({**chosen, "before": races[PAGE - 1].race_id}) if len(races) > PAGE else None
    return page(
        request,
        "staff/races.html",
        lines=[_line(house, race, driven) for race in races[:PAGE]],
        events=house.events.list(),
        tracks=_tracks(house, event),
        chosen=chosen,
        racer_name=person.username if person else racer,
        states=STATES,
        older=older,
        is_first=not before,
        problem=problem,
    )


@get("/staff/races/{race_id:str}", guards=SEE)
async def race(request: AnyRequest, house: House, race_id: FromPath[str], done: FromQuery[str | None] = None) -> Answer:
    """One race."""
    said = {
        "saved": "Saved; the boards are made anew.",
        "same": "Nothing was different, so nothing was changed.",
        "rescored": "Scored again; the boards are made anew.",
    }
    return await race_page(request, house, race_id, Form({}), done=said.get(done or ""))


async def race_page(
    request: AnyRequest, house: House, race_id: str, form: Form, *, status: int = 200, done: str | None = None
) -> Answer:
    """The race with its laps, also the deleted ones, and its trail, newest first. `form` is what was refused."""
    view = await house.control.view(race_id)
    journal = await house.control.journal(race_id)
    allowed = {kind.value for kind in await house.control.allowed(race_id)}
    race, event = fold(journal, view.rules), house.events.get(view.event_id)
    laps = laps_view(race, with_deleted=True)
    names = {track.track_id: track.name for track in event.tracks}
    drive_name = (await names_of_journal(house, journal)).words
    return page(
        request,
        "staff/race.html",
        status=status,
        race=view,
        event=event,
        track_name=names.get(view.track_id, view.track_id),
        laps=laps,
        driven=await names_in(house, view, *laps),
        lockout=f"{race.lockout_ms / 1000:g} s",
        trail=trail(journal, house.people.name_of, lambda track_id: names.get(track_id, track_id), drive_name)[::-1],
        blind=unseen(await house.strips.blind_spots_of(race_id), line_names(house))[:BLIND_SHOWN],
        allowed=allowed,
        may_change=bool(allowed & {"set_racer", "set_track", "set_proxy", "delete_race", "restore_race"}),
        when=when,
        logs=await race_logs(house, view),
        is_live=view.state in LIVE_STATES and not view.deleted,
        form=form,
        racers=house.people.racers(),
        done=done,
    )


def when(iso: str) -> str:
    """Day and time to the second, on the box's own clock: a dispute is about seconds."""
    local = datetime.fromisoformat(iso).astimezone()
    return f"{local.day} {local:%b, %H:%M:%S}"


def _line(house: House, race: RaceView, driven: DrivenNames) -> Line:
    event = _event(house, race.event_id)
    tracks = {} if event is None else {track.track_id: track.name for track in event.tracks}
    return Line(
        race=race,
        event_name="" if event is None else event.name,
        track_name=tracks.get(race.track_id, race.track_id),
        racer_name=house.people.name_of(race.racer_id),
        car=driven.car(race.car_id),
        model=driven.model(race.model_id),
    )


def _event(house: House, event_id: str) -> Event | None:
    try:
        return house.events.get(event_id)
    except NotFound:
        return None


def _tracks(house: House, event_id: str) -> list[tuple[str, str]]:
    event = _event(house, event_id) if event_id else None
    return [] if event is None else [(track.track_id, track.name) for track in event.tracks]


ROUTES = [list_races, race]
