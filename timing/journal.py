"""
The race's journal: what happened, in the order in which it was accepted. Facts only; results are folded from them.

Owns the shapes; timing/race.py gives them meaning, timing/races.py stores them. Pure.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

ShortText = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class Kind(StrEnum):
    """What an entry says. `ready` is always entry 0; everything from `set_time` on is an edit after the race."""

    READY = "ready"
    CROSSING = "crossing"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    LAP = "lap"
    RESET = "reset"
    UNDO_RESET = "undo_reset"
    DNF = "dnf"
    UNDO_LAP = "undo_lap"
    SET_VALIDITY = "set_validity"
    SET_CAR = "set_car"
    END = "end"
    CANCEL_END = "cancel_end"
    SUBMIT = "submit"
    DISCARD = "discard"
    SET_TIME = "set_time"
    SET_RESETS = "set_resets"
    SET_PROXY = "set_proxy"
    SET_RACER = "set_racer"
    SET_TRACK = "set_track"
    DELETE_LAP = "delete_lap"
    RESTORE_LAP = "restore_lap"
    DELETE_RACE = "delete_race"
    RESTORE_RACE = "restore_race"
    ADD_CROSSING = "add_crossing"
    DROP_CROSSING = "drop_crossing"
    RESCORE = "rescore"


class Payload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a kind needs besides its time; unused fields stay None. Units and meaning:

    `lap`: lap number, from 1. `target_seq`: the journal entry that made the lap meant (resolved by the server when
    the action is accepted, so that a late crossing cannot change what was meant). `edge_ns`: the kernel's raw stamp
    on the recorder's clock, equal to `at_ns` when recorder and server share a machine. `reason`: free text, or
    "power_cut" on the pause that the box itself writes. `override`: staff went past `max_runs`. `lockout_ms`: what the
    race was scored with anew. `late_ms`: so much later than it was pressed it reached the box, from 1 s on.
    `laps_so_far`: the laps before it were driven with this car and model too; not in journals of before there was such.
    """

    lap: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    target_seq: int | None = None
    valid: bool | None = None
    lap_ms: Annotated[int, Meta(ge=0, le=86_400_000)] | None = None
    resets: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    car_id: Id | None = None
    model_id: Id | None = None
    laps_so_far: bool = False
    racer_id: Id | None = None
    track_id: Id | None = None
    by_proxy: bool | None = None
    recorder_id: Id | None = None
    recorder_boot_id: Id | None = None
    edge_seq: int | None = None
    edge_ns: int | None = None
    line: int | None = None
    reason: ShortText | None = None
    override: bool | None = None
    lockout_ms: Annotated[int, Meta(ge=0, le=60_000)] | None = None
    late_ms: Annotated[int, Meta(ge=0)] | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """
    One row of the journal.

    `seq` counts from 0 without holes in each race, in the order of acceptance; `at_ns` (CLOCK_MONOTONIC of `boot_id`)
    says when it happened, and may lie before the previous entry's (a crossing that arrives late). `wall_ns` is UTC.
    `action_id` is unique in the race: a client-made id, or "<recorder_id>:<edge_seq>" for a crossing.
    """

    race_id: str
    seq: int
    action_id: str
    at_ns: int
    boot_id: str
    wall_ns: int
    actor: str
    """The person's id, "strip" for a crossing, "button" for the button at the track, "box" for Trackside itself."""
    kind: Kind
    payload: Payload = Payload()


ACTOR_STRIP = "strip"
ACTOR_BOX = "box"
ACTOR_BUTTON = "button"
