"""
What a seat knows of its track: the fold of what the crew's stream said. Pure.

Clocks are of the moment of the race's last message (`at_ns` on the box's clock) and run on from there; how they are
shown without jumping back is tui/shown_clock.py's.
"""

from dataclasses import dataclass, replace

from timing.crew_structs import (
    Beat,
    BoardNow,
    CarsNow,
    CrewRace,
    CrewSnapshot,
    InLine,
    QueueNow,
    RaceNow,
    StripsNow,
    TrackNow,
    TracksNow,
)
from timing.queue_structs import QueueEntry
from timing.signal import BlindSpot
from timing.strip_health import StripHealth
from timing.structs import RaceState
from tui.wire import StreamMessage

NS_PER_MS = 1_000_000

NO_STRIPS = StripHealth(
    connected=False,
    simulated=False,
    caught_up=False,
    recorder_id=None,
    problem=None,
    last_seq=0,
    lost_edges=0,
    lines=[],
)
"""Nothing is known yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """
    A track as last heard. `known` is False before the first snapshot, and everything else empty.

    `race` is the live race, None without one; its clocks are of `at_ns`, CLOCK_MONOTONIC of the box's `boot_id`.
    """

    known: bool = False
    event_id: str = ""
    event_name: str = ""
    track_id: str = ""
    track_name: str = ""
    at_ns: int = 0
    boot_id: str = ""
    race: CrewRace | None = None
    tracks: tuple[TrackNow, ...] = ()
    queue: tuple[InLine, ...] = ()
    past: tuple[QueueEntry, ...] = ()
    strips: StripHealth = NO_STRIPS
    blind: tuple[BlindSpot, ...] = ()
    loose_open: int = 0
    board_version: int = 0
    you: str = ""
    may_run: bool = False

    @property
    def is_running(self) -> bool:
        """Whether clocks run."""
        return self.race is not None and self.race.view.state is RaceState.RUNNING


def after(picture: Picture, message: StreamMessage) -> Picture:
    """The picture after one more message; a snapshot replaces everything."""
    match message:
        case CrewSnapshot():
            picture = _anew(message)
        case RaceNow():
            clock = message.clock
            picture = replace(picture, race=message.race, at_ns=clock.mono_ns, boot_id=clock.boot_id)
        case QueueNow():
            picture = replace(picture, queue=tuple(message.queue), past=tuple(message.past))
        case StripsNow():
            blind = tuple(message.blind)
            picture = replace(picture, strips=message.strips, blind=blind, loose_open=message.loose_open)
        case TracksNow():
            picture = replace(picture, tracks=tuple(message.tracks))
        case BoardNow():
            picture = replace(picture, board_version=message.board_version)
        case CarsNow() | Beat():
            pass
    return picture


def race_left_ms(picture: Picture, server_now_ns: int) -> int | None:
    """What is left of the race time; None without a race or a race time, never below zero."""
    if picture.race is None or picture.race.view.race_left_ms is None:
        return None
    return max(0, picture.race.view.race_left_ms - _run_on_ms(picture, server_now_ns))


def race_elapsed_ms(picture: Picture, server_now_ns: int) -> int:
    """Race time so far, without the pauses; 0 without a race."""
    return 0 if picture.race is None else picture.race.view.race_elapsed_ms + _run_on_ms(picture, server_now_ns)


def lap_elapsed_ms(picture: Picture, server_now_ns: int) -> int:
    """Time of the running lap; 0 without a race."""
    return 0 if picture.race is None else picture.race.view.lap_elapsed_ms + _run_on_ms(picture, server_now_ns)


def _run_on_ms(picture: Picture, server_now_ns: int) -> int:
    return max(0, server_now_ns - picture.at_ns) // NS_PER_MS if picture.is_running else 0


def _anew(message: CrewSnapshot) -> Picture:
    return Picture(
        known=True,
        event_id=message.event_id,
        event_name=message.event_name,
        track_id=message.track_id,
        track_name=message.track_name,
        at_ns=message.clock.mono_ns,
        boot_id=message.clock.boot_id,
        race=message.race,
        tracks=tuple(message.tracks),
        queue=tuple(message.queue),
        past=tuple(message.past),
        strips=message.strips,
        blind=tuple(message.blind),
        loose_open=message.loose_open,
        board_version=message.board_version,
        you=message.you,
        may_run=message.may_run,
    )
