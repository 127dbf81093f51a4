"""
The race's state machine as one table: what may happen in which state, and what it does.

DREM's machine (reference/drem.md 2.2) with its bugs mended (section 10 there). docs/race.md is drawn from this table,
and a test fails when the two differ. Pure; holds no behaviour, tape.py and fold.py give each `Do` its meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from timing.journal import ACTOR_BOX, Entry, Kind
from timing.structs import RaceState


class Do(StrEnum):
    """What a step does, in the words of docs/race.md."""

    START = "starts both clocks; makes no lap"
    STOP = "stops both clocks"
    RESUME = "both clocks go on"
    RESUME_AT_LINE = "both clocks go on and the lap clock starts again from zero; makes no lap"
    CAPTURE = "makes a lap; the lap clock and the reset counter start again from zero"
    CAPTURE_DNF = "makes an invalid lap; stops both clocks"
    ADD_RESET = "one reset more in this lap"
    TAKE_RESET = "one reset less in this lap, never below zero"
    SET_CAR = "the laps from here on are driven with this car and model, with `laps_so_far` those before it too"
    SET_CAR_SO_FAR = "all laps were driven with this car and model; refused without `laps_so_far`"
    UNDO = "the last lap was never taken: its time and its resets are given back"
    DROP = "that crossing never happened: all is as it would be without it"
    RESCORE = "says with which lock-out its crossings are scored"
    EDIT = "changes what is recorded, with who and when"
    NOTHING = "nothing else"


@dataclass(frozen=True, slots=True)
class Step:
    """
    One cell of the table.

    `to` is the next state; `to_at_end` the one after a capture when the time is up or a lap-count race has its laps.
    `box_only`: legal for what the box writes itself, refused to people. `holds`: refused to everybody now, but what was
    accepted once holds in this state too, when a crossing before it was dropped or added later. `so_far_only`: legal
    only for what is about the laps driven so far.
    """

    do: Do
    to: RaceState
    to_at_end: RaceState | None = None
    box_only: bool = False
    holds: bool = False
    so_far_only: bool = False

    def takes(self, entry: Entry) -> bool:
        """Whether it is legal for this very entry: by whoever wrote it, and with what it says."""
        return (entry.actor == ACTOR_BOX or not self.box_only) and (entry.payload.laps_so_far or not self.so_far_only)


CROSSINGS = frozenset({Kind.CROSSING, Kind.ADD_CROSSING})
"""A car crossed the line: as the strips saw it, or given to the race by a person or a re-scoring."""

LAP_EDITS = frozenset({Kind.SET_VALIDITY, Kind.SET_TIME, Kind.SET_RESETS, Kind.DELETE_LAP, Kind.RESTORE_LAP})
"""Edits that name a lap."""

EDITS = LAP_EDITS | {Kind.SET_PROXY, Kind.SET_RACER, Kind.SET_TRACK, Kind.DELETE_RACE, Kind.RESTORE_RACE}
"""
Applied in the order in which they were accepted, whatever the clocks say: a crossing that arrives late may move the
moment at which the race ended, and must not undo what a person corrected.
"""

UNTIMED = EDITS | {Kind.UNDO_LAP, Kind.DROP_CROSSING, Kind.RESCORE}
"""Everything that does not happen at a point of the race's own time."""


def _edits(state: RaceState, *kinds: Kind) -> dict[tuple[RaceState, Kind], Step]:
    return {(state, kind): Step(Do.EDIT, state) for kind in kinds}


def _over_and_submitted_edits(state: RaceState) -> dict[tuple[RaceState, Kind], Step]:
    return _edits(state, *(kind for kind in Kind if kind in EDITS))


_READY, _RUNNING, _PAUSED, _OVER = RaceState.READY, RaceState.RUNNING, RaceState.PAUSED, RaceState.OVER
_SUBMITTED, _DISCARDED = RaceState.SUBMITTED, RaceState.DISCARDED

