"""
Server-Sent Events: bytes to events to the messages of the crew's stream. Pure.

Refuses what is no such stream; an event that a newer box invented is passed over.
"""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from timing.crew_structs import Beat, BoardNow, CarsNow, CrewSnapshot, QueueNow, RaceNow, StripsNow, TracksNow
from timing.strip_picture import StripCheckNow
from tui.errors import BoxError
from tui.wire import UNREADABLE, StreamMessage

T = TypeVar("T")

MAX_EVENT_BYTES = 8 * 1024 * 1024
"""A snapshot of a long day is some 200 KiB; what grows past this is no stream of ours."""

SHAPES: dict[str, type[StreamMessage]] = {
    "snapshot": CrewSnapshot,
    "race": RaceNow,
    "queue": QueueNow,
    "strips": StripsNow,
    "tracks": TracksNow,
    "board": BoardNow,
    "cars": CarsNow,
    "beat": Beat,
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    name: str
    data: bytes


class Lines:
    """Cuts the bytes of a stream into events, wherever the network cut them into pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Event]:
        """
        The events that this piece completes, oldest first.

        Raises:
            BoxError: there is no end to an event.
        """
        *whole, self._rest = (self._rest + piece).replace(b"\r\n", b"\n").split(b"\n\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise _not_understood("an event without end")
        return [event for text in whole if (event := _event(text)) is not None]


def message_of(event: Event) -> StreamMessage | None:
    """
    What an event of the crew's stream says; None for one that this terminal does not know.

    Raises:
        BoxError: it is not of the shape that its name promises.
    """
    shape = SHAPES.get(event.name)
    return None if shape is None else _decoded(event, shape)


def check_of(event: Event) -> StripCheckNow | None:
    """The same of an event of the strip check's stream."""
    return _decoded(event, StripCheckNow) if event.name == "check" else None


def _decoded(event: Event, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(event.data, type=shape)
    except UNREADABLE as error:
        raise _not_understood(f"{event.name}: {error}") from error


def _event(text: bytes) -> Event | None:
    name, data = "message", []
    for line in text.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode(errors="replace")
        elif field == b"data":
            data.append(value)
    return Event(name, b"\n".join(data)) if data else None


def _not_understood(what: str) -> BoxError:
    return BoxError(
        f"The box says something that this terminal does not understand ({what}).",
        "Install the same version of Trackside here as on the box.",
    )
