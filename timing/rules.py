"""
The rules of an event and of its races, with DREM's choices and defaults.

Source: reference/drem.md 1.1 and 1.2 (website/src/admin/events/support-functions/raceConfig.ts). Pure.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct


class EventType(StrEnum):
    """DREM's seven; TEST_EVENT stays out of the statistics."""

    PRIVATE_WORKSHOP = "PRIVATE_WORKSHOP"
    PRIVATE_TRACK_RACE = "PRIVATE_TRACK_RACE"
    OFFICIAL_WORKSHOP = "OFFICIAL_WORKSHOP"
    OFFICIAL_TRACK_RACE = "OFFICIAL_TRACK_RACE"
    AWS_SUMMIT = "AWS_SUMMIT"
    TEST_EVENT = "TEST_EVENT"
    OTHER = "OTHER"


class TrackType(StrEnum):
    """DREM's eight track layouts."""

    REINVENT_2018 = "REINVENT_2018"
    REINVENT_2019 = "REINVENT_2019"
    REINVENT_2022 = "REINVENT_2022"
    REINVENT_2023 = "REINVENT_2023"
    FOREVER_RACEWAY = "FOREVER_RACEWAY"
    ATOZ_SPEEDWAY = "ATOZ_SPEEDWAY"
    SUMMIT_SPEEDWAY = "SUMMIT_SPEEDWAY"
    OTHER = "OTHER"


class Direction(StrEnum):
    """Which way round; DREM mixes them in its statistics (its issue 270)."""

    CLOCKWISE = "clockwise"
    COUNTER_CLOCKWISE = "counter_clockwise"


class Ranking(StrEnum):
    """What the board sorts by."""

    BEST_LAP = "best_lap"
    BEST_AVERAGE = "best_average"


LAP_COUNTS = (1, 2, 3, 4, 5, 10)
"""Laps after which a lap-count race ends by itself (DREM pull request 186)."""


class RaceRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    What a race is run by; copied into the race when it becomes ready. None means unlimited.

    `race_ms` 1–10 min in steps of a millisecond; `max_resets_per_lap` 0–10; `max_runs` 1–5; `average_window` 3–7
    adjacent laps; `lap_count` one of LAP_COUNTS, best-lap ranking only; `min_lap_ms` highlights, never drops;
    `lockout_ms` is shared by all strips of a track.
    """

    race_ms: Annotated[int, Meta(ge=1_000, le=3_600_000)] | None = 120_000
    max_resets_per_lap: Annotated[int, Meta(ge=0, le=1000)] | None = None
    max_runs: Annotated[int, Meta(ge=1, le=1000)] | None = 3
    ranking: Ranking = Ranking.BEST_LAP
    average_window: Annotated[int, Meta(ge=2, le=20)] = 3
    track_type: TrackType = TrackType.REINVENT_2018
    direction: Direction = Direction.COUNTER_CLOCKWISE
    min_lap_ms: Annotated[int, Meta(ge=0, le=600_000)] = 5_000
    lockout_ms: Annotated[int, Meta(ge=0, le=60_000)] = 2_000
    lap_count: Annotated[int, Meta(ge=1, le=10)] | None = None
