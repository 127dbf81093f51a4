"""The box's clock, for terminals that stamp their presses with it. Cheap: no database, nothing kept."""

from litestar import get

from appliance.permissions import Permission
from timing.box_clock import box_clock
from timing.crew_structs import ClockReading
from web.api.answers import SIGNED_IN, problems
from web.auth import needs


@get(
    "/api/clock",
    guards=[needs(Permission.SEE_RACES)],
    security=SIGNED_IN,
    responses=problems(401, 403),
    tags=["clock"],
)
async def get_clock() -> ClockReading:
    """The box's clocks at this moment; half the round trip of the call is how wrong your reading of it can be."""
    return box_clock()


ROUTES = [get_clock]
