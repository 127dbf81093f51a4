"""
The demo's light cars: the process they live in, kept up for as long as the demo runs.

Owns that process, the password that pairs its cars and their ports, so that a second start finds the same cars at the
same places. What is done with them is demo_garage.py's. They end with this process, however it ends: their standard
input is ours.
"""

import asyncio
import json
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from appliance.demo_data import DemoCar

STATE_FILE = "demo-cars.json"
FOLDER = "demo-cars"
FIRST_HOST = 11
"""127.0.0.11 and on: each car has an address of its own, as in a hall."""
WIFI_BYTES_PER_S = 900_000
"""A model of a few MB is on its way for some seconds, as a real one of 22 MB is in a hall."""
AWAY_S = 30.0
"""A reboot: long enough for the list of cars to notice."""
AGAIN_S = 1.0
STOP_S = 10.0


class Started(Struct, frozen=True, kw_only=True):
    """A car that answers, as the process says it."""

    serial: str
    host: str
    port: int
    username: str


@dataclass(slots=True)
class CarsState:
    """What is kept for the next start."""

    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    ports: dict[str, int] = field(default_factory=dict)


class LightCars:
    """`await run(…)` until cancelled."""

    def __init__(self, data: Path, cars: Sequence[DemoCar], speed: float) -> None:
        self._data = data
        self._cars = cars
        self._speed = speed
        self._state = self._read()
        self._write()

    @property
    def password(self) -> str:
        """Signs in to each of them, as their user."""
        return self._state.password

    async def run(self, met: Callable[[Started], Awaitable[None]]) -> None:
        """Keep them up; `met` is awaited for each that answers, after every start of theirs."""
        while self._cars:
            process = await self._start()
            try:
                while line := await _line_of(process):
                    car = msgspec.json.decode(line, type=Started)
                    self._state.ports[car.serial] = car.port
                    self._write()
                    await met(car)
            finally:
                await _end(process)
            await asyncio.sleep(AGAIN_S)

    async def _start(self) -> Process:
        settings = [
            {
                "serial": car.serial,
                "name": car.serial.lower(),
                "profile": car.profile,
                "password": self.password,
                "host": f"127.0.0.{FIRST_HOST + number}",
                "port": self._state.ports.get(car.serial, 0),
                "battery": car.battery,
                "bytes_per_s": round(WIFI_BYTES_PER_S * self._speed),
                "away_s": AWAY_S / self._speed,
            }
            for number, car in enumerate(self._cars)
        ]
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cars.standin.light", str(self._data / FOLDER), json.dumps(settings)),
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C is for the demo, which ends them in order.
        )

    def _read(self) -> CarsState:
        path = self._data / STATE_FILE
        return CarsState(**json.loads(path.read_text())) if path.exists() else CarsState()

    def _write(self) -> None:
        path = self._data / STATE_FILE
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self._state)))


async def _line_of(process: Process) -> bytes:
    """The next one; empty when it has ended."""
    assert process.stdout is not None  # noqa: S101  a pipe was asked for
    return await process.stdout.readline()


async def _end(process: Process) -> None:
    """Their input ends, and so do they; whoever does not is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
