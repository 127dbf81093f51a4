"""A box that fetches logs from small cars: the pushing box of push_box.py, and a car's disk with recordings."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from appliance.clock import iso_utc
from appliance.errors import ApplianceError
from cars.facts import LogsChanged
from cars.log_structs import OPEN, LogState, LogView
from cars.logs import Logs
from tests.cars.push_box import PushBox, push_box
from tests.cars.small_car import SmallCar

SETTLED_S = 60
MB = 1_000_000


class LogBox:
    """`hindered`: why no car may be asked now."""

    def __init__(self, box: PushBox, keep_mb: int) -> None:
        self.box = box
        self.hindered: ApplianceError | None = None
        self.logs = Logs(
            box.db,
            box.facts,
            people=box.people,
            cars=box.cars,
            data_dir=box.directory,
            keep_bytes=keep_mb * MB,
            hindrance=lambda _: self.hindered,
        )

    async def ask(self, car_id: str, *, race_id: str = "race-0001", racer_id: str = "ann", **more: str) -> str:
        """Fetch what was recorded in the last minute."""
        now_ns = time.time_ns()
        span = (iso_utc(now_ns - 60 * 10**9), iso_utc(now_ns))
        view = await self.logs.ask_race(
            race_id=race_id, racer_id=racer_id, car_id=car_id, model_id=more.get("model_id"), span=span, actor="crew"
        )
        return view.log_id

    async def until(self, log_id: str, is_it: Callable[[LogView], bool]) -> LogView:
        """Wait for something to become true of it."""
        changed = asyncio.Event()
        end = self.box.facts.subscribe(LogsChanged, lambda _: changed.set())
        try:
            async with asyncio.timeout(SETTLED_S):
                while not is_it(view := await self.logs.get(log_id)):
                    await changed.wait()
                    changed.clear()
                return view
        except TimeoutError:
            raise AssertionError(await self.logs.get(log_id)) from None
        finally:
            end()

    async def ended(self, log_id: str) -> LogView:
        """Wait for its end."""
        return await self.until(log_id, lambda view: view.state not in OPEN)

    async def fetching(self, log_id: str) -> LogView:
        """Wait until it is in the middle."""
        return await self.until(log_id, lambda view: view.state is LogState.FETCHING and view.got_bytes > 0)


@asynccontextmanager
async def log_box(directory: Path, key: asyncssh.SSHKey, keep_mb: int = 100) -> AsyncIterator[LogBox]:
    """A box in `directory`; may be opened again after it was closed."""
    async with push_box(directory, key) as pushing:
        box = LogBox(pushing, keep_mb)
        await box.logs.load()
        box.logs.start()
        try:
            yield box
        finally:
            await box.logs.stop()


def record(car: SmallCar, name: str, data: bytes = b"bag", *, age_s: int = 0) -> Path:
    """A recording on a car's disk; answers its file."""
    folder = car.artifacts.parent / "logs" / name
    folder.mkdir(parents=True)
    (folder / "data.mcap").write_bytes(data)
    at = time.time() - age_s
    for path in (folder / "data.mcap", folder):
        os.utime(path, (at, at))
    return folder / "data.mcap"


def slow_down(car: SmallCar, rate: str = "30mbit") -> None:
    """What the car sends takes its time: as good Wi-Fi."""
    device = car.cable.over_there[-1]
    shaped = ["tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "64kb", "latency", "400ms"]
    subprocess.run([*car.cable.over_there, *shaped], check=True)


def packed(box: LogBox, log_id: str) -> list[str]:
    """What the stored tar holds, by tar's own word."""
    file = str(box.logs.files.stored(log_id))
    return subprocess.run(["tar", "tf", file], capture_output=True, text=True, check=True).stdout.splitlines()
