"""
Who is asking: a session cookie (browsers), a bearer token (programs) or the user at the other end of the box's own Unix
socket becomes a `Viewer`, or None.

Owns the carriers and the guards. What a role may do is decided in appliance/permissions.py and nowhere else.
"""

from typing import Any
from urllib.parse import quote

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import Cookie
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from appliance.errors import NotSignedIn
from appliance.permissions import Permission, require
from appliance.sessions import Viewer
from web.house import House
from web.local_peer import local_peer_of

SESSION_COOKIE = "trackside"
COOKIE_SECONDS = 30 * 24 * 3600
"""The longest a browser keeps the cookie; the server ends the session itself, usually much earlier."""
SOMEBODY_ELSES = (
    "authorization",
    "cookie",
    "forwarded",
    "via",
    "origin",
    "referer",
    "x-forwarded",
    "x-real-ip",
    "x-client-",
    "x-original-",
    "sec-",
    "cf-",
    "proxy-",
)
"""How headers begin that no program of the crew sends: a proxy's, or a browser's, which only a proxy can lead here."""

Connection = ASGIConnection[Any, Any, Any, Any]


def house_of(connection: Connection) -> House:
    """The house this application serves."""
    house = connection.app.state.house
    assert isinstance(house, House)  # noqa: S101  set by create_app; tells the type checker
    return house


def bearer_of(connection: Connection) -> str | None:
    """The token of `Authorization: Bearer TOKEN`, or None; the word Bearer in any case (RFC 7235)."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def session_token(connection: Connection) -> str | None:
    """The token that speaks for this request; a bearer header, even a wrong one, wins over the cookie."""
    bearer = bearer_of(connection)
    return connection.cookies.get(SESSION_COOKIE) if bearer is None else bearer


def viewer_of(connection: Connection) -> Viewer | None:
    """Who is asking, or None; a lookup in memory."""
    token = session_token(connection)
    if token is None:
        return local_viewer(connection)
    return house_of(connection).sessions.viewer(token)


def local_viewer(connection: Connection) -> Viewer | None:
    """
    The user at the other end of the box's own Unix socket, for the API and no page.

    A proxy that one of the crew runs must not make the whole hall crew: what it passes on is refused, as far as it can
    be told (RFC 9110, 7.6.3 wants a `Via` of it; nginx speaks HTTP/1.0 behind itself).
    """
    peer = local_peer_of(connection.scope)
    if peer is None or not connection.scope["path"].startswith("/api/"):
        return None
    if connection.scope.get("http_version") == "1.0" or any(
        name.startswith(SOMEBODY_ELSES) for name in connection.headers
    ):
        return None
    return peer.viewer


async def know_viewer(connection: Connection, _: BaseRouteHandler) -> None:
    """
    Guard of the whole application: lets everybody through, and keeps who it is in the request's state.

    Guards are coroutines: Litestar runs a plain function in a thread, and sessions belong to the event loop.
    """
    connection.scope["state"]["viewer"] = viewer_of(connection)


def provide_viewer(request: Request[Any, Any, Any]) -> Viewer | None:
    """The `viewer` dependency of every handler."""
    viewer: Viewer | None = request.scope["state"]["viewer"]
    return viewer


async def signed_in(connection: Connection, _: BaseRouteHandler) -> None:
    """
    Guard: anybody who is signed in, whatever their role.

    Raises:
        NotSignedIn: nobody is.
    """
    require_viewer(viewer_of(connection))


def needs(*permissions: Permission) -> Guard:
    """A guard that lets in a viewer with any one of `permissions`."""

    async def guard(connection: Connection, _: BaseRouteHandler) -> None:
        viewer = require_viewer(viewer_of(connection))
        if not any(viewer.can(permission) for permission in permissions):
            require(viewer.roles, permissions[0])

    return guard


def require_viewer(viewer: Viewer | None) -> Viewer:
    """The viewer, or NotSignedIn."""
    if viewer is None:
        raise NotSignedIn("You are not signed in, or your session has ended.", "Sign in and try again.")
    return viewer


def session_cookie(token: str) -> Cookie:
    """The cookie that keeps a browser signed in. No `Secure`: the box serves plain HTTP in the hall."""
    return Cookie(key=SESSION_COOKIE, value=token, path="/", httponly=True, samesite="lax", max_age=COOKIE_SECONDS)


def ended_session_cookie() -> Cookie:
    """The cookie that makes a browser forget its session."""
    return Cookie(key=SESSION_COOKIE, value="", path="/", httponly=True, samesite="lax", max_age=0)


def safe_next(address: str | None, otherwise: str = "/") -> str:
    """
    Where to go after signing in: a path on this box, never another site.

    `//host`, `/\\host` and control characters are refused: browsers read them as another site.
    """
    if not address or not address.startswith("/") or address[1:2] in ("/", "\\"):
        return otherwise
    return otherwise if any(character < " " or character in "\\\x7f" for character in address) else address


def sign_in_address(connection: Connection) -> str:
    """The sign-in page that leads back to the page asked for."""
    asked = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
    return f"/sign-in?next={quote(asked, safe='/')}"
