"""
What will happen in a demo race: laps, crashes, pauses and mistakes, drawn from a seeded chance. Pure.

Owns the script only; appliance/demo.py plays it on a real box.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from appliance.demo_data import DemoRacer

FINISH_CHANCE = 0.35
"""How often a racer gives the track back before the time is up."""
MAX_LAPS = 40
"""Far more than fit into the race time; the script ends there if the time never does."""


@dataclass(frozen=True, slots=True)
class Hit:
    """The car runs over the finish line `after_ms` after the step before; a strip chatters `bounces` times."""

    after_ms: int
    bounces: int = 0


@dataclass(frozen=True, slots=True)
class Press:
    """The timekeeper presses a key: `kind` is an action's kind, `valid` goes with set_validity of the last lap."""

    after_ms: int
    kind: str
    valid: bool | None = None


Step = Hit | Press


def script_of(racer: DemoRacer, chance: Random) -> Iterator[Step]:
    """
    The steps of one race, the start first.

    Laps lie round the racer's usual one and are never faster than 8 s. The player stops as soon as the race is over.
    """
    yield Hit(after_ms=3_000) if chance.random() < 0.7 else Press(after_ms=3_000, kind="start")
    laps = chance.randint(4, 7) if chance.random() < FINISH_CHANCE else MAX_LAPS
    for _ in range(laps):
        yield from _lap(racer, chance)
    yield Press(after_ms=1_000, kind="end")


def finished_laps_ms(racer: DemoRacer, chance: Random) -> list[int]:
    """Lap times for a race that is finished before anyone looks."""
    return [_lap_ms(racer, chance) for _ in range(chance.randint(3, 8))]


def _lap(racer: DemoRacer, chance: Random) -> Iterator[Step]:
    left_ms = _lap_ms(racer, chance)
    if chance.random() < 0.04:
        yield Press(after_ms=left_ms // 2, kind="dnf")
        yield Hit(after_ms=4_000)
        return
    while chance.random() < racer.resets_per_lap:
        before_ms = min(1_500, left_ms // 3)
        yield Press(after_ms=before_ms, kind="reset")
        left_ms += 1_800 - before_ms
    if chance.random() < 0.03:
        yield Press(after_ms=left_ms // 3, kind="pause")
        yield Press(after_ms=3_500, kind="resume")
        left_ms -= left_ms // 3
    yield Hit(after_ms=left_ms, bounces=chance.choice((0, 0, 1, 3)))
    if chance.random() < 0.05:
        yield Press(after_ms=900, kind="set_validity", valid=False)


def _lap_ms(racer: DemoRacer, chance: Random) -> int:
    return max(8_000 + chance.randrange(200), round(chance.gauss(racer.usual_lap_ms, racer.spread_ms)))
