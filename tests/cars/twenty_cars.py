"""
Twenty cars of all kinds at once: paired, given one model, driven, stopped. By hand, as root:

    python -m tests.cars.twenty_cars [CARS] [MEGABYTES]

Each result is proven on the car itself; prints how long each took.
"""

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from cars.pairings import AT_ONCE
from tests.cars.hall import Car
from tests.cars.whole_way import Model, Way, whole_way

KINDS = ("stock_20", "stock_20_drem", "community_20", "community_24", "pi")


@dataclass(frozen=True)
class Times:
    """In seconds, for all cars together; `stop_ms` is each car's own answer to one stop for all."""

    begin_s: float
    pair_s: float
    push_s: float
    drive_s: float
    stop_ms: tuple[int, ...]


async def many_cars(way: Way, count: int, pb_bytes: int) -> Times:
    """All of them, from their boxes to the stop; each proven on each car."""
    marks = [time.monotonic()]
    cars = await asyncio.gather(*(way.car(KINDS[number % len(KINDS)]) for number in range(count)))
    marks.append(time.monotonic())
    turn = asyncio.Semaphore(AT_ONCE)

    async def pair(number: int, car: Car) -> str:
        async with turn:
            return await way.paired(car, f"Blue {number}")

    car_ids = await asyncio.gather(*(pair(number, car) for number, car in enumerate(cars, 1)))
    paired_s = time.monotonic() - marks[-1]
    model = await way.model(pb_bytes=pb_bytes)
    marks.append(time.monotonic())
    body = {"car_ids": car_ids, "model_ids": [model.model_id]}
    pushes = await way.ask("POST", "/api/pushes", body, status=201)
    ended = [await way.ended(push["push_id"]) for push in pushes]
    assert {push["state"] for push in ended} == {"done"}
    marks.append(time.monotonic())
    await asyncio.gather(*(way.holds(car_id, car, model) for car_id, car in zip(car_ids, cars, strict=True)))
    await drive(way, car_ids, cars, model)
    marks.append(time.monotonic())
    stop_ms = await stop_all(way, car_ids, cars)
    begin_s, _, push_s, drive_s = (after - before for before, after in pairwise(marks))
    return Times(begin_s, paired_s, push_s, drive_s, stop_ms)


async def drive(way: Way, car_ids: list[str], cars: list[Car], model: Model) -> None:
    """All of them drive with this model."""
    await asyncio.gather(*(way.did(car_id, "load_model", folder=model.folder) for car_id in car_ids))
    await asyncio.gather(*(way.did(car_id, "start_driving") for car_id in car_ids))
    assert [await car.get("is_driving") for car in cars] == [True] * len(cars)


async def stop_all(way: Way, car_ids: list[str], cars: list[Car]) -> tuple[int, ...]:
    """One stop for all; how long each took."""
    views = await way.ask("POST", "/api/cars/commands", {"verb": "stop", "car_ids": car_ids}, status=201)
    command_id = views[0]["command_id"]

    async def look() -> list[int] | None:
        views = await way.ask("GET", f"/api/cars/commands/{command_id}")
        if any(view["state"] == "asked" for view in views):
            return None
        assert {view["state"] for view in views} == {"done"}, views
        return [view["took_ms"] for view in views]

    took_ms = await way.until(look)
    assert [await car.get("is_driving") for car in cars] == [False] * len(cars)
    return tuple(sorted(took_ms))


async def main(count: int, megabytes: int) -> None:
    """Run it and print what it took."""
    with tempfile.TemporaryDirectory() as directory:
        async with whole_way(Path(directory)) as way:
            times = await many_cars(way, count, megabytes * 1_000_000)
    print(f"{count} cars began in {times.begin_s:.1f} s, were paired in {times.pair_s:.1f} s ({AT_ONCE} at a time)")
    print(f"a model of {megabytes} MB to all in {times.push_s:.1f} s, all driving {times.drive_s:.1f} s later")
    print(f"one stop for all: {times.stop_ms[0]} to {times.stop_ms[-1]} ms")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    asyncio.run(main(*(given + [20, 22][len(given) :])))
