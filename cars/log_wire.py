"""
What server and logs worker say to each other: one line of JSON each, orders one way and news the other. Pure.

Names and sizes come from a car: they are checked where they arrive, and believed for nothing but showing them.
"""

from enum import StrEnum
from typing import TypeAlias

import msgspec
from msgspec import Struct

from cars.lines_wire import Line
from cars.log_structs import LogState
from cars.worker_wire import Beat


class Sought(Struct, frozen=True, kw_only=True):
    """
    Which recordings are meant: those of a drive between two moments of the box's clock, or the one of this name.

    `folder` is the model's on the car, where it is known.
    """

    from_s: int
    to_s: int
    folder: str | None = None
    recording: str | None = None


class Fetch(Struct, frozen=True, kw_only=True, tag="fetch"):
    """
    Bring recordings to the file `target`, after what an earlier try left there. `token` names their stage on the car.

    `reserve_bytes` stay free on the box's disk, whatever happens.
    """

    log_id: str
    line: Line
    token: str
    sought: Sought
    target: str
    max_bytes: int
    reserve_bytes: int


class Stop(Struct, frozen=True, kw_only=True, tag="stop"):
    """Let it be for now; what is here stays, to go on from."""

    log_id: str


class ReadLogs(Struct, frozen=True, kw_only=True, tag="read_logs"):
    """Which recordings a car has; answered by `LogsRead` with this `request_id`."""

    request_id: str
    line: Line


class Outcome(StrEnum):
    """How one try ended."""

    GOT = "got"
    NOTHING = "nothing"
    LOST = "lost"
    """The car went out of reach: it is worth another try."""
    FAILED = "failed"
    STOPPED = "stopped"


class Went(Struct, frozen=True, kw_only=True, tag="went"):
    """A try went on."""

    log_id: str
    state: LogState
    got_bytes: int
    size_bytes: int


class Ended(Struct, frozen=True, kw_only=True, tag="ended"):
    """A try ended. `names` and `size_bytes` are of what was got."""

    log_id: str
    outcome: Outcome
    names: tuple[str, ...] = ()
    size_bytes: int = 0
    reason: str | None = None
    remedy: str | None = None


class Found(Struct, frozen=True, kw_only=True):
    """A recording as the car tells of it, its moments on the car's clock."""

    name: str
    size_bytes: int
    changed_at_s: int
    began_at_s: int | None = None


class LogsRead(Struct, frozen=True, kw_only=True, tag="logs_read"):
    """What a car has, or why it could not be read. `clock_off_s`: how far its clock is before the box's."""

    request_id: str
    logs: tuple[Found, ...] = ()
    clock_off_s: int = 0
    reason: str | None = None
    remedy: str | None = None


Order: TypeAlias = Fetch | Stop | ReadLogs
LogNews: TypeAlias = Went | Ended | LogsRead
News: TypeAlias = LogNews | Beat

ORDERS: "msgspec.json.Decoder[Order]" = msgspec.json.Decoder(Fetch | Stop | ReadLogs)
NEWS: "msgspec.json.Decoder[News]" = msgspec.json.Decoder(Went | Ended | LogsRead | Beat)
