"""
The timing stream, version 1: the messages between a recorder and its clients, one JSON object per line.

Owns the shapes and the line format (docs/timing-stream.md tells it to others); refuses lines it does not understand.
Extensions to version 1, all of them fields or messages that others ignore: `strips`, `note` and a line's `role` in the
hello, `stamp` in an edge, `boot_id` and `blind` in a gap, `problem` in a clock, and the client's `hit` and `crossing`.
Pure.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from appliance.errors import InvalidInput

PROTOCOL = 1
MAX_CLIENT_LINE_BYTES = 4_096
"""A client's longest honest line is under 200 bytes; more is a mistake or an attack on the recorder's memory."""
MAX_RECORDER_LINE_BYTES = 1_048_576
"""A hello that names 1,024 lines stays far below it."""
HEARTBEAT_S = 1.0
"""How often a recorder says its clocks."""

Seq = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""An edge number: from 1 without holes; 0 is before the first."""
LineNumber = Annotated[int, Meta(ge=0, le=1023)]
"""A GPIO line's offset on its chip, or whatever number a simulated strip was given."""
Ns = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class NotUnderstood(InvalidInput):
    """A line of the stream that cannot be read; the connection ends with it."""


class Level(StrEnum):
    """What the strip did: `active` is pressed."""

    ACTIVE = "active"
    INACTIVE = "inactive"


class StripsKind(StrEnum):
    """What stands behind a recorder's lines; only `simulated` ones can be hit by a client."""

    SIMULATED = "simulated"
    DISABLED = "disabled"
    GPIO = "gpio"
    DREM_KIT = "drem_kit"


class Problem(StrEnum):
    """
    What a recorder in trouble adds to its clock message.

    `disk_full`: still recording, on its reserve. `not_recording`: edges wait in memory until the disk takes them.
    `strips_away`: what senses the crossings is another machine, and it does not answer.
    """

    DISK_FULL = "disk_full"
    NOT_RECORDING = "not_recording"
    STRIPS_AWAY = "strips_away"


class LineRole(StrEnum):
    """What is wired to a line: a timing strip, or the start and lap button."""

    STRIP = "strip"
    BUTTON = "button"


class Stamp(StrEnum):
    """
    Where a stamp that is not the kernel's comes from.

    `wall_ms`: another machine's wall clock in milliseconds. `arrival`: when the message of a machine that sends no
    time arrived here.
    """

    WALL_MS = "wall_ms"
    ARRIVAL = "arrival"


