"""
A hall of cars is switched on at once: how long until the box lists them, and until one with another address is back.

Stand-in cars of every kind that avahi tells of, and as many without (tests/cars/hall.py: real avahi, sshd and TLS, each
in a network of its own), and a whole box in the same network, fresh for each run, with its page of cars open. What has
no avahi is listed once somebody knocks at every address; its time is from that press. Needs root.
"""

import argparse
import asyncio
import ctypes
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.demo_client import Api
from tests.bench.common import folder_on_disk, percentile, print_result
from tests.cars.hall import Hall
from tests.cars.hall_car import Car
from tests.faults.box import running_box

WITH_AVAHI = ("stock_20", "stock_20_drem", "community_20")
WITHOUT = "community_24"
PAIRED = ("stock_20_drem", WITHOUT)
STARTING_AT_ONCE = 4
POLL_S = 0.05
PATIENCE_S = 90.0
NEW_PASSWORD = "Trackside-2026-hall"
CLONE_NEWNET = 0x40000000
"""setns(2); os.setns() came with Python 3.12."""


@contextmanager
def inside(hall: Hall) -> Iterator[None]:
    """This process is at the bridge, as the box is: what it starts from now on is there too."""
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(f"/proc/{hall.pid}/ns/net", os.O_RDONLY)
    enter = ctypes.CDLL(None, use_errno=True).setns
    try:
        assert enter(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        enter(home, CLONE_NEWNET)
        os.close(home)
        os.close(there)


async def built(hall: Hall, count: int) -> list[Car]:
    """Half of them with avahi, half without; all out of reach and without an address."""
    turn = asyncio.Semaphore(STARTING_AT_ONCE)
    kinds = [WITH_AVAHI[number // 2 % len(WITH_AVAHI)] if number % 2 else WITHOUT for number in range(count)]

    async def start(kind: str) -> Car:
        async with turn:
            car = await hall.car(kind)
            await take_away(car)
            return car

    return list(await asyncio.gather(*(start(kind) for kind in kinds)))


async def take_away(car: Car) -> None:
    """Off the air; like every machine that joins a Wi-Fi, it will be given its address then."""
    await car.link_down()
    await car.run(f"ip addr flush dev {car.interface}")


async def listed_after(api: Api, addresses: set[str], since_s: float) -> list[float]:
    """Seconds from `since_s` until each was listed, the first one first."""
    seen: dict[str, float] = {}
    async with asyncio.timeout(PATIENCE_S):
        while seen.keys() != addresses:
            await asyncio.sleep(POLL_S)
            found = await api.send("GET", "/api/cars/found")
            now_s = time.monotonic() - since_s
            for address in addresses & {one["address"] for row in found["strangers"] for one in row["sightings"]}:
                seen.setdefault(address, now_s)
    return sorted(seen.values())


async def appear(api: Api, cars: Sequence[Car]) -> tuple[list[float], list[float]]:
    """All join at once; seconds until each car with avahi is listed, and from the press until each other one is."""
    await api.send("GET", "/api/cars/found")  # the page is open
    await asyncio.gather(*(car.link_up() for car in cars))
    since_s = time.monotonic()
    await asyncio.gather(*(car.new_address(car.address) for car in cars))
    by_name = await listed_after(api, {car.address for car in cars if car.profile.has_avahi}, since_s)
    since_s = time.monotonic()
    await api.send("POST", "/api/cars/look", {"everywhere": True})
    by_knock = await listed_after(api, {car.address for car in cars if not car.profile.has_avahi}, since_s)
    return by_name, by_knock


async def paired(api: Api, car: Car) -> str:
    """Pair it, as a person does; the car's id."""
    passwords = {"console_password": car.console_password, "password": car.password, "new_password": NEW_PASSWORD}
    pairing = await api.send("POST", "/api/cars", {"address": car.address, **passwords})
    async with asyncio.timeout(PATIENCE_S):
        while pairing["is_running"]:
            await asyncio.sleep(POLL_S)
            pairing = await api.send("GET", f"/api/cars/pairings/{pairing['pairing_id']}")
    assert pairing["car_id"] is not None, pairing
    return str(pairing["car_id"])


async def back_after(api: Api, car: Car, car_id: str) -> float:
    """Seconds from another address until the box has the car there; without avahi somebody knocks at once."""
    address = await car.new_address()
    since_s = time.monotonic()
    if not car.profile.has_avahi:
        await api.send("POST", "/api/cars/look", {"everywhere": True})
    async with asyncio.timeout(PATIENCE_S):
        while True:
            known: dict[str, Any] = await api.send("GET", f"/api/cars/{car_id}")
            if (known["address"], known["is_online"]) == (address, True):
                return time.monotonic() - since_s
            await asyncio.sleep(POLL_S)


async def run(folder: Path, count: int, runs: int) -> dict[str, object]:
    """Every run with a box that knows nothing yet; the last one's pairs two cars and moves them."""
    by_name, by_knock, moved = [], [], dict[str, list[float]]()
    async with Hall() as hall:
        cars = await built(hall, count)
        await hall.ip("address", "add", f"{hall.net}.2/24", "dev", "hall")
        for number in range(runs):
            with inside(hall):
                async with running_box(folder / f"box-{number}", {"TRACKSIDE_ANNOUNCE": "true"}) as (_, api):
                    names, knocks = await appear(api, cars)
                    by_name.append(names)
                    by_knock.append(knocks)
                    if number == runs - 1:
                        moved = {kind: await moves(api, cars, kind, runs) for kind in PAIRED}
            await asyncio.gather(*(take_away(car) for car in cars))
    return {
        "cars": count,
        "runs": runs,
        "with_avahi": figures(by_name),
        "without_avahi_after_a_press": figures(by_knock),
        "other_address_p50_s": {kind: round(percentile(times, 50), 1) for kind, times in moved.items()},
        "other_address_max_s": {kind: round(max(times), 1) for kind, times in moved.items()},
    }


async def moves(api: Api, cars: Sequence[Car], kind: str, times: int) -> list[float]:
    """Pair the first of its kind and move it so many times."""
    car = next(car for car in cars if car.profile.name == kind)
    car_id = await paired(api, car)
    return [await back_after(api, car, car_id) for _ in range(times)]


def figures(runs: Sequence[Sequence[float]]) -> dict[str, float]:
    """Of the first and the last car of each run, and of all cars."""
    return {
        "first_p50_s": round(percentile([run[0] for run in runs], 50), 1),
        "car_p50_s": round(percentile([one for run in runs for one in run], 50), 1),
        "last_p50_s": round(percentile([run[-1] for run in runs], 50), 1),
        "last_max_s": round(max(run[-1] for run in runs), 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cars", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    with folder_on_disk() as folder:
        print_result("find", **asyncio.run(run(folder, options.cars, options.runs)))


if __name__ == "__main__":
    main()
