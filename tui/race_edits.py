"""
What a person may correct in a race, as actions: what the form says, how what was typed is read. Pure.

Each edit has an id of its own. Sent again with the same values, as after a lost answer, it is the same edit.
"""

import re
from collections.abc import Callable
from typing import Any

from timing.journal import Kind
from timing.lap_text import lap_time_ms
from timing.structs import LIVE_STATES, Action, LapView, RaceState, RaceView
from tui.words import lap_text

WRONG_TIME = "Type the time as mm:ss.mmm, for example 00:12.345."
MAX_RESETS = 1_000

_WHOLE = re.compile(r"[0-9]{1,9}")


class Drafts:
    """Makes the actions of one form."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._fields: dict[str, Any] | None = None
        self._id = ""

    def action(self, reason: str, **fields: Any) -> Action:
        """The action with these fields; the same fields make the same action."""
        fields["reason"] = reason.strip()[:200] or None
        if fields != self._fields:
            self._fields, self._id = fields, self._new_id()
        return Action(action_id=self._id, **fields)


def read_time(typed: str, lap: LapView) -> int | str:
    """A corrected lap time in ms, or what to type instead."""
    lap_ms = lap_time_ms(typed)
    if lap_ms is None:
        return WRONG_TIME
    if lap_ms == 0:
        return "A lap takes more than no time. Delete the lap if it was none."
    if lap_ms == lap.lap_ms:
        return f"It is {lap_text(lap_ms)} already. Type another time, or press Esc."
    return lap_ms


def read_resets(typed: str, lap: LapView) -> int | str:
    """The corrected number of resets, or what to type instead."""
    resets = whole(typed, 0, MAX_RESETS)
    if resets is None:
        return f"Type a whole number from 0 to {MAX_RESETS}."
    if resets == lap.resets:
        return f"It is {resets} already. Type another number, or press Esc."
    return resets


def whole(text: str, low: int, high: int) -> int | None:
    """A whole number from `low` to `high`; None when it is none."""
    text = text.strip()
    if _WHOLE.fullmatch(text) is None or not low <= int(text) <= high:
        return None
    return int(text)


def is_same(lap: LapView, now: LapView | None) -> bool:
    """Whether the lap is still as it was shown: a change by somebody else must not be lost unseen."""
    return now is not None and _facts(lap) == _facts(now)


def changed_words(lap: LapView, now: LapView | None) -> tuple[str, str]:
    """What somebody else did to it meanwhile, and what to do."""
    if now is None:
        return f"Lap {lap.lap} is not there any more.", "Close this and look at the laps again."
    said = "deleted" if now.deleted else f"{lap_text(now.lap_ms)}, {'valid' if now.valid else 'invalid'}"
    return (
        f"Lap {lap.lap} was changed meanwhile: it is {said}, {now.resets} resets.",
        "Close this and look at it again.",
    )


def why_not(race: RaceView, kind: Kind) -> tuple[str, str]:
    """Why a key does nothing to a race as it is, and what would help."""
    if race.deleted:
        return "This race is deleted.", "Restore it first: Ctrl+X."
    if race.state is RaceState.DISCARDED:
        return "This race was discarded.", "It counts nowhere and stays as it was."
    if race.state in LIVE_STATES and race.state is not RaceState.OVER:
        return "The race is not over yet.", "Correct it once it is over; on the Race screen end it with X."
    if kind in (Kind.DELETE_LAP, Kind.RESTORE_LAP) or not race.laps:
        return "There is no such lap.", "Choose a lap with ↑↓."
    return "The race does not allow that now.", "Look at it again."


def _facts(lap: LapView) -> tuple[int, int, int, bool, bool]:
    return lap.seq, lap.lap_ms, lap.resets, lap.valid, lap.deleted
