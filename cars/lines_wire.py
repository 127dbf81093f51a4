"""
What server and lines worker say to each other: which cars to keep a line to, what to ask one, what it answered. Pure.

The worker knows nothing of the box's tables: an order carries all it needs.
"""

from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from cars.worker_wire import Beat


class Line(Struct, frozen=True, kw_only=True):
    """
    Where a car is, and the host key it must show ("ssh-ed25519 AAAA…"). `name` is what people call it.

    `serial` is who it must be besides: copies of one image all show one key.
    """

    car_id: str
    serial: str
    name: str
    address: str
    port: int
    username: str
    host_key: str


class Keep(Struct, frozen=True, kw_only=True, tag="keep"):
    """Keep a line to these cars and to no others, from now on."""

    lines: tuple[Line, ...]


class Call(Struct, frozen=True, kw_only=True, tag="call"):
    """
    Call the helper on a car, over the line that is there or a new one; answered by `Called` with this `request_id`.

    `breaks`: the car goes down by it; a connection that breaks is no answer, and what to do then is to look at the car.
    """

    request_id: str
    line: Line
    verb: str
    arguments: tuple[str, ...]
    within_s: float
    breaks: bool


class Called(Struct, frozen=True, kw_only=True, tag="called"):
    """The helper's answer, or what is wrong, in words. `is_broken`: the line to the car broke before there was one."""

    request_id: str
    told: dict[str, Any] | None = None
    message: str = ""
    remedy: str = ""
    is_broken: bool = False


Order: TypeAlias = Keep | Call
News: TypeAlias = Called | Beat

ORDERS: "msgspec.json.Decoder[Order]" = msgspec.json.Decoder(Keep | Call)
NEWS: "msgspec.json.Decoder[News]" = msgspec.json.Decoder(Called | Beat)
