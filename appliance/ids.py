"""Ids: UUIDv7 text, so that they sort by the time they were made. Ids that come from DREM are kept as they are."""

from typing import NewType

from uuid6 import uuid7

EventId = NewType("EventId", str)
TrackId = NewType("TrackId", str)
"""Unique within its event only ("1", "2", as DREM has them); always goes together with an EventId."""
RacerId = NewType("RacerId", str)
"""A person's id; every person may race."""
RaceId = NewType("RaceId", str)


def new_id() -> str:
    """A fresh UUIDv7 in its 36-character text form."""
    return str(uuid7())
