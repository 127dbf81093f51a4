"""
What the terminal's bell says: one for a lap, two quick ones for the best, three for an invalid one, one for the link.

Owns the patterns, what is worth a sound, and whether there is any. Whoever owns the terminal rings the bell.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum

from timing.structs import LapView, RaceView


class Sound(StrEnum):
    """What can be heard."""

    LAP = "lap"
    BEST = "best"
    INVALID = "invalid"
    LINK_LOST = "link_lost"
    LINK_BACK = "link_back"


QUICK_S = 0.16
"""Terminals merge bells that follow faster into one."""
SLOW_S = 0.32

BELLS: dict[Sound, tuple[float, ...]] = {
    Sound.LAP: (0.0,),
    Sound.BEST: (0.0, QUICK_S),
    Sound.INVALID: (0.0, SLOW_S, 2 * SLOW_S),
    Sound.LINK_LOST: (0.0,),
    Sound.LINK_BACK: (0.0,),
}
"""When each bell rings, in seconds from the event."""

Later = Callable[[float, Callable[[], None]], object]


class Sounds:
    """
    Hears of races and of the link, and rings `bell`.

    `later` runs something after so many seconds; the event loop's own clock unless given.
    """

    def __init__(self, bell: Callable[[], None], *, muted: bool = False, later: Later | None = None) -> None:
        self.muted = muted
        self._bell = bell
        self._later = later or (lambda delay_s, ring: asyncio.get_running_loop().call_later(delay_s, ring))
        self._race_id: str | None = None
        self._laps = 0
        self._is_live: bool | None = None

    def hear(self, race: RaceView | None, *, is_live: bool) -> Sound | None:
        """Take in how things are; plays and answers what is new. The first time nothing is."""
        link = self._heard_link(is_live)
        lap = self._heard_race(race)
        sound = lap or link
        if sound is not None:
            self.play(sound)
        return sound

    def play(self, sound: Sound) -> None:
        """Ring at once and a little later; never waits."""
        if self.muted:
            return
        for delay_s in BELLS[sound]:
            if delay_s:
                self._later(delay_s, self._ring)
            else:
                self._ring()

    def toggle(self) -> bool:
        """On or off; answers whether it is muted now. One bell tells that sound is on."""
        self.muted = not self.muted
        self._ring()
        return self.muted

    def _ring(self) -> None:
        if not self.muted:
            self._bell()

    def _heard_race(self, race: RaceView | None) -> Sound | None:
        """A sound when the race that was heard last has more laps now."""
        before = (self._race_id, self._laps)
        self._race_id, self._laps = (race.race_id, len(race.laps)) if race else (None, 0)
        if race is None or before[0] != race.race_id or self._laps <= before[1]:
            return None
        return lap_sound(race.laps)

    def _heard_link(self, is_live: bool) -> Sound | None:
        was, self._is_live = self._is_live, is_live
        if was is None or was == is_live:
            return None
        return Sound.LINK_BACK if is_live else Sound.LINK_LOST


def lap_sound(laps: list[LapView]) -> Sound:
    """What the last lap sounds like; "best" needs another valid lap that is slower."""
    last = laps[-1]
    if not last.valid:
        return Sound.INVALID
    others = [lap for lap in laps[:-1] if lap.valid]
    return Sound.BEST if others and all(last.lap_ms < lap.lap_ms for lap in others) else Sound.LAP