TRANSITIONS: Mapping[tuple[RaceState, Kind], Step] = MappingProxyType(
    {
        (_READY, Kind.CROSSING): Step(Do.START, _RUNNING),
        (_READY, Kind.ADD_CROSSING): Step(Do.START, _RUNNING),
        (_READY, Kind.START): Step(Do.START, _RUNNING),
        (_READY, Kind.SET_CAR): Step(Do.SET_CAR, _READY),
        (_READY, Kind.END): Step(Do.STOP, _OVER),
        (_READY, Kind.DISCARD): Step(Do.NOTHING, _DISCARDED),
        (_READY, Kind.SUBMIT): Step(Do.NOTHING, _SUBMITTED, holds=True),
        **_edits(_READY, Kind.SET_PROXY, Kind.SET_RACER),
        (_RUNNING, Kind.CROSSING): Step(Do.CAPTURE, _RUNNING, to_at_end=_OVER),
        (_RUNNING, Kind.ADD_CROSSING): Step(Do.CAPTURE, _RUNNING, to_at_end=_OVER),
        (_RUNNING, Kind.LAP): Step(Do.CAPTURE, _RUNNING, to_at_end=_OVER),
        (_RUNNING, Kind.DNF): Step(Do.CAPTURE_DNF, _PAUSED, to_at_end=_OVER),
        (_RUNNING, Kind.PAUSE): Step(Do.STOP, _PAUSED),
        (_RUNNING, Kind.RESET): Step(Do.ADD_RESET, _RUNNING),
        (_RUNNING, Kind.UNDO_RESET): Step(Do.TAKE_RESET, _RUNNING),
        (_RUNNING, Kind.UNDO_LAP): Step(Do.UNDO, _RUNNING),
        (_RUNNING, Kind.DROP_CROSSING): Step(Do.DROP, _RUNNING),
        (_RUNNING, Kind.SET_CAR): Step(Do.SET_CAR, _RUNNING),
        (_RUNNING, Kind.END): Step(Do.STOP, _OVER),
        (_RUNNING, Kind.SUBMIT): Step(Do.STOP, _SUBMITTED, holds=True),
        **_edits(_RUNNING, Kind.SET_VALIDITY, Kind.SET_PROXY),
        (_PAUSED, Kind.CROSSING): Step(Do.RESUME_AT_LINE, _RUNNING),
        (_PAUSED, Kind.ADD_CROSSING): Step(Do.RESUME_AT_LINE, _RUNNING),
        (_PAUSED, Kind.RESUME): Step(Do.RESUME, _RUNNING),
        (_PAUSED, Kind.PAUSE): Step(Do.NOTHING, _PAUSED, box_only=True),
        (_PAUSED, Kind.UNDO_LAP): Step(Do.UNDO, _PAUSED),
        (_PAUSED, Kind.DROP_CROSSING): Step(Do.DROP, _PAUSED),
        (_PAUSED, Kind.RESCORE): Step(Do.RESCORE, _PAUSED),
        (_PAUSED, Kind.SET_CAR): Step(Do.SET_CAR, _PAUSED),
        (_PAUSED, Kind.END): Step(Do.STOP, _OVER),
        (_PAUSED, Kind.SUBMIT): Step(Do.NOTHING, _SUBMITTED, holds=True),
        (_PAUSED, Kind.DISCARD): Step(Do.NOTHING, _DISCARDED),
        **_edits(_PAUSED, Kind.SET_VALIDITY, Kind.SET_PROXY),
        (_OVER, Kind.UNDO_LAP): Step(Do.UNDO, _OVER),
        (_OVER, Kind.DROP_CROSSING): Step(Do.DROP, _OVER),
        (_OVER, Kind.RESCORE): Step(Do.RESCORE, _OVER),
        (_OVER, Kind.SET_CAR): Step(Do.SET_CAR, _OVER),
        (_OVER, Kind.CANCEL_END): Step(Do.NOTHING, _PAUSED),
        (_OVER, Kind.SUBMIT): Step(Do.NOTHING, _SUBMITTED),
        (_OVER, Kind.DISCARD): Step(Do.NOTHING, _DISCARDED),
        **_over_and_submitted_edits(_OVER),
        (_SUBMITTED, Kind.SET_CAR): Step(Do.SET_CAR_SO_FAR, _SUBMITTED, so_far_only=True),
        (_SUBMITTED, Kind.DROP_CROSSING): Step(Do.DROP, _SUBMITTED),
        (_SUBMITTED, Kind.RESCORE): Step(Do.RESCORE, _SUBMITTED),
        **_over_and_submitted_edits(_SUBMITTED),
    }
)
"""The one table. A pair that is not in it is refused and changes nothing; `discarded` has no way out."""
