"""
The lines to the cars, as the server has them: each enrolled car that answers is kept signed in to, ready for a command.

Owns the worker's process and the questions that are open. What is asked, and what becomes of an answer, is
cars/commands.py's. Event loop only.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from appliance.errors import NotReady
from appliance.facts import Facts
from appliance.ids import new_id
from cars.car_structs import Car
from cars.cars import Cars
from cars.command_rules import Ask
from cars.facts import CarsChanged
from cars.lines_wire import NEWS, Call, Called, Keep, Line
from cars.worker_process import WorkerProcess

SPARE_S = 5.0
"""The worker's own timeout comes first; beyond this it hangs."""


class Lines:
    """`start()`, and `await stop()` at the end."""

    def __init__(self, facts: Facts, cars: Cars, data_dir: Path) -> None:
        self._cars = cars
        self._open: dict[str, asyncio.Future[Called]] = {}
        self._kept: tuple[Line, ...] = ()
        self._is_started = False
        self.worker = WorkerProcess[Called](
            ["cars.lines_worker", "--data", str(data_dir)], NEWS, self._take, self._worker_died
        )
        facts.subscribe(CarsChanged, lambda _: self._keep())

    def start(self) -> None:
        """Keep lines to the cars that are there, from now on."""
        self._is_started = True
        self._keep()

    async def stop(self) -> None:
        """Let them go."""
        self._is_started = False
        await self.worker.stop()
        self._give_up(is_broken=False)

    async def call(self, car: Car, ask: Ask) -> Mapping[str, object]:
        """
        The helper's answer; asked once more where the line breaks under a call that may be.

        Raises:
            NotReady: the car said no, or nothing in time; in words, with what to do.
        """
        called = await self._called(car, ask)
        if called.is_broken and ask.again:  # Often it broke long before, and this call is what brought it to light.
            called = await self._called(car, ask)
        if called.told is None:
            raise NotReady(called.message, called.remedy)
        return called.told

    async def _called(self, car: Car, ask: Ask) -> Called:
        request_id = new_id()
        future: asyncio.Future[Called] = asyncio.get_running_loop().create_future()
        self._open[request_id] = future
        try:
            self.worker.send(
                Call(
                    request_id=request_id,
                    line=line_of(car),
                    verb=ask.verb,
                    arguments=ask.arguments,
                    within_s=ask.within_s,
                    breaks=ask.breaks,
                )
            )
            async with asyncio.timeout(ask.within_s + SPARE_S):
                return await future
        finally:
            self._open.pop(request_id, None)
            self._rest()

    def _keep(self) -> None:
        """Lines to exactly those that are online."""
        lines = tuple(line_of(car) for car in self._cars.all() if car.is_online)
        if not self._is_started or lines == self._kept:
            return
        self._kept = lines
        self.worker.send(Keep(lines=lines))
        self._rest()

    def _rest(self) -> None:
        if not self._kept and not self._open:
            self.worker.rest()

    def _take(self, news: Called) -> None:
        future = self._open.get(news.request_id)
        if future is not None and not future.done():
            future.set_result(news)

    def _give_up(self, *, is_broken: bool) -> None:
        message = "The box lost its line to the cars."
        gone = Called(request_id="", message=message, remedy="Ask again.", is_broken=is_broken)
        for future in self._open.values():
            if not future.done():
                future.set_result(gone)

    def _worker_died(self) -> None:
        self._give_up(is_broken=True)
        if self._is_started and self._kept:
            self.worker.send(Keep(lines=self._kept))


def line_of(car: Car) -> Line:
    """Where a car is, as a worker's process is told."""
    return Line(
        car_id=car.car_id,
        serial=car.serial,
        name=car.name,
        address=car.address,
        port=car.port,
        username=car.username,
        host_key=car.host_key,
    )
