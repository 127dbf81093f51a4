"""
What the bench of pushing needs besides the box: enrolled stand-in cars, a model in the box's store, and OpenSSH's scp.

Each car is a real sshd with PAM, sudo and the real helper, in name spaces of its own (tests/cars/hall.py). Only root.
"""

import asyncio
import os
import resource
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.ssh import load_key, public_line
from cars.car_structs import Platform
from cars.on_car_api import HELPER_FILE, HELPER_PATH
from tests.bench.other_machines import Yielding
from tests.cars.hall import Hall
from tests.cars.hall_car import Car
from tests.cars.push_box import METADATA_BYTES, push_box

OPT_BYTES = 420_000_000
"""Room for the model twice and for scp's copy, beside the 200 MB that a push leaves free."""
BUILT_AT_ONCE = 4
SCP_AT_ONCE = 4
RACER = "owner"
FOLDER, SCP_FOLDER = f"{RACER}-model", "scp"
OPTIONS = ("BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null",
           "LogLevel=ERROR", "Compression=no")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Furnished:
    """What lies in the box's data directory now."""

    car_ids: list[str]
    model_id: str
    files: list[Path]


async def built(hall: Hall, data: Path, count: int, others: Yielding) -> list[Car]:
    """Stand-ins that take the box's key, as after pairing; the processors are the box's first, as they are in truth."""
    key = await asyncio.to_thread(load_key, data)
    at_once = asyncio.Semaphore(BUILT_AT_ONCE)

    async def one() -> Car:
        async with at_once:
            car = await hall.car(
                "stock_20",
                ssh_on=True,
                password_expired=False,
                authorized_keys=(f'restrict,from="{hall.subnet}" {public_line(key)}',),
                opt_bytes=OPT_BYTES,
            )
            await asyncio.to_thread(_enrol, car)
            others.add(car.pid)
            return car

    return list(await asyncio.gather(*(one() for _ in range(count))))


def _enrol(car: Car) -> None:
    helper, sudoers = car.path(HELPER_PATH), car.path("/etc/sudoers.d/trackside-car")
    shutil.copy(HELPER_FILE, helper)
    helper.chmod(0o755)
    sudoers.write_text(f"{car.username} ALL=(root) NOPASSWD: {HELPER_PATH}\n")
    sudoers.chmod(0o440)


async def furnished(data: Path, cars: Sequence[Car], model_bytes: int) -> Furnished:
    """The cars and one model in the store, before the box starts."""
    key = await asyncio.to_thread(load_key, data)
    pb = os.urandom(model_bytes - len(METADATA_BYTES))
    async with push_box(data, key) as box:
        car_ids = []
        for number, car in enumerate(cars):
            enrolled = await box.cars.add_enrolled(
                serial=car.serial, name=f"car-{number}", platform=Platform.STOCK_20, username=car.username,
                host_key=car.host_key, address=car.address, actor="bench",
            )  # fmt: skip
            car_ids.append(enrolled.car_id)
        model_id = await box.model("model", pb, RACER)
        pb_file = (await box.models.files(model_id)).pb
    return Furnished(car_ids, model_id, [pb_file, pb_file.with_name("model_metadata.json")])


def forget(cars: Sequence[Car]) -> None:
    """Neither a push nor scp has left anything on any car."""
    for car in cars:
        shutil.rmtree(car.artifacts / FOLDER, ignore_errors=True)
        shutil.rmtree(car.artifacts / SCP_FOLDER, ignore_errors=True)
        (car.artifacts / SCP_FOLDER).mkdir()
        os.chown(car.artifacts / SCP_FOLDER, 1000, 1000)


def is_on(car: Car, folder: str, files: Sequence[Path]) -> bool:
    """Whether these very bytes lie in this folder."""
    return all((car.artifacts / folder / file.name).read_bytes() == file.read_bytes() for file in files)


async def scp(cars: Sequence[Car], key_file: Path, files: Sequence[Path], more: Sequence[str] = ()) -> float:
    """OpenSSH's scp to every car, so many at a time; seconds. It verifies nothing, swaps nothing and syncs nothing."""
    at_once = asyncio.Semaphore(SCP_AT_ONCE)
    options = [word for option in OPTIONS for word in ("-o", option)]

    async def one(car: Car) -> None:
        target = f"{car.username}@{car.address}:/opt/aws/deepracer/artifacts/{SCP_FOLDER}/"
        async with at_once:
            process = await asyncio.create_subprocess_exec(
                "scp", "-q", "-F", "none", "-i", str(key_file), *options, *more, *map(str, files), target,
                stdin=DEVNULL, stdout=DEVNULL, stderr=sys.stderr,
            )  # fmt: skip
            assert await process.wait() == 0, f"scp to {car.address} ended with {process.returncode}"

    begun = time.monotonic()
    await asyncio.gather(*map(one, cars))
    return time.monotonic() - begun


def children_cpu_s() -> float:
    """Processor seconds of all programs that this process started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
