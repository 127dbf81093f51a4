"""
The headers of every answer, errors included: what a page may load, what may be kept, and no guessing of types.

The policy allows nothing inline and nothing from elsewhere, so a name typed by a racer can never become script.
"""

from litestar.types import Message, Scope

from web.auth import SESSION_COOKIE
from web.csrf import NEW_TOKEN, csrf_cookie_header

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "manifest-src 'self'",
        "media-src 'self'",
    )
)

ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


async def add_headers(message: Message, scope: Scope) -> None:
    """`before_send` hook: adds to the first message of each answer, and sets the CSRF cookie of a new visitor."""
    if message["type"] != "http.response.start":
        return
    headers = [*message["headers"], *ALWAYS]
    if not any(name.lower() == b"cache-control" for name, _ in headers):
        headers.append((b"cache-control", _keep(scope)))
    token = scope.get("state", {}).get(NEW_TOKEN)
    if token:
        headers.append((b"set-cookie", csrf_cookie_header(token)))
    message["headers"] = headers


def _keep(scope: Scope) -> bytes:
    """
    `no-store` for the API and for whoever is signed in: a borrowed tablet must not show their pages by "back".
    """
    if scope["path"].startswith("/api/") or any(
        name == b"cookie" and SESSION_COOKIE.encode() + b"=" in value for name, value in scope["headers"]
    ):
        return b"no-store"
    return b"no-cache"
