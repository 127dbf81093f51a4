"""
The shapes that only the crew's terminals and pages see: the box's clock now, and the messages of the crew's live stream
(docs/api.md). Pure; no behaviour.

The clocks in a `RaceView` are of the moment of the message's `clock`: whoever shows them runs them on.
"""

from msgspec import Struct

from timing.journal import Id, Kind
from timing.queue_structs import QueueEntry
from timing.signal import BlindSpot
from timing.strip_health import StripHealth
from timing.structs import RaceState, RaceView
from timing.trail import TrailLine


class ClockReading(Struct, frozen=True, kw_only=True):
    """
    The box's clocks read together: CLOCK_MONOTONIC of `boot_id`, and UTC in ns since 1970.

    A terminal works out from `mono_ns` how far its own steady clock is from the box's, and stamps presses with it.
    """

    mono_ns: int
    wall_ns: int
    boot_id: Id


class CrewRace(Struct, frozen=True, kw_only=True):
    """
    The race on a track as its crew sees it. `allowed`: what its state allows now, by name.

    `power_cut`: the box itself paused it when it came back. `trail`: the newest entries in words, oldest first.
    """

    view: RaceView
    allowed: list[Kind]
    power_cut: bool
    trail: list[TrailLine]


class InLine(Struct, frozen=True, kw_only=True):
    """One racer in line, with how many runs of how many are done; None: as many as they like."""

    entry: QueueEntry
    runs_done: int
    max_runs: int | None


class TrackNow(Struct, frozen=True, kw_only=True):
    """One track of the event: who races on it now; None where nobody does."""

    track_id: str
    name: str
    username: str | None
    state: RaceState | None


class CrewSnapshot(Struct, frozen=True, kw_only=True):
    """
    Event `snapshot`: everything, for one device.

    `tracks` are all of the event; `queue` is the line, next one first, `past` who has left it, latest first; `blind`
    what the strips missed of the race on the track; `loose_open` how many crossings of this track no race took.
    `you` is the device's person, who with `may_run` may change things.
    """

    clock: ClockReading
    event_id: str
    event_name: str
    track_id: str
    track_name: str
    tracks: list[TrackNow]
    race: CrewRace | None
    queue: list[InLine]
    past: list[QueueEntry]
    strips: StripHealth
    blind: list[BlindSpot]
    loose_open: int
    board_version: int
    you: str
    may_run: bool


class RaceNow(Struct, frozen=True, kw_only=True):
    """Event `race`: the race on the track, None when there is none (any more)."""

    clock: ClockReading
    race: CrewRace | None


class QueueNow(Struct, frozen=True, kw_only=True):
    """Event `queue`."""

    queue: list[InLine]
    past: list[QueueEntry]


class StripsNow(Struct, frozen=True, kw_only=True):
    """Event `strips`, at most four a second."""

    strips: StripHealth
    blind: list[BlindSpot]
    loose_open: int


class TracksNow(Struct, frozen=True, kw_only=True):
    """Event `tracks`: who races on each track of the event."""

    tracks: list[TrackNow]


class BoardNow(Struct, frozen=True, kw_only=True):
    """Event `board`: the event's results changed; whoever shows a board asks for it again."""

    board_version: int


class CarsNow(Struct, frozen=True, kw_only=True):
    """
    Event `cars`, at most two a second: the cars, what they are sent or what they were asked changed. Whoever shows them
    asks again; `paired` of them there are, `online` of these answer.
    """

    paired: int
    online: int


class Beat(Struct, frozen=True, kw_only=True):
    """Event `beat`, every second, whatever else came: after three seconds of silence the link is lost."""

    clock: ClockReading


class CrewSeat(Struct, frozen=True, kw_only=True):
    """An open crew stream: who looks at which track, since when (UTC), from where."""

    username: str
    event_id: str
    track_id: str
    since: str
    address: str


class Connections(Struct, frozen=True, kw_only=True):
    """`GET /api/connections`: the hall's screens, the crew's terminals, and the crew's open pages."""

    screens: int
    seats: list[CrewSeat]
    pages: int
