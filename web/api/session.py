"""Signing programs in and out. Browsers sign in on /sign-in and get a cookie; here the token is in the answer."""

from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta, Struct

from appliance.permissions import Role
from web.api.answers import SIGNED_IN, problems
from web.auth import ended_session_cookie, session_token, signed_in
from web.csrf import EXEMPT
from web.given import House, Viewer


class SignIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to sign in."""

    username: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Annotated[str, Meta(min_length=1, max_length=1000)]


class Session(Struct, frozen=True, kw_only=True):
    """The new session; send `Authorization: Bearer TOKEN` from now on."""

    token: str
    person_id: str
    username: str
    roles: list[Role]


class WhoAmI(Struct, frozen=True, kw_only=True):
    """Whom the token speaks for."""

    person_id: str
    username: str
    roles: list[Role]


@post("/api/session", opt={EXEMPT: True}, responses=problems(401, 413, 429, 503), tags=["session"])
async def sign_in(request: Request[Any, Any, Any], house: House, data: JSONBody[SignIn]) -> Session:
    """Sign in with a name and a password."""
    token, viewer = await house.sessions.sign_in(data.username, data.password, client_address(request))
    return Session(token=token, person_id=viewer.person_id, username=viewer.username, roles=list(viewer.roles))


@get(
    "/api/session",
    guards=[signed_in],
    security=SIGNED_IN,
    responses=problems(401),
    tags=["session"],
    sync_to_thread=False,
)
def who_am_i(viewer: Viewer) -> WhoAmI:
    """Whom the token speaks for, and with which roles."""
    return WhoAmI(person_id=viewer.person_id, username=viewer.username, roles=list(viewer.roles))


@delete(
    "/api/session",
    guards=[signed_in],
    security=SIGNED_IN,
    responses=problems(401, 403, 503),
    status_code=204,
    tags=["session"],
)
async def sign_out(request: Request[Any, Any, Any], house: House) -> Response[None]:
    """End this session; the token is worth nothing from now on."""
    await house.sessions.sign_out(session_token(request) or "")
    return Response(None, status_code=204, cookies=[ended_session_cookie()])


def client_address(request: Request[Any, Any, Any]) -> str:
    """The address the request came from; forwarded-for headers are not trusted."""
    return request.client.host if request.client else "unknown"


ROUTES = [sign_in, who_am_i, sign_out]
