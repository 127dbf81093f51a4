"""
What the live stream carries: public fields only, each message one Server-Sent Event, encoded once for all screens.

Pure. The shapes are written down for other programs in docs/api.md.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from timing.structs import AverageView, BoardFormat, LapView, RaceState, RaceView

ENCODER = msgspec.json.Encoder()


class LastLap(Struct, frozen=True, kw_only=True):
    """The lap a screen celebrates."""

    lap: int
    lap_ms: int
    valid: bool
    source: Literal["strip", "hand"]


class LiveRace(Struct, frozen=True, kw_only=True):
    """A race as the hall sees it. Clocks are of the moment of sending; screens run them on by themselves."""

    race_id: str
    event_id: str
    track_id: str
    racer_id: str
    username: str
    country: str | None
    colour: str | None
    by_proxy: bool
    state: RaceState
    time_up: bool
    race_left_ms: int | None
    lap_elapsed_ms: int
    resets: int
    laps: int
    last_lap: LastLap | None
    best_ms: int | None
    best_average: AverageView | None
    run: int
    version: int


class NextRacer(Struct, frozen=True, kw_only=True):
    """Somebody in the queue."""

    username: str
    country: str | None


class NextOnTrack(Struct, frozen=True, kw_only=True):
    """Who is next on a track."""

    track_id: str
    racers: list[NextRacer]


class Snapshot(Struct, frozen=True, kw_only=True):
    """Everything a screen shows; the first message of every stream. `rows` None: the screen has this version."""

    event_id: str
    track: str
    format: BoardFormat
    version: int
    rows: msgspec.Raw | None
    races: list[LiveRace]
    next: list[NextOnTrack]


class QueueMessage(Struct, frozen=True, kw_only=True):
    """The next racers of a track changed."""

    track_id: str
    next: list[NextRacer]


class Message(bytes):
    """
    An encoded event. `number` grows with each one of the box, so that a screen can tell what its snapshot includes.
    """

    number: int


class Beat(Struct, frozen=True):
    """Nothing happened, and the link is alive."""


def encode(event: str, payload: Struct) -> bytes:
    """One event on the wire (WHATWG HTML, 9.2.6); JSON holds no line break, so one data line is enough."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), ENCODER.encode(payload))


def live_race(view: RaceView) -> LiveRace:
    """The public part of a race."""
    last = view.laps[-1] if view.laps else None
    return LiveRace(
        race_id=view.race_id,
        event_id=view.event_id,
        track_id=view.track_id,
        racer_id=view.racer_id,
        username=view.username,
        country=view.country,
        colour=view.colour,
        by_proxy=view.by_proxy,
        state=view.state,
        time_up=view.time_up,
        race_left_ms=view.race_left_ms,
        lap_elapsed_ms=view.lap_elapsed_ms,
        resets=view.resets,
        laps=len(view.laps),
        last_lap=None if last is None else _last_lap(last),
        best_ms=view.best_ms,
        best_average=view.averages[0] if view.averages else None,
        run=view.run,
        version=view.version,
    )


def _last_lap(lap: LapView) -> LastLap:
    return LastLap(lap=lap.lap, lap_ms=lap.lap_ms, valid=lap.valid, source=lap.source)
