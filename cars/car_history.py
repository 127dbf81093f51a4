"""What is written down of a car, by its serial and for ever: the kinds of entry, and an entry as it is shown. Pure."""

from enum import StrEnum

from msgspec import Struct


class CarNote(StrEnum):
    """What happened to a car, or was done with it."""

    ENROLLED = "enrolled"
    REFLASHED = "reflashed"
    """Enrolled again with another host key: its system was flashed anew."""
    CLONED = "cloned"
    """Another car shows the same host key: both were made from one image."""
    RENAMED = "renamed"
    RELEASED = "released"
    PUSHED = "pushed"
    """A model was put on it."""
    DELETED = "deleted"
    """Models were taken off it."""
    COMMAND = "command"
    BATTERY = "battery"


class CarHistoryLine(Struct, frozen=True, kw_only=True):
    """One entry; `details` is a sentence for people, `actor` a person's id or the box's own word."""

    entry: int
    car_id: str
    serial: str
    at: str
    actor: str
    kind: CarNote
    details: str
