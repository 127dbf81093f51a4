"""The strips of a track: how they are doing, and a hit on a simulated one for rehearsals and tests."""

from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from appliance.errors import InvalidInput, NotFound
from appliance.permissions import Permission
from timing.strip_health import StripHealth
from web.api.answers import READING, SIGNED_IN, WRITING
from web.auth import needs
from web.given import House


class Hit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the strip stays pressed, and how often its contact bounces."""

    hold_ms: Annotated[int, Meta(ge=1, le=5_000)] = 40
    bounces: Annotated[int, Meta(ge=0, le=20)] = 0


@get(
    "/api/events/{event_id:str}/tracks/{track_id:str}/strips",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=READING,
    tags=["strips"],
)
async def get_strips(house: House, event_id: FromPath[str], track_id: FromPath[str]) -> StripHealth:
    """Whether the recorder is there, and when each line was last hit."""
    house.events.track(event_id, track_id)
    return house.strips.health(event_id, track_id)


@post(
    "/api/strips/{line:int}/hit",
    guards=[needs(Permission.RUN_RACES)],
    security=SIGNED_IN,
    responses=WRITING,
    status_code=204,
    tags=["strips"],
)
async def hit_strip(house: House, line: FromPath[int], data: JSONBody[Hit]) -> None:
    """Press a simulated strip; 409 where real ones are connected."""
    try:
        await house.strips.hit(line, hold_ms=data.hold_ms, bounces=data.bounces)
    except InvalidInput as error:  # the only thing left to be wrong is the line, and that is the address here
        raise NotFound(error.message, error.remedy) from error


ROUTES = [get_strips, hit_strip]
