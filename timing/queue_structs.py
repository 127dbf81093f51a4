"""The shapes of a track's line, as every page, screen and terminal shows it. Pure; no behaviour."""

from enum import StrEnum

from msgspec import Struct


class QueueState(StrEnum):
    """`waiting`, `called` and `skipped` stand in line; `racing` is on the track; the rest have left the line."""

    WAITING = "waiting"
    CALLED = "called"
    SKIPPED = "skipped"
    RACING = "racing"
    DONE = "done"
    NO_SHOW = "no_show"
    REMOVED = "removed"


class QueueEntry(Struct, frozen=True, kw_only=True):
    """
    One racer's place in a line. `position` counts from 1 (next to race); None for who is racing or has left the line.

    `car_id` and `model_id` are what was prepared: a race made from this entry gets them. None: nothing prepared.
    """

    queue_id: str
    event_id: str
    track_id: str
    racer_id: str
    username: str
    country: str | None
    colour: str | None
    state: QueueState
    position: int | None
    added_at: str
    called_at: str | None
    race_id: str | None
    car_id: str | None = None
    model_id: str | None = None
