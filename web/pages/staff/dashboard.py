"""The crew's first page: what is going on now, what needs a hand, and what to do next."""

from typing import Any

from litestar import Request, Response, get
from msgspec import Struct

from appliance.permissions import Permission
from timing.queue import QueueEntry
from timing.strip_health import StripHealth
from timing.structs import Event, RaceView, Track
from web.auth import needs
from web.given import House
from web.pages.staff.racers import racer_count
from web.render import page


class TrackNow(Struct, frozen=True, kw_only=True):
    """One track at this moment."""

    track: Track
    base: str
    race: RaceView | None
    next: list[QueueEntry]
    waiting: int
    strips: StripHealth


@get(
    "/staff",
    guards=[needs(Permission.SEE_RACES, Permission.LIST_RACERS, Permission.MANAGE_EVENTS)],
)
async def dashboard(request: Request[Any, Any, Any], house: House) -> Response[Any]:
    """Event, tracks, strips, and the next step for a box that has nothing yet."""
    event = house.events.current()
    tracks = [] if event is None else [_now(house, event.event_id, track) for track in event.tracks]
    return page(
        request,
        "staff/dashboard.html",
        event=event,
        tracks=tracks,
        elsewhere=[_elsewhere(house, race) for race in house.control.live_races() if not _is_of(event, race)],
        racers=racer_count(house),
        done=None,
    )


def _is_of(event: Event | None, race: RaceView) -> bool:
    return event is not None and event.event_id == race.event_id


def _elsewhere(house: House, race: RaceView) -> tuple[RaceView, str]:
    """A race that is open in another event than the current one would be forgotten, and holds its track."""
    return race, house.events.get(race.event_id).name


def _now(house: House, event_id: str, track: Track) -> TrackNow:
    line = house.queue.next(event_id, track.track_id, 1_000)
    return TrackNow(
        track=track,
        base=f"/staff/events/{event_id}/tracks/{track.track_id}",
        race=house.control.live(event_id, track.track_id),
        next=line[:3],
        waiting=len(line),
        strips=house.strips.health(event_id, track.track_id),
    )


ROUTES = [dashboard]
