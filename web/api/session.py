"""Signing programs in and out. Browsers sign in on /sign-in and get a cookie; here the token is in the answer."""

from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import UNSET, Meta, Struct, UnsetType

from appliance.errors import InvalidInput
from appliance.permissions import Role
from web.api.answers import SIGNED_IN, problems
from web.auth import ended_session_cookie, session_token, signed_in
from web.csrf import EXEMPT
from web.given import House, Viewer
from web.local_peer import local_peer_of


class SignIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to sign in: a name and its password, or the code on a badge, never both."""

    username: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    password: Annotated[str, Meta(min_length=1, max_length=1000)] | UnsetType = UNSET
    badge: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET


class Session(Struct, frozen=True, kw_only=True):
    """The new session; send `Authorization: Bearer TOKEN` from now on."""

    token: str
    person_id: str
    username: str
    roles: list[Role]


class WhoAmI(Struct, frozen=True, kw_only=True):
    """Whom the token speaks for; on the box itself, over its Unix socket, the user: the id is then "unix:NAME"."""

    person_id: str
    username: str
    roles: list[Role]


@post("/api/session", opt={EXEMPT: True}, responses=problems(401, 413, 429, 503), tags=["session"])
async def sign_in(request: Request[Any, Any, Any], house: House, data: JSONBody[SignIn]) -> Session:
    """Sign in with a name and a password, or with the code of a badge."""
    address = client_address(request)
    if data.badge is not UNSET and data.username is UNSET and data.password is UNSET:
        token, viewer = await house.sessions.sign_in_with_badge(data.badge, address)
    elif data.badge is UNSET and data.username is not UNSET and data.password is not UNSET:
        token, viewer = await house.sessions.sign_in(data.username, data.password, address)
    else:
        raise _neither_or_both(data)
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


def _neither_or_both(data: SignIn) -> InvalidInput:
    if data.badge is not UNSET:
        return InvalidInput(
            "A badge signs in by itself.", "Send either the badge, or a username and its password.", field="badge"
        )
    missing = "username" if data.username is UNSET else "password"
    return InvalidInput(f"The {missing} is missing.", "Send a username and its password, or a badge.", field=missing)


def client_address(request: Request[Any, Any, Any]) -> str:
    """
    The address the request came from, or the user of this machine; forwarded-for headers are not trusted.
    """
    if (peer := local_peer_of(request.scope)) is not None:
        return f"unix:{peer.uid}"
    return request.client.host if request.client else "unknown"


ROUTES = [sign_in, who_am_i, sign_out]
