"""
The shapes that leave the room: what the API answers and the live stream carries. Pure; no behaviour.

Times: `…_ms` whole milliseconds rounded down from ns; `…_at` UTC as ISO 8601.
"""

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from timing.journal import Id, Kind, ShortText
from timing.rules import EventType, RaceRules

Name = Annotated[str, Meta(min_length=1, max_length=80)]
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$")]
"""ISO 3166 alpha-2, upper case."""


class RaceState(StrEnum):
    """DREM's states (reference/drem.md 2.2); `submitted` and `discarded` are final."""

    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    OVER = "over"
    SUBMITTED = "submitted"
    DISCARDED = "discarded"


LIVE_STATES = frozenset({RaceState.READY, RaceState.RUNNING, RaceState.PAUSED, RaceState.OVER})


class LapView(Struct, frozen=True, kw_only=True):
    """
    One lap. `lap` counts from 1 and keeps its number when another lap is deleted; `seq` is the journal entry that
    made it. `suspect`: faster than `min_lap_ms`, or within the lock-out of what was before it (a lap key pressed for a
    pass that the strip saw too), highlighted only. `set_at` is when the lap was completed.
    """

    lap: int
    lap_ms: int
    resets: int
    valid: bool
    source: Literal["strip", "hand"]
    car_id: str | None
    model_id: str | None
    seq: int
    dnf: bool
    suspect: bool
    deleted: bool
    edited: bool
    set_at: str


class AverageView(Struct, frozen=True, kw_only=True):
    """A window of adjacent valid laps: first and last lap number, and the mean in whole ms (half rounds up)."""

    first_lap: int
    last_lap: int
    average_ms: int


class RaceView(Struct, frozen=True, kw_only=True):
    """
    `GET /api/races/{race_id}`: the fold of the race's journal at one moment.

    `race_left_ms` is None without a race time and 0 once time is up. `laps` in order, deleted ones left out;
    `averages` fastest first. `version` is the number of journal entries folded.
    """

    race_id: str
    event_id: str
    track_id: str
    racer_id: str
    username: str
    country: str | None
    colour: str | None
    by_proxy: bool
    car_id: str | None
    model_id: str | None
    state: RaceState
    time_up: bool
    race_left_ms: int | None
    race_elapsed_ms: int
    lap_elapsed_ms: int
    resets: int
    laps: list[LapView]
    averages: list[AverageView]
    best_ms: int | None
    rules: RaceRules
    run: int
    """Which run of this racer on this track it is, from 1."""
    version: int
    created_at: str
    started_at: str | None
    submitted_at: str | None
    deleted: bool = False


class NewRace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    `POST /api/races`. `override` lets staff go past the run limit; it is recorded. `race_id` may be made by the
    client so that a retry finds the race it made before.
    """

    event_id: Id
    track_id: Id
    racer_id: Id
    by_proxy: bool = False
    car_id: Id | None = None
    model_id: Id | None = None
    override: bool = False
    race_id: Id | None = None


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    `POST /api/races/{race_id}/actions`. `action_id` is made by the client: the same id again changes nothing.

    Fields by kind: set_validity (lap, valid), set_time (lap, lap_ms), set_resets (lap, resets), delete_lap and
    restore_lap (lap), set_car (car_id, model_id, laps_so_far), set_proxy (by_proxy), set_racer (racer_id), set_track
    (track_id). `laps_so_far`: the laps driven before get this car and model too; all there is to set after the submit.

    `pressed_at_ns` of `pressed_boot_id`, both or neither: the moment of the press on the box's CLOCK_MONOTONIC, as a
    terminal knows it from `GET /api/clock`; it counts then (docs/api.md, "Late presses"). Without: when it arrives.
    """

    action_id: Id
    kind: Kind
    lap: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    valid: bool | None = None
    lap_ms: Annotated[int, Meta(ge=0, le=86_400_000)] | None = None
    resets: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    car_id: Id | None = None
    model_id: Id | None = None
    laps_so_far: bool = False
    racer_id: Id | None = None
    track_id: Id | None = None
    by_proxy: bool | None = None
    reason: ShortText | None = None
    pressed_at_ns: Annotated[int, Meta(ge=0, le=9_223_372_036_854_775_807)] | None = None
    pressed_boot_id: Id | None = None


class StripLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of one recorder; `recorder_id` None means the box's own."""

    line: Annotated[int, Meta(ge=0, le=1023)]
    recorder_id: Id | None = None


class Track(Struct, frozen=True, kw_only=True):
    """`lines` None: every line of the box's own recorder times this track."""

    track_id: str
    name: str
    footer: str = ""
    fleet_id: str | None = None
    lines: list[StripLine] | None = None


class Event(Struct, frozen=True, kw_only=True):
    """The race day. `date` is YYYY-MM-DD or None."""

    event_id: str
    name: str
    type: EventType
    date: str | None
    country: str | None
    sponsor: str | None
    rules: RaceRules
    tracks: list[Track]
    created_at: str


class NewTrack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A track in a request; without `track_id` it is a new one and gets the next number never used before."""

    name: Name
    track_id: Annotated[str, Meta(pattern=r"^(?!combined$)[A-Za-z0-9_-]{1,64}$")] | None = None
    footer: ShortText = ""
    fleet_id: Id | None = None
    lines: Annotated[list[StripLine], Meta(max_length=32)] | None = None


class NewEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/events`. Without tracks it gets one called "Track 1"."""

    name: Name
    type: EventType = EventType.PRIVATE_TRACK_RACE
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    country: Country | None = None
    sponsor: Annotated[str, Meta(max_length=80)] | None = None
    rules: RaceRules = RaceRules()
    tracks: Annotated[list[NewTrack], Meta(max_length=16)] = []


class EventPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`PATCH /api/events/{event_id}`: only what is sent changes; `tracks`, when sent, is the whole new list."""

    name: Name | UnsetType = UNSET
    type: EventType | UnsetType = UNSET
    date: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")] | UnsetType | None = UNSET
    country: Country | UnsetType | None = UNSET
    sponsor: Annotated[str, Meta(max_length=80)] | UnsetType | None = UNSET
    rules: RaceRules | UnsetType = UNSET
    tracks: Annotated[list[NewTrack], Meta(min_length=1, max_length=16)] | UnsetType = UNSET


class Standing(Struct, frozen=True, kw_only=True):
    """
    A racer's row on a board, and their summary (reference/drem.md 2.8).

    `place` None without a value; equal values to the last tie-break share a place. `by_proxy` is the flag of the
    race that set the ranked value (of the latest race when there is none). `completion_percent` is valid of all laps.
    `set_at`: when the ranked value was set. `tied`: shares its place with the row before it.
    """

    place: int | None
    racer_id: str
    username: str
    country: str | None
    colour: str | None
    best_ms: int | None
    best_average: AverageView | None
    valid_laps: int
    invalid_laps: int
    runs: int
    by_proxy: bool
    mean_ms: int | None
    completion_percent: int
    laps_per_run: float
    longest_valid_run: int
    gap_ms: int | None
    """To the row in first place, by the board's own key; 0 for the first, None without a value."""
    tied: bool
    track_id: str
    set_at: str | None


class BoardFormat(StrEnum):
    """DREM's names in the board's address."""

    FASTEST = "fastest"
    AVERAGE = "average"


COMBINED = "combined"
"""The pseudo-track that shows each racer's best row of all tracks."""


class Board(Struct, frozen=True, kw_only=True):
    """`GET /api/events/{event_id}/board`. `version` grows with every change of this board while the server runs."""

    event_id: str
    track: str
    format: BoardFormat
    version: int
    rows: list[Standing]
