"""Racers, for the registration desk and the crew. Nothing here is public: the board shows what the hall may see."""

from typing import Annotated

from litestar import delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from appliance.errors import named_in
from appliance.people import NewRacer, Racer, RacerPatch, racer_of
from appliance.permissions import Permission
from timing.journal import Id
from web.api.answers import LIST_LIMIT, READING, SIGNED_IN, WRITING, Before, Limit, problems
from web.auth import needs
from web.given import House, Viewer

Text = Annotated[str, QueryParameter(max_length=80, description="Part of a name.")]


class Merge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The duplicate whose races move to the racer of the address."""

    duplicate_id: Id


class Badge(Struct, frozen=True, kw_only=True):
    """The short code that signs this racer in on their phone."""

    racer_id: str
    code: str


@get(
    "/api/racers",
    guards=[needs(Permission.LIST_RACERS)],
    security=SIGNED_IN,
    responses=READING,
    tags=["racers"],
    sync_to_thread=False,
)
def list_racers(house: House, text: Text = "", limit: Limit = LIST_LIMIT, before: Before = None) -> list[Racer]:
    """Racers, the newest first; with `text` only those whose name has it."""
    wanted = text.casefold()
    found = [
        racer
        for racer in sorted(house.people.racers(), key=lambda racer: racer.racer_id, reverse=True)
        if (before is None or racer.racer_id < before) and wanted in racer.username.casefold()
    ]
    return found[:limit]


@post(
    "/api/racers",
    guards=[needs(Permission.REGISTER_RACERS)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["racers"],
)
async def register_racer(house: House, viewer: Viewer, data: JSONBody[NewRacer]) -> Racer:
    """Register a racer at the desk; the badge signs them in on their phone."""
    return racer_of(await house.people.register(data, viewer.person_id))


@get(
    "/api/racers/{racer_id:str}",
    guards=[needs(Permission.LIST_RACERS)],
    security=SIGNED_IN,
    responses=READING,
    tags=["racers"],
    sync_to_thread=False,
)
def get_racer(house: House, racer_id: FromPath[str]) -> Racer:
    """One racer."""
    return racer_of(house.people.get(racer_id))


@patch(
    "/api/racers/{racer_id:str}",
    guards=[needs(Permission.EDIT_RACERS)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["racers"],
)
async def change_racer(house: House, viewer: Viewer, racer_id: FromPath[str], data: JSONBody[RacerPatch]) -> Racer:
    """Change what is sent, leave the rest."""
    return racer_of(await house.people.update(racer_id, data, viewer.person_id))


@delete(
    "/api/racers/{racer_id:str}",
    guards=[needs(Permission.FORGET_RACERS)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["racers"],
)
async def forget_racer(house: House, viewer: Viewer, racer_id: FromPath[str]) -> None:
    """Erase who it was; the laps stay under a neutral name."""
    await house.people.forget(racer_id, viewer.person_id)


@post(
    "/api/racers/{racer_id:str}/merge",
    guards=[needs(Permission.MERGE_RACERS)],
    security=SIGNED_IN,
    responses=WRITING,
    status_code=200,
    tags=["racers"],
)
async def merge_racer(house: House, viewer: Viewer, racer_id: FromPath[str], data: JSONBody[Merge]) -> Racer:
    """Take a duplicate's races over and close it."""
    house.people.get(racer_id)
    with named_in("duplicate_id"):
        house.people.get(data.duplicate_id)
    return racer_of(await house.people.merge(racer_id, data.duplicate_id, viewer.person_id))


@get(
    "/api/racers/{racer_id:str}/badge",
    guards=[needs(Permission.EDIT_RACERS)],
    security=SIGNED_IN,
    responses={**READING, **problems(409)},
    tags=["racers"],
    sync_to_thread=False,
)
def get_badge(house: House, racer_id: FromPath[str]) -> Badge:
    """The racer's badge."""
    return Badge(racer_id=racer_id, code=house.people.badge_code(racer_id))


@post(
    "/api/racers/{racer_id:str}/badge",
    guards=[needs(Permission.EDIT_RACERS)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["racers"],
)
async def renew_badge(house: House, viewer: Viewer, racer_id: FromPath[str]) -> Badge:
    """A new badge; the old one stops working."""
    return Badge(racer_id=racer_id, code=await house.people.renew_badge(racer_id, viewer.person_id))


ROUTES = [
    list_racers,
    register_racer,
    get_racer,
    change_racer,
    forget_racer,
    merge_racer,
    get_badge,
    renew_badge,
]