class BlindReason(StrEnum):
    """Why a recorder was not running: it was stopped, it was killed or failed, or the machine went off."""

    STOPPED = "stopped"
    KILLED = "killed"
    POWER = "power"


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One input and the name people know it by."""

    line: LineNumber
    name: str
    role: LineRole = LineRole.STRIP


# What clients say


class ClientHello(Struct, frozen=True, kw_only=True, tag_field="type", tag="hello"):
    """The first line. `after`: the last edge number the client holds, 0 for all, None for live only."""

    protocol: int
    after: Seq | None


class Ping(Struct, frozen=True, kw_only=True, tag_field="type", tag="ping"):
    """Asks for a `Pong` with the same `id`."""

    id: Ns


class Hit(Struct, frozen=True, kw_only=True, tag_field="type", tag="hit"):
    """Press a simulated strip now for `hold_ms`, bouncing `bounces` times in its first milliseconds."""

    line: LineNumber
    hold_ms: Annotated[int, Meta(ge=1, le=10_000)] = 40
    bounces: Annotated[int, Meta(ge=0, le=100)] = 0


class Crossed(Struct, frozen=True, kw_only=True, tag_field="type", tag="crossing"):
    """The server counted a crossing on this line: the recorder sounds its buzzer, if it has one."""

    line: LineNumber


ClientMessage = ClientHello | Ping | Hit | Crossed


# What recorders say


class RecorderHello(Struct, frozen=True, kw_only=True, tag_field="type", tag="hello", omit_defaults=True):
    """The first line: who records, its clocks at this moment, and the number of its newest durable edge."""

    protocol: int
    recorder_id: str
    boot_id: str
    mono_ns: Ns
    wall_ns: Ns
    last_seq: Seq
    lines: list[Line]
    strips: str | None = None
    note: str | None = None
    """What people should know of these strips, in words: a fall-back in use, lost edges that cannot be noticed."""


class Edge(Struct, frozen=True, kw_only=True, tag_field="type", tag="edge", omit_defaults=True):
    """
    One durable edge. `at_ns` is the kernel's CLOCK_MONOTONIC stamp in boot `boot_id`; `wall_ns` the UTC estimate.

    With `stamp` the time is not the kernel's: `wall_ms` differences are those of another machine's wall clock, those
    with `arrival` have the network's delay in them.
    """

    seq: Seq
    boot_id: str
    line: LineNumber
    edge: Level
    at_ns: Ns
    wall_ns: Ns
    stamp: Stamp | None = None


class Blind(Struct, frozen=True, kw_only=True):
    """
    From when no recorder was watching, on the clock of `boot_id` and in UTC; it ended at the gap's `at_ns`.

    `to_wall_ns` is that end in UTC. With another `boot_id` than the gap's only the UTC times compare.
    """

    boot_id: str
    from_ns: Ns
    from_wall_ns: Ns
    to_wall_ns: Ns
    reason: BlindReason


class Gap(Struct, frozen=True, kw_only=True, tag_field="type", tag="gap", omit_defaults=True):
    """
    `lost` edges of a line are known to be missing, noticed at `at_ns`. Numbered like an edge.

    With `blind` nobody knows how many: `lost` is 0, all lines are meant, and `at_ns` is when watching began again.
    """

    seq: Seq
    line: LineNumber
    lost: Seq
    at_ns: Ns
    boot_id: str = ""
    blind: Blind | None = None


class CaughtUp(Struct, frozen=True, kw_only=True, tag_field="type", tag="caught_up"):
    """The replay is over at `seq`; what follows is live."""

    seq: Seq


class Clock(Struct, frozen=True, kw_only=True, tag_field="type", tag="clock", omit_defaults=True):
    """The heartbeat: both clocks, read together."""

    mono_ns: Ns
    wall_ns: Ns
    boot_id: str
    problem: str | None = None


class Pong(Struct, frozen=True, kw_only=True, tag_field="type", tag="pong"):
    """Answers a `Ping`; `mono_ns` was read when it was answered."""

    id: Ns
    mono_ns: Ns


class Refusal(Struct, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """Why the recorder ends the connection."""

    message: str


RecorderMessage = RecorderHello | Edge | Gap | CaughtUp | Clock | Pong | Refusal

_encoder = msgspec.json.Encoder()
_from_client: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_from_recorder: msgspec.json.Decoder[RecorderMessage] = msgspec.json.Decoder(RecorderMessage)
_type_only = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RECORDER_TYPES = frozenset({b'"hello"', b'"edge"', b'"gap"', b'"caught_up"', b'"clock"', b'"pong"', b'"error"'})
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def encode(message: ClientMessage | RecorderMessage) -> bytes:
    """The message as one line, newline included."""
    return _encoder.encode(message) + b"\n"


def decode_client_line(line: bytes) -> ClientMessage:
    """
    Read what a client said.

    Raises:
        NotUnderstood: not JSON, not a message of version 1, or a value out of range.
    """
    try:
        return _from_client.decode(line)
    except _UNREADABLE as error:
        raise _not_understood(error) from error


def decode_recorder_line(line: bytes) -> RecorderMessage | None:
    """
    Read what a recorder said; None for a well-formed message of a type that version 1 does not know.

    Raises:
        NotUnderstood: not JSON, or a known message with a missing or impossible field.
    """
    try:
        return _from_recorder.decode(line)
    except msgspec.ValidationError as error:
        if _is_unknown_type(line):
            return None
        raise _not_understood(error) from error
    except _UNREADABLE as error:
        raise _not_understood(error) from error


def _is_unknown_type(line: bytes) -> bool:
    try:
        kind = _type_only.decode(line).get("type")
    except _UNREADABLE:
        return False
    return kind is not None and bytes(kind).startswith(b'"') and bytes(kind) not in _RECORDER_TYPES


def _not_understood(error: Exception) -> NotUnderstood:
    return NotUnderstood(
        f"The line was not understood: {error}.",
        "Send one JSON object per line, as docs/timing-stream.md says.",
    )
