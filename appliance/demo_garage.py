"""
What the demo's crew does with cars and models: pair, prepare the next three in line, push, reboot one now and then.

Owns nothing of the races (demo_show.py), which go on while cars and models are still coming; a race gets what was
prepared for its racer. All of it goes through the public API.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import click

from appliance.demo_cars import LightCars, Started
from appliance.demo_client import Api, Refused
from appliance.demo_data import CARS, MODELS, TRACKS, DemoCar, DemoTrack
from appliance.demo_models import Models

NEXT = 3
"""As many as one tap sends to the cars (web/next_up.py)."""
LOOK_S = 3.0
"""Demo seconds between two looks at the lines."""
QUICKEST_LOOK_S = 0.5
STEP_S = 0.3
"""Between two looks at a pairing."""
REST_S = 75.0
"""Demo seconds from one car's reboot to the next one's."""
BATTERY_EVERY = 2
"""Reboots between two rounds of asking for the drive packs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many cars, 0 for none, and no models; how many models, and about how large."""

    cars: int = len(CARS)
    models: int = len(MODELS)
    model_kb: int = 2_500


class Garage:
    """`await fleets()` before the event is made, `run` beside the races."""

    def __init__(self, api: Api, data: Path, wanted: Wanted, *, seed: int, speed: float) -> None:
        self._api = api
        self._speed = speed
        self._wanted = CARS[: wanted.cars]
        self._light = LightCars(data, self._wanted, speed)
        self._models = Models(api, data, wanted.model_kb, wanted.models)
        self._chance = Random(f"{seed} garage")  # noqa: S311  a show
        self._fleets: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._met: set[str] = set()
        self._has_models = False
        self._is_ready = asyncio.Event()
        self._busy: dict[str, set[str]] = {}

    @property
    def password(self) -> str | None:
        """Signs in to each car, None without cars."""
        return self._light.password if self._wanted else None

    async def fleets(self) -> Mapping[str, str]:
        """The fleet of each track, found or made, by the track's id."""
        if self._wanted:
            known = {fleet["name"]: fleet["fleet_id"] for fleet in await self._api.send("GET", "/api/fleets")}
            for track in TRACKS:
                made = known.get(track.name) or await self._made(track)
                self._fleets[track.track_id] = made
        return self._fleets

    async def run(self, event_id: str, racers: Mapping[str, str]) -> None:
        """Cars and models, until cancelled; what goes wrong is said, and the races go on."""
        if not self._wanted:
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._bring_models(racers))
                tasks.create_task(self._light.run(self._meet))
                tasks.create_task(self._follow_lines(event_id))
                tasks.create_task(self._come_and_go())
        except* Exception as group:  # The boundary of this work.
            click.echo(f"Cars and models stay as they are: {group.exceptions[0]}", err=True)

    # what it is made of

    async def _follow_lines(self, event_id: str) -> None:
        """As soon as cars and models are there, the next three of each track get both, with the crew's one tap."""
        await self._is_ready.wait()
        while True:
            for track in TRACKS:
                place = f"/api/events/{event_id}/tracks/{track.track_id}/queue"
                line: list[dict[str, Any]] = await self._api.send("GET", place)
                waiting = [entry for entry in line if entry["state"] != "racing"]
                if any(entry["car_id"] is None or entry["model_id"] is None for entry in waiting[:NEXT]):
                    await self._api.send("POST", f"{place}/send-next")
                racing = [entry for entry in line if entry["state"] == "racing"]
                self._busy[track.track_id] = {entry["car_id"] for entry in (*racing, *waiting[:1])}
            await asyncio.sleep(max(QUICKEST_LOOK_S, LOOK_S / self._speed))

    async def _made(self, track: DemoTrack) -> str:
        return str((await self._api.send("POST", "/api/fleets", {"name": track.name}))["fleet_id"])

    async def _bring_models(self, racers: Mapping[str, str]) -> None:
        await self._models.bring(racers)
        found = await self._models.wait()
        click.echo(f"Models: {', '.join(f'{number} {status}' for status, number in found.items())}.")
        self._has_models = True
        self._settle()

    async def _meet(self, car: Started) -> None:
        """A car answers: it is paired, unless it was, at this very place."""
        wanted = next(one for one in self._wanted if one.serial == car.serial)
        known = {one["serial"]: one for one in await self._api.send("GET", "/api/cars")}
        before = known.get(car.serial)
        if before is None or (before["address"], before["port"]) != (car.host, car.port):
            await self._pair(wanted, car)
        else:
            self._ids[car.serial] = before["car_id"]
        is_last = len(self._met) == len(self._wanted) - 1 and car.serial not in self._met
        self._met.add(car.serial)
        if is_last:
            click.echo(f"Cars: {len(self._ids)} are paired.")
            await self._ask("battery", self._ids.values())
        self._settle()

    def _settle(self) -> None:
        if self._has_models and len(self._met) == len(self._wanted):
            self._is_ready.set()

    async def _pair(self, wanted: DemoCar, car: Started) -> None:
        new = {
            "address": car.host,
            "port": car.port,
            "username": car.username,
            "password": self._light.password,
            "name": wanted.name,
            "fleet_id": self._fleets.get(wanted.track_id),
        }
        pairing = await self._api.send("POST", "/api/cars", new)
        while pairing["is_running"]:
            await asyncio.sleep(STEP_S)
            pairing = await self._api.send("GET", f"/api/cars/pairings/{pairing['pairing_id']}")
        if pairing["car_id"] is None:
            click.echo(f"{wanted.name} is not paired: {pairing['message']} {pairing['remedy']}", err=True)
        else:
            self._ids[car.serial] = pairing["car_id"]

    async def _come_and_go(self) -> None:
        """One car after the other is away for the time of a reboot, never one that is about to race."""
        for number in count(1):
            await asyncio.sleep(REST_S / self._speed)
            busy = set().union(*self._busy.values())
            idle = [car_id for car_id in self._ids.values() if car_id not in busy]
            if idle:
                await self._ask("reboot", [self._chance.choice(idle)])
            if number % BATTERY_EVERY == 0:
                await self._ask("battery", self._ids.values())

    async def _ask(self, verb: str, car_ids: Iterable[str]) -> None:
        with suppress(Refused):  # It was released.
            await self._api.send("POST", "/api/cars/commands", {"verb": verb, "car_ids": list(car_ids)})
