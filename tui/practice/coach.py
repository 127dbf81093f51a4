"""
The coach: goes through the lessons with somebody, and says what the car and the network of the practice do. Pure.
"""

from dataclasses import dataclass
from random import Random

from timing.structs import RaceState
from tui.practice.lessons import Course, Facts, after, pressed, restarted, skipped

ROUND_S = (8.0, 12.0)
"""A lap of the practice car, at most and at least: slow enough to read a lesson meanwhile."""
TO_THE_LINE_S = 8.0
"""From ready to the first crossing, for whoever does not press Space."""
CUT_S = 4.0
"""The network stays away after the press: longer than it takes the terminal to notice."""
BOUNCES = (0, 0, 1, 3)
"""How often the contact bounces at one crossing."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to happen now: the car crosses with so many bounces, or None; and whether the network is away."""

    bounces: int | None
    is_cut: bool


class Coach:
    """Deterministic for a seed; `now_s` never goes back. `speed` 10: all times ten times shorter."""

    def __init__(self, *, seed: int = 1, speed: float = 1.0, to_the_line_s: float = TO_THE_LINE_S) -> None:
        self.course = Course()
        self._chance = Random(seed)  # noqa: S311  a car, no secret
        self._speed = speed
        self._to_the_line_s = to_the_line_s
        self._way: tuple[object, ...] = ()
        self._due_s: float | None = None
        self._mends_s: float | None = None

    def look(self, facts: Facts, now_s: float) -> Orders:
        """Take in what is seen."""
        self.course = after(self.course, facts)
        return Orders(self._crossing(now_s), self._is_cut(now_s))

    def key(self, key: str) -> None:
        """A key went down."""
        self.course = pressed(self.course, key)

    def skip(self) -> None:
        """On to the next lesson."""
        self.course = skipped(self.course)

    def restart(self) -> None:
        """From the first lesson on."""
        self.course = restarted(self.course)

    def _crossing(self, now_s: float) -> int | None:
        facts = self.course.facts
        way = (facts.race_id, facts.state, self.course.drives)
        if way != self._way:
            self._way, self._due_s = way, self._next_s(now_s)
        if self._due_s is None or now_s < self._due_s:
            return None
        self._due_s = self._next_s(now_s)
        return self._chance.choice(BOUNCES)

    def _next_s(self, now_s: float) -> float | None:
        """When the car is next at the line; None while it does not drive."""
        state = self.course.facts.state
        if state is RaceState.READY:
            return now_s + self._to_the_line_s / self._speed
        if state is RaceState.RUNNING and self.course.drives:
            return now_s + self._chance.uniform(*ROUND_S) / self._speed
        return None

    def _is_cut(self, now_s: float) -> bool:
        lesson = self.course.lesson
        if not self.course.is_cut or lesson is None or not lesson.mends:
            self._mends_s = None
            return self.course.is_cut
        self._mends_s = self._mends_s or now_s + CUT_S / self._speed
        return now_s < self._mends_s
