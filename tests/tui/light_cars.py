"""Light stand-in cars that a house has paired: real SSH, the box's own helper, in a process of their own."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from appliance.ssh import load_key
from cars.car_structs import Car, Platform
from cars.command_rules import Ask
from cars.standin.light import LightCarSettings, LightCarStarted
from web.house import House

ROOT = Path(__file__).parents[2]
END_S = 40


@asynccontextmanager
async def light_cars(folder: Path, data_dir: Path, count: int) -> AsyncIterator[list[LightCarStarted]]:
    """So many cars that the box of `data_dir` may sign in to."""
    key = await asyncio.to_thread(load_key, data_dir)
    public = key.export_public_key().decode().strip()
    settings = [
        LightCarSettings(serial=f"AMSS-{number:04d}", name=f"amss-{number:04d}", authorized_key=public)
        for number in range(1, count + 1)
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cars.standin.light", str(folder), msgspec.json.encode(settings).decode(),
        cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield [msgspec.json.decode(await process.stdout.readline(), type=LightCarStarted) for _ in settings]
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), END_S)


async def pair(house: House, started: Sequence[LightCarStarted], names: Sequence[str]) -> list[Car]:
    """They are the box's own from now on."""
    return [
        await house.cars.add_enrolled(
            serial=car.serial, name=name, platform=Platform.COMMUNITY_20, username=car.username,
            host_key=car.host_key, address=car.host, port=car.port, actor="test",
        )
        for car, name in zip(started, names, strict=True)
    ]  # fmt: skip


async def warm(house: House, cars: Sequence[Car]) -> None:
    """Their lines are up: what they are told next needs no signing in, which takes a busy machine many seconds."""
    ask = Ask(verb="battery", within_s=60.0)
    for answer in await asyncio.gather(*(house.commands.calls.call(car, ask) for car in cars)):
        assert "level" in answer


async def pair_dumb(house: House, name: str, number: int = 99) -> Car:
    """A car that is said to be there, and at whose address nobody answers."""
    return await house.cars.add_enrolled(
        serial=f"AMSS-{number:04d}", name=name, platform=Platform.STOCK_20, username="deepracer",
        host_key=f"ssh-ed25519 {number}", address="127.0.0.1", port=1, actor="test",
    )  # fmt: skip
