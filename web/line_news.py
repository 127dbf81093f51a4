"""
What cars, models and pushes mean for the lines that somebody of the crew looks at.

Told three times a second at most: four cars tell four times a second each how far they are, and of a line only the
rows that something is on its way for are drawn anew.
"""

import asyncio
from collections.abc import Callable, Iterable, Set

from appliance.facts import Facts
from cars.facts import CarsChanged, ModelChanged, PushesChanged
from web.house import House
from web.next_up import NEXT
from web.pages.staff.panel import NEXT_SHOWN, Part
from web.rounds import Key

EVERY_S = 0.3


class LineNews:
    """Marks what is to be drawn anew. Only for use on the event loop."""

    def __init__(self, house: House, keys: Callable[[], Set[Key]], mark: Callable[..., None]) -> None:
        """`keys`: the tracks that somebody looks at. `mark`: these parts of these tracks are to be told."""
        self._house, self._keys, self._mark = house, keys, mark
        self._due: set[Part] = set()
        self._resting: asyncio.TimerHandle | None = None
        self._cars: tuple[tuple[str, str, str | None, bool], ...] = ()

    def follow(self, facts: Facts) -> list[Callable[[], None]]:
        """From now on; the answer ends it."""
        return [
            facts.subscribe(PushesChanged, lambda _: self._soon(Part.SENT)),
            facts.subscribe(CarsChanged, self._on_cars),
            facts.subscribe(ModelChanged, self._on_model),
        ]

    def _on_cars(self, _: CarsChanged) -> None:
        """Most of what is seen of cars changes no line: which there are, whose, and whether they answer, does."""
        cars = tuple((car.car_id, car.name, car.fleet_id, car.is_online) for car in self._house.cars.all())
        if cars != self._cars:
            self._cars = cars
            self._soon(Part.QUEUE)

    def _on_model(self, fact: ModelChanged) -> None:
        """Racers upload all day long: only what those who are next race with is news, and what walk-ups do."""
        if fact.racer_id is None or any(
            entry.racer_id == fact.racer_id for key in self._keys() for entry in self._house.queue.next(*key, NEXT)
        ):
            self._soon(Part.QUEUE)

    def _soon(self, part: Part) -> None:
        if not self._keys():
            return
        self._due.add(part)
        if self._resting is None:
            self._resting = asyncio.get_running_loop().call_later(EVERY_S, self._now)

    def _now(self) -> None:
        self._resting = None
        due, self._due = self._due, set()
        if Part.QUEUE in due:
            self._mark(self._keys(), Part.QUEUE)
        if Part.SENT in due:
            self._mark(self._with_cars(), Part.SENT)

    def _with_cars(self) -> Iterable[Key]:
        return [key for key in self._keys() if any(entry.car_id for entry in self._house.queue.next(*key, NEXT_SHOWN))]
