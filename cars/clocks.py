"""
The clocks of the paired cars, kept right by the box: it looks when a car comes, and every hour while it is there.

No car asks for the time; one that was off overnight wakes with an old clock. Owns no rows: a clock that was wrong goes
into the car's history. A few cars at a time, over the lines of the commands and never before them; a car that races is
left alone, for what it records is called after its clock. Event loop only.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from appliance.clock import mono_ns, now_iso, wall_ns
from appliance.errors import ApplianceError, NotReady
from appliance.facts import Facts
from cars.car_history import CarNote
from cars.car_structs import Car
from cars.cars import Cars
from cars.clock_rules import LIMIT_NS, SECOND_NS, off_in_words, off_ns
from cars.command_rules import Ask
from cars.command_structs import Verb
from cars.commands import Calls
from cars.facts import CarFound, CarsChanged

EVERY_NS = 3_600 * SECOND_NS
"""A bad quartz is off by a second a day: an hour is for a box or a car that was set wrong by hand."""
AGAIN_NS = 30 * SECOND_NS
"""After a car that did not answer, or is in a race."""
AT_ONCE = 2
"""Looking takes a car under a second: a hall of twenty is through before the first of them drives."""
TRIES = 3
"""An order to set a clock that was held up on the way sets it late: it is read back, and set again."""
WITHIN_S = 15.0
ACTOR = "box"

log = logging.getLogger("trackside.cars")

Racing = Callable[[str], bool]
"""Whether a car is in a race that has begun and is not handed in yet: told by the room of the races."""


class Clocks:
    """`run` until cancelled; hears from its making on which cars come."""

    def __init__(self, facts: Facts, cars: Cars, calls: Calls, is_racing: Racing) -> None:
        self._facts = facts
        self._cars = cars
        self._calls = calls
        self._is_racing = is_racing
        self._due: dict[str, int] = {}
        self._busy: set[str] = set()
        self._wake = asyncio.Event()
        self._end = facts.subscribe(CarFound, self._found)

    async def run(self) -> None:
        """Look at every car when it is due."""
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    for car in self._turn():
                        self._busy.add(car.car_id)
                        tasks.create_task(self._look(car))
                    self._wake.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._wait_s()):
                            await self._wake.wait()
        finally:
            self._end()

    def _found(self, found: CarFound) -> None:
        self._due[found.car_id] = mono_ns()
        self._wake.set()

    def _turn(self) -> list[Car]:
        """Whose turn it is: who has waited longest first. A car that was there already was set when it was paired."""
        now_ns = mono_ns()
        there = {car.car_id: car for car in self._cars.all() if car.is_online}
        self._due = {car_id: self._due.get(car_id, now_ns + EVERY_NS) for car_id in there}
        due = sorted((at_ns, car_id) for car_id, at_ns in self._due.items() if at_ns <= now_ns)
        waiting = [there[car_id] for _, car_id in due if car_id not in self._busy]
        return waiting[: AT_ONCE - len(self._busy)]

    def _wait_s(self) -> float:
        """Until the next is due; where all hands are full, until one is free."""
        if len(self._busy) >= AT_ONCE:
            return WITHIN_S
        next_ns = min((at_ns for car_id, at_ns in self._due.items() if car_id not in self._busy), default=None)
        wait_ns = AGAIN_NS if next_ns is None else next_ns - mono_ns()
        return min(max(wait_ns, 0), AGAIN_NS) / SECOND_NS

    async def _look(self, car: Car) -> None:
        again_ns = self._due[car.car_id] = mono_ns() + AGAIN_NS
        try:
            is_right = await self._set_right(car)
            if is_right and self._due.get(car.car_id) == again_ns:  # Else it went and came again meanwhile.
                self._due[car.car_id] = mono_ns() + EVERY_NS
        except ApplianceError as error:
            log.info("car_clock_not_kept car_id=%s error=%s", car.car_id, error.message)
        except Exception:  # The boundary of the task: the others' clocks are kept all the same.
            log.exception("car_clock_failed car_id=%s", car.car_id)
        finally:
            self._busy.discard(car.car_id)
            self._wake.set()

    async def _set_right(self, car: Car) -> bool:
        """Whether the car itself says that its clock is right; False while it must not be set."""
        was_off_ns = 0
        for _ in range(TRIES):
            now_off_ns = await self._off_ns(car)
            if abs(now_off_ns) <= LIMIT_NS:
                await self._note(car, was_off_ns)
                return True
            if self._is_racing(car.car_id):
                return False
            was_off_ns = was_off_ns or now_off_ns
            told = await self._calls.call(car, Ask(verb="set-time", arguments=(str(wall_ns()),), within_s=WITHIN_S))
            self._cars.readings.answered(car.car_id, Verb.SET_TIME, told, now_iso())
        raise NotReady(f"The clock of {car.name} does not stay as it is set.", "Look for what else sets it there.")

    async def _off_ns(self, car: Car) -> int:
        asked_ns = wall_ns()
        told = await self._calls.call(car, Ask(verb="facts", within_s=WITHIN_S))
        match told:
            case {"now_ns": int(now_ns)}:
                return off_ns(now_ns, asked_ns, wall_ns())
        raise NotReady(f"{car.name} does not tell its time.", "Pair it again.")

    async def _note(self, car: Car, was_off_ns: int) -> None:
        if was_off_ns:
            words = f"Its clock was {off_in_words(was_off_ns)} and is set."
            await self._cars.note(car.car_id, CarNote.COMMAND, ACTOR, words)
            self._facts.publish(CarsChanged())
