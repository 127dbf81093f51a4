"""Staff accounts, for admins."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from appliance.people import Person
from appliance.people_structs import Password, Username
from appliance.permissions import Permission, Role
from web.api.answers import LIST_LIMIT, READING, SIGNED_IN, WRITING, Limit
from web.auth import needs
from web.given import House, Viewer

Roles = Annotated[list[Role], Meta(min_length=1, max_length=len(Role))]


class NewStaff(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An account with roles."""

    username: Username
    password: Password
    roles: Roles


class NewRoles(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All roles from now on."""

    roles: Roles


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password from now on; it ends the person's sessions."""

    password: Password


class CrewBadge(Struct, frozen=True, kw_only=True):
    """The short code that signs one of the crew in, with all their roles."""

    code: str


@get(
    "/api/people",
    guards=[needs(Permission.MANAGE_STAFF)],
    security=SIGNED_IN,
    responses=READING,
    tags=["people"],
    sync_to_thread=False,
)
def list_people(
    house: House, text: FromQuery[str] = "", role: FromQuery[Role | None] = None, limit: Limit = LIST_LIMIT
) -> list[Person]:
    """People and their roles."""
    return house.people.search(text, role, limit)


@post(
    "/api/people",
    guards=[needs(Permission.MANAGE_STAFF)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["people"],
)
async def add_staff(house: House, viewer: Viewer, data: JSONBody[NewStaff]) -> Person:
    """Make an account with roles."""
    return await house.people.add_staff(data.username, data.roles, data.password, viewer.person_id)


@put(
    "/api/people/{person_id:str}/roles",
    guards=[needs(Permission.MANAGE_STAFF)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["people"],
)
async def set_roles(house: House, viewer: Viewer, person_id: FromPath[str], data: JSONBody[NewRoles]) -> Person:
    """Give and take roles; it ends the person's sessions."""
    return await house.people.set_roles(person_id, data.roles, viewer.person_id)


@put(
    "/api/people/{person_id:str}/password",
    guards=[needs(Permission.MANAGE_STAFF)],
    security=SIGNED_IN,
    responses=WRITING,
    status_code=204,
    tags=["people"],
)
async def set_password(house: House, viewer: Viewer, person_id: FromPath[str], data: JSONBody[NewPassword]) -> None:
    """Set somebody's password; it ends their sessions."""
    await house.people.set_password(person_id, data.password, viewer.person_id)


@post(
    "/api/people/{person_id:str}/badge",
    guards=[needs(Permission.MANAGE_STAFF)],
    security=SIGNED_IN,
    responses=WRITING,
    tags=["people"],
)
async def give_badge(house: House, viewer: Viewer, person_id: FromPath[str]) -> CrewBadge:
    """A badge for one of the crew who is no admin; one given before stops, and its sessions end."""
    return CrewBadge(code=await house.people.give_badge(person_id, viewer.person_id))


@delete(
    "/api/people/{person_id:str}/badge",
    guards=[needs(Permission.MANAGE_STAFF)],
    security=SIGNED_IN,
    responses=WRITING,
    status_code=204,
    tags=["people"],
)
async def take_badge_away(house: House, viewer: Viewer, person_id: FromPath[str]) -> None:
    """The badge stops at once, and its sessions end; without one nothing changes."""
    await house.people.take_badge_away(person_id, viewer.person_id)


ROUTES = [list_people, add_staff, set_roles, set_password, give_badge, take_badge_away]
