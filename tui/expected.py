"""
What the race will be once the box has had all presses that wait, and so what may be pressed next. Pure.

While the link is live and nothing waits the box's own word counts. While it is lost strips and other terminals may have
moved the race without our seeing it: then everything is let through that some state behind the one shown could allow.
The box judges in the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from timing.crew_structs import CrewRace
from timing.journal import Kind
from timing.race_table import CROSSINGS, TRANSITIONS
from timing.structs import LIVE_STATES, RaceState

LEADS_TO: dict[Kind, RaceState] = {
    Kind.START: RaceState.RUNNING,
    Kind.RESUME: RaceState.RUNNING,
    Kind.PAUSE: RaceState.PAUSED,
    Kind.DNF: RaceState.PAUSED,
    Kind.END: RaceState.OVER,
    Kind.CANCEL_END: RaceState.PAUSED,
    Kind.SUBMIT: RaceState.SUBMITTED,
    Kind.DISCARD: RaceState.DISCARDED,
}
"""Kinds after which the race is in another state; a lap that ends it is the box's to tell."""

NEVER_PRESSED = CROSSINGS | {Kind.DROP_CROSSING, Kind.RESCORE, Kind.RESTORE_RACE}
"""Written by the strips, or with calls of their own."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The state to show beside what waits, and what may be pressed."""

    state: RaceState | None
    allowed: frozenset[Kind]


NOTHING = Expected(None, frozenset())


def expected(race: CrewRace | None, unanswered: Sequence[Kind], *, is_live: bool) -> Expected:
    """
    Args:
        race: As last heard.
        unanswered: Kinds of its presses that `race` does not show yet, in the order of pressing.
        is_live: Whether the link is.
    """
    if race is None:
        return NOTHING
    if is_live and not unanswered:
        return Expected(race.view.state, frozenset(race.allowed))
    state = race.view.state
    for kind in unanswered:
        state = LEADS_TO.get(kind, state)
    return Expected(state, _allowed_in(state) if is_live else _perhaps_allowed(state))


def _perhaps_allowed(state: RaceState) -> frozenset[Kind]:
    if state not in LIVE_STATES:
        return _allowed_in(state)
    anywhere = frozenset[Kind]().union(*(_allowed_in(one) for one in LIVE_STATES))
    return anywhere if state is RaceState.READY else anywhere - {Kind.START}


def _allowed_in(state: RaceState) -> frozenset[Kind]:
    return frozenset(
        kind
        for (where, kind), step in TRANSITIONS.items()
        if where is state and not step.box_only and not step.holds and kind not in NEVER_PRESSED
    )
