"""
The words and signs of the terminal: times, states, laps. Pure.

Every colour on a screen stands beside one of these words or signs, so that nobody needs the colour. The signs are in
every terminal font (the console of a Pi too).
"""

from timing.lap_text import lap_text as text_of
from timing.structs import LapView, RaceState

STATES: dict[RaceState, str] = {
    RaceState.READY: "○ Ready",
    RaceState.RUNNING: "► Running",
    RaceState.PAUSED: "‖ Paused",
    RaceState.OVER: "■ Over",
    RaceState.SUBMITTED: "√ Submitted",
    RaceState.DISCARDED: "× Discarded",
}
NO_TIME = "–"


def lap_text(lap_ms: int | None) -> str:
    """A lap or an average: mm:ss.mmm, or a dash."""
    return NO_TIME if lap_ms is None else text_of(lap_ms)


def clock_text(ms: int) -> str:
    """A running clock: mm:ss.t, never below zero; hours run on as minutes."""
    tenths = max(0, ms) // 100
    return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


def age_text(ms: int) -> str:
    """How long ago: "3 s", "12 min", "4 h"."""
    seconds = max(0, ms) // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds // 3600} h"


def validity(lap: LapView) -> str:
    """Whether a lap counts, and why not."""
    if lap.dnf:
        return "× DNF"
    return "√ valid" if lap.valid else "× invalid"


def who(username: str, country: str | None) -> str:
    """A racer's name with the country they race for."""
    return f"{username} ({country})" if country else username


def counted(number: int, one: str, many: str | None = None) -> str:
    """ "1 lap", "2 laps"."""
    return f"{number} {one if number == 1 else many or one + 's'}"
