"""Events. Everybody sees their public fields; which strip times which track is for staff."""

from litestar import delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Struct

from appliance.errors import Conflict
from appliance.permissions import Permission
from timing.rules import EventType, RaceRules
from timing.structs import Event, EventPatch, NewEvent
from web.api.answers import LIST_LIMIT, SIGNED_IN, WRITING, Before, Limit, problems
from web.auth import needs
from web.given import House, Viewer, Visitor


class PublicTrack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A track as the hall sees it."""

    track_id: str
    name: str
    footer: str


class PublicEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event as the hall sees it."""

    event_id: str
    name: str
    type: EventType
    date: str | None
    country: str | None
    sponsor: str | None
    rules: RaceRules
    tracks: list[PublicTrack]


@get("/api/events", responses=problems(409), tags=["events"], sync_to_thread=False)
def list_events(
    house: House, viewer: Visitor, limit: Limit = LIST_LIMIT, before: Before = None
) -> list[Event] | list[PublicEvent]:
    """All events, the newest day first; who may see events gets strips and fleets too."""
    page = _after(house.events.list(), before)[:limit]
    return page if _sees_all(viewer) else [public_event(event) for event in page]


@post(
    "/api/events",
    guards=[needs(Permission.MANAGE_EVENTS)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["events"],
)
async def create_event(house: House, viewer: Viewer, data: JSONBody[NewEvent]) -> Event:
    """Make an event; without tracks it gets one."""
    return await house.events.create(data, viewer.person_id)


@get("/api/events/{event_id:str}", responses=problems(404), tags=["events"], sync_to_thread=False)
def get_event(house: House, viewer: Visitor, event_id: FromPath[str]) -> Event | PublicEvent:
    """One event."""
    event = house.events.get(event_id)
    return event if _sees_all(viewer) else public_event(event)


@patch(
    "/api/events/{event_id:str}",
    guards=[needs(Permission.MANAGE_EVENTS)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["events"],
)
async def change_event(house: House, viewer: Viewer, event_id: FromPath[str], data: JSONBody[EventPatch]) -> Event:
    """Change what is sent, leave the rest. Races keep the rules they were made with."""
    return await house.events.patch(event_id, data, viewer.person_id)


@delete(
    "/api/events/{event_id:str}",
    guards=[needs(Permission.MANAGE_EVENTS)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["events"],
)
async def delete_event(house: House, viewer: Viewer, event_id: FromPath[str], force: FromQuery[bool] = False) -> None:
    """Remove an event; one that has races only with `force=true`."""
    await house.events.delete(event_id, viewer.person_id, force=force)


def public_event(event: Event) -> PublicEvent:
    """The fields for everybody."""
    return PublicEvent(
        event_id=event.event_id,
        name=event.name,
        type=event.type,
        date=event.date,
        country=event.country,
        sponsor=event.sponsor,
        rules=event.rules,
        tracks=[PublicTrack(track_id=track.track_id, name=track.name, footer=track.footer) for track in event.tracks],
    )


def _after(events: list[Event], before: str | None) -> list[Event]:
    if before is None:
        return events
    for index, event in enumerate(events):
        if event.event_id == before:
            return events[index + 1 :]
    raise Conflict("The event that ended the page before is gone.", "Start the list again, without before.")


def _sees_all(viewer: Visitor) -> bool:
    return viewer is not None and viewer.can(Permission.SEE_EVENTS)


ROUTES = [list_events, create_event, get_event, change_event, delete_event]
