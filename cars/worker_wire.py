"""What all worker processes and the server have in common on the wire: lines of JSON, and a sign of life. Pure."""

import msgspec
from msgspec import Struct

_ENCODER = msgspec.json.Encoder()


class Beat(Struct, frozen=True, kw_only=True, tag="beat"):
    """A worker's sign of life."""


def line_of(message: Struct) -> bytes:
    """A message as it goes over the wire."""
    return _ENCODER.encode(message) + b"\n"
