"""The queue of a track, for programs: the timekeeper's terminal calls the next racer from here."""

from functools import partial
from typing import Annotated

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from appliance.errors import named_in
from appliance.permissions import Permission
from timing.journal import Id
from timing.queue import QueueEntry
from web.api.answers import READING, SIGNED_IN, WRITING
from web.auth import needs
from web.given import House, Viewer
from web.next_three import SentNext, send_next
from web.prepared import prepare

LINE = "/api/events/{event_id:str}/tracks/{track_id:str}/queue"
ENTRY = "/api/queue/{queue_id:str}"
Expected = Annotated[
    int | None, QueryParameter(description="The position you saw; 409 when it is another by now, and nobody moves.")
]


class NewInLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who joins the queue."""

    racer_id: Id


class Move(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in line, from 1; past the end means last. `expected` is the position you saw."""

    position: Annotated[int, Meta(ge=1, le=1_000_000)]
    expected: Annotated[int, Meta(ge=1)] | None = None


class Prepared(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With which car and model the racer shall race; null takes it back."""

    car_id: Id | None
    model_id: Id | None


press = partial(
    post,
    guards=[needs(Permission.RUN_RACES)],
    security=SIGNED_IN,
    responses=WRITING,
    status_code=200,
    tags=["queue"],
)
"""What the crew does with one entry of a line."""


@get(LINE, guards=[needs(Permission.SEE_RACES)], security=SIGNED_IN, responses=READING, tags=["queue"])
async def list_queue(house: House, event_id: FromPath[str], track_id: FromPath[str]) -> list[QueueEntry]:
    """Who is racing, then the line, next one first."""
    house.events.track(event_id, track_id)
    return house.queue.list(event_id, track_id)


@post(LINE, guards=[needs(Permission.RUN_RACES)], security=SIGNED_IN, responses=WRITING, tags=["queue"])
async def join_queue(
    house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str], data: JSONBody[NewInLine]
) -> QueueEntry:
    """Put a racer at the end of the line."""
    house.events.track(event_id, track_id)
    with named_in("racer_id"):
        house.people.get(data.racer_id)
    return await house.queue.add(event_id, track_id, data.racer_id, viewer.person_id)


@press(f"{LINE}/send-next", guards=[needs(Permission.RUN_RACES), needs(Permission.MANAGE_CARS)])
async def send_the_next(
    house: House, viewer: Viewer, event_id: FromPath[str], track_id: FromPath[str]
) -> list[SentNext]:
    """The next three to the cars of the track: prepared, and their models on the way; or why not, and what to do."""
    return await send_next(house, event_id, track_id, viewer.person_id)


@press(f"{ENTRY}/call")
async def call(house: House, viewer: Viewer, queue_id: FromPath[str]) -> QueueEntry:
    """Tell the racer to come to the track now."""
    return await house.queue.call(queue_id, viewer.person_id)


@press(f"{ENTRY}/skip")
async def skip(house: House, viewer: Viewer, queue_id: FromPath[str], expected: Expected = None) -> QueueEntry:
    """Let the next one go first."""
    return await house.queue.skip(queue_id, viewer.person_id, expected)


@press(f"{ENTRY}/move")
async def move(house: House, viewer: Viewer, queue_id: FromPath[str], data: JSONBody[Move]) -> QueueEntry:
    """Put the racer at another position."""
    return await house.queue.move(queue_id, data.position, viewer.person_id, data.expected)


@press(f"{ENTRY}/prepare")
async def prepare_entry(house: House, viewer: Viewer, queue_id: FromPath[str], data: JSONBody[Prepared]) -> QueueEntry:
    """With what the racer shall race: an enrolled car, and a model of theirs or of the box. Nothing is sent to it."""
    return await prepare(house, queue_id, data.car_id, data.model_id, viewer.person_id)


@press(f"{ENTRY}/no-show")
async def no_show(house: House, viewer: Viewer, queue_id: FromPath[str]) -> QueueEntry:
    """The racer did not come: out of the line, and easy to put back."""
    return await house.queue.no_show(queue_id, viewer.person_id)


@press(f"{ENTRY}/back")
async def back(house: House, viewer: Viewer, queue_id: FromPath[str]) -> QueueEntry:
    """Put a racer who left the line at its end again."""
    return await house.queue.readd(queue_id, viewer.person_id)


@delete(ENTRY, guards=[needs(Permission.RUN_RACES)], security=SIGNED_IN, responses=WRITING, tags=["queue"])
async def leave_queue(house: House, viewer: Viewer, queue_id: FromPath[str]) -> None:
    """Take the racer out of the line."""
    await house.queue.remove(queue_id, viewer.person_id)


ROUTES = [list_queue, join_queue, send_the_next, call, skip, move, prepare_entry, no_show, back, leave_queue]
