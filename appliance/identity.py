"""Who this box is, for programs that look for it: an id that stays, a name for people, a version. No secret in it."""

import hashlib
import hmac
import importlib.metadata
import socket

from msgspec import Struct

from appliance.settings import Settings

_PURPOSE = b"trackside box id"
"""The secret signs badges too: each use has its own words."""
_ID_HEX_DIGITS = 32
_UNNAMED = ("", "localhost", "(none)")
"""What a machine is called that nobody named."""


class BoxIdentity(Struct, frozen=True, kw_only=True):
    """`GET /api/box`, and what the box announces. `id` is 32 hexadecimal digits."""

    id: str
    name: str
    version: str


def identity_of(settings: Settings, secret: bytes) -> BoxIdentity:
    """The same box has the same id for as long as it has its secret, which nobody learns from the id."""
    digest = hmac.new(secret, _PURPOSE, hashlib.sha256).hexdigest()
    return BoxIdentity(
        id=digest[:_ID_HEX_DIGITS],
        name=settings.box_name or _host_name(),
        version=importlib.metadata.version("trackside"),
    )


def _host_name() -> str:
    """The machine's own name without its domain; Trackside when it has none."""
    name = socket.gethostname().split(".")[0]
    return "Trackside" if name in _UNNAMED else name
