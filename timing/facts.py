"""What the racing tells the rooms above: past-tense facts, published after they are durable. Pure."""

from msgspec import Struct

from timing.crossings import EdgeSeen
from timing.journal import Kind
from timing.structs import RaceView


class RaceChanged(Struct, frozen=True, kw_only=True):
    """An entry of this race is durable (`kind` and `actor` of the newest one); `view` is the race with it."""

    view: RaceView
    kind: Kind
    actor: str


class BoardChanged(Struct, frozen=True, kw_only=True):
    """
    The results of these racers in this event changed, so every board of it may have. `version` is the new one.

    `finished_race_id` is set when it was a race handed in just now, which boards celebrate.
    """

    event_id: str
    version: int
    racer_ids: tuple[str, ...]
    finished_race_id: str | None = None


class EventChanged(Struct, frozen=True, kw_only=True):
    """An event was made, changed or removed."""

    event_id: str


class QueueChanged(Struct, frozen=True, kw_only=True):
    """The queue of a track changed."""

    event_id: str
    track_id: str


class StripsChanged(Struct, frozen=True, kw_only=True):
    """The recorder came or went, or a line was hit: whoever shows strip health looks again."""


class CrossingUnassigned(Struct, frozen=True, kw_only=True):
    """A crossing on a track where no race took it: "who was that?"."""

    event_id: str
    track_id: str
    line: int
    at_ns: int


class EdgeHeard(Struct, frozen=True, kw_only=True):
    """A recorder sent an edge just now; edges that it replays after a connection are not told."""

    edge: EdgeSeen


class CrossingGone(Struct, frozen=True, kw_only=True):
    """A loose crossing was given to a race or dismissed."""

    event_id: str
    track_id: str


class RemotesChanged(Struct, frozen=True, kw_only=True):
    """Recorders on other machines were added, changed or removed, or the way to one opened or closed."""
