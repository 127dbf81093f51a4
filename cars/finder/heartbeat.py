"""
Whether each enrolled car is there: its SSH port is asked every few seconds, and its host key whenever that is in doubt.

Owns no rows: what it finds it tells the registry (`Cars.seen`, `Cars.missed`). The rules are cars/liveness.py's.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from appliance.clock import mono_ns
from appliance.facts import Facts
from cars.car_structs import Car
from cars.cars import Cars
from cars.facts import CarsChanged
from cars.finder.keys import HostKeys
from cars.finder.knock import knock_ssh
from cars.liveness import OFFLINE_NS, ONLINE_NS, SECOND_NS, Answer, Pulse, Verdict, felt, proven

AT_ONCE = 20
"""Connections that are being made: a hall of forty cars is asked within a second."""

log = logging.getLogger("trackside.finder")


class Heartbeat:
    """`run` until cancelled. `on_doubt` hears the address of a car that is lost, or where another machine answers."""

    def __init__(self, cars: Cars, facts: Facts, keys: HostKeys, on_doubt: Callable[[str], None]) -> None:
        self._cars = cars
        self._facts = facts
        self._keys = keys
        self._on_doubt = on_doubt
        self._pulses: dict[str, Pulse] = {}
        self._asking: set[str] = set()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Ask every car when it is due."""
        end = self._facts.subscribe(CarsChanged, lambda _: self._wake.set())
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    for car in self._due():
                        self._asking.add(car.car_id)
                        tasks.create_task(self._ask(car))
                    self._wake.clear()
                    # Not wait_for(): before Python 3.12 it may lose a cancellation that comes with the event.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._wait_s()):
                            await self._wake.wait()
        finally:
            end()

    def _due(self) -> list[Car]:
        now_ns, cars = mono_ns(), self._cars.all()
        enrolled = {car.car_id for car in cars}
        self._pulses = {car_id: pulse for car_id, pulse in self._pulses.items() if car_id in enrolled}
        return [
            car
            for car in cars
            if car.car_id not in self._asking and self._pulses.get(car.car_id, Pulse()).next_ns <= now_ns
        ]

    def _wait_s(self) -> float:
        idle = [pulse.next_ns for car_id, pulse in self._pulses.items() if car_id not in self._asking]
        wait_ns = min(idle, default=mono_ns() + ONLINE_NS) - mono_ns()
        return min(max(wait_ns, 0), ONLINE_NS) / SECOND_NS

    async def _ask(self, car: Car) -> None:
        try:
            async with self._turn:
                answer = await knock_ssh(car.address, car.port)
            await self._judge(car, answer)
        except Exception:  # One car must not keep the others from being asked.
            log.exception("heartbeat_failed car_id=%s", car.car_id)
            self._pulses[car.car_id] = Pulse(next_ns=mono_ns() + ONLINE_NS)
        finally:
            self._asking.discard(car.car_id)
            self._wake.set()

    async def _judge(self, car: Car, answer: Answer) -> None:
        pulse = self._pulses.get(car.car_id, Pulse())
        pulse, verdict = felt(pulse, answer, mono_ns(), is_online=car.is_online)
        if verdict is Verdict.PROVE:
            key = await self._keys.read(car.address, car.port)
            if key == car.host_key:
                pulse, verdict = proven(pulse, mono_ns()), Verdict.THERE
            elif key is None:
                pulse, verdict = felt(pulse, Answer.REFUSED, mono_ns(), is_online=car.is_online)
            else:
                verdict = Verdict.LOST if car.is_online else Verdict.AWAY
                pulse = Pulse(next_ns=mono_ns() + OFFLINE_NS)
        now = self._cars.get(car.car_id)
        if (now.address, now.port, now.host_key) != (car.address, car.port, car.host_key):
            self._pulses[car.car_id] = Pulse()  # It was found elsewhere, or enrolled anew, meanwhile.
            return
        self._pulses[car.car_id] = pulse
        if verdict is Verdict.THERE:
            await self._cars.seen(car.car_id)
        elif verdict is Verdict.LOST:
            await self._cars.missed(car.car_id)
            self._on_doubt(car.address)
