"""
Cross-site request forgery: a double-submit cookie, checked for every unsafe request a browser could be led into.

A form carries the token in `_csrf`, htmx and scripts in the `x-csrftoken` header. Not checked where nothing rides
along by itself: a request with a bearer token, and an API request without a session cookie.
"""

import re
import secrets
from hmac import compare_digest

from litestar.connection import Request
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler

from appliance.errors import NotAllowed
from web.auth import SESSION_COOKIE, Connection, bearer_of

CSRF_COOKIE = "csrftoken"
CSRF_FIELD = "_csrf"
CSRF_HEADER = "x-csrftoken"
TOKEN_BYTES = 24
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORMS = frozenset({RequestEncodingType.URL_ENCODED.value, RequestEncodingType.MULTI_PART.value})
NEW_TOKEN = "new_csrf_token"  # noqa: S105  a key in the request's state, not a secret
EXEMPT = "csrf_exempt"
"""
`opt={EXEMPT: True}` on a handler that takes JSON and changes nothing for the person signed in, or that reads a form
with files as it comes and calls `check_csrf_field` before it takes a file.
"""


def csrf_token(connection: Connection) -> str:
    """The token for this page's forms; made now if the browser has none, and then sent as a cookie with the answer."""
    token = connection.cookies.get(CSRF_COOKIE) or ""
    if not TOKEN.fullmatch(token):  # Not one of ours: pages put it into JSON, where a quote would break every button.
        token = connection.scope["state"].get(NEW_TOKEN) or ""
    if not token:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        connection.scope["state"][NEW_TOKEN] = token
    return token


def csrf_cookie_header(token: str) -> bytes:
    """The `Set-Cookie` value. HttpOnly: pages carry the token themselves, so no script needs to read the cookie."""
    return f"{CSRF_COOKIE}={token}; Path=/; HttpOnly; SameSite=lax".encode()


async def check_csrf(connection: Connection, handler: BaseRouteHandler) -> None:
    """
    Guard of the whole application.

    Raises:
        NotAllowed: an unsafe request without the right token; nothing was done.
    """
    if connection.scope.get("method") in SAFE_METHODS or handler.opt.get(EXEMPT):
        return
    if bearer_of(connection) is not None or not _rides_on_a_browser(connection):
        return
    check_csrf_field(connection, await _sent_token(connection))


def check_csrf_field(connection: Connection, sent: str | None) -> None:
    """
    The token that a page of ours sent.

    Raises:
        NotAllowed: it is not the right one; nothing was done.
    """
    kept = connection.cookies.get(CSRF_COOKIE)
    foreign = connection.headers.get("sec-fetch-site") == "cross-site"
    if foreign or not sent or not kept or not compare_digest(sent.encode(), kept.encode()):
        raise NotAllowed("This form is too old, or it came from another site.", "Reload the page and send it again.")


def _rides_on_a_browser(connection: Connection) -> bool:
    """Pages always, sign-in included; the API only when the browser's cookie would speak for somebody."""
    return SESSION_COOKIE in connection.cookies or not connection.url.path.startswith("/api/")


async def _sent_token(connection: Connection) -> str | None:
    header = connection.headers.get(CSRF_HEADER)
    if header or not isinstance(connection, Request) or connection.content_type[0] not in FORMS:
        return header
    field = (await connection.form()).get(CSRF_FIELD)
    return field if isinstance(field, str) else None
