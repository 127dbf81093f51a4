"""How the box is: everybody hears whether it works, the crew hears everything."""

from typing import Any

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Response
from msgspec import Struct

from appliance.health import HealthReport
from appliance.permissions import Permission
from web.api.answers import problems
from web.given import House, Visitor


class PublicHealth(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What everybody may know."""

    status: str


@get(
    "/api/health",
    responses={
        **problems(),
        503: ResponseSpec(
            data_container=HealthReport | PublicHealth,
            generate_examples=False,
            description="Something needs a hand; the same answer with what it is.",
        ),
    },
    tags=["health"],
)
async def get_health(house: House, viewer: Visitor) -> Response[HealthReport | PublicHealth]:
    """State of recorder, strips, database, disk, clock, cars and sync."""
    report = await house.health.report()
    status = 200 if report.ok else 503
    content: Any = (
        report if viewer is not None and viewer.can(Permission.SEE_SYSTEM) else PublicHealth(status=report.status)
    )
    return Response(content, status_code=status)


ROUTES = [get_health]
