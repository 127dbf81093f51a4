"""The demo's cars and models on a real box: paired, uploaded, pushed, raced; and nothing of it is left running."""

import asyncio
import hashlib
import json
import os
import select
import signal
from pathlib import Path
from typing import Any

import pytest

from appliance.demo_client import Api
from appliance.demo_data import CARS, MODELS, RACERS, TRACKS
from tests.appliance.test_demo import READY_S, Demo, signed_in

GONE_S = 40
LOOK_S = 0.2


def started_for(data: Path) -> list[int]:
    """The processes that name the demo's folder: its box and the box's children, its cars, the maker of models."""
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if str(data) in command_of(pid)]


async def until_gone(data: Path) -> None:
    """Wait until none of them runs: what another one started ends by itself, a moment after it."""
    try:
        async with asyncio.timeout(GONE_S):
            while await asyncio.to_thread(started_for, data):  # noqa: ASYNC110  they are of another process
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        left = {pid: command_of(pid) for pid in await asyncio.to_thread(started_for, data)}
        raise AssertionError(left) from None


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def wait_for_end(pids: list[int]) -> None:
    """Until each has ended."""
    for pid in pids:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([fd], [], [], GONE_S)[0], command_of(pid)
        finally:
            os.close(fd)


async def until(api: Api, path: str, is_it: Any) -> dict[str, Any]:
    """The first of a list for which something becomes true."""
    async with asyncio.timeout(READY_S):
        while True:
            for one in await api.send("GET", path):
                if is_it(one):
                    found: dict[str, Any] = one
                    return found
            await asyncio.sleep(LOOK_S)


def on_car(data: Path, serial: str, folder: str) -> tuple[str, str]:
    """SHA-256 of the model.pb in the car's own file tree, and what its checksum.txt says."""
    place = data / "demo-cars" / serial / "opt/aws/deepracer/artifacts" / folder
    return hashlib.sha256((place / "model.pb").read_bytes()).hexdigest(), (place / "checksum.txt").read_text()


@pytest.mark.timeout(240)
async def test_models_reach_the_cars_and_races_name_both(tmp_path: Path) -> None:
    data = tmp_path / "Größe mit Platz"
    demo = await Demo.start(data, "--cars", "2", "--models", "4", "--model-kb", "60")
    try:
        await demo.until_printed("stops the demo")
        assert f"{demo.url.replace('127.0.0.1', 'localhost')}/staff/pushes" in demo.printed
        async with await signed_in(demo, "admin") as api:
            await demo.until_printed("Cars: 2 are paired.")
            cars = {car["car_id"]: car for car in await api.send("GET", "/api/cars")}
            assert {(car["serial"], car["name"]) for car in cars.values()} == {(x.serial, x.name) for x in CARS[:2]}
            fleets = {fleet["fleet_id"]: fleet["car_ids"] for fleet in await api.send("GET", "/api/fleets")}
            (event,) = await api.send("GET", "/api/events")
            assert [len(fleets[track["fleet_id"]]) for track in event["tracks"]] == [1] * len(TRACKS)

            await demo.until_printed("Models: ")
            assert "Models: 3 AVAILABLE, 1 NOT_VALID." in demo.printed
            push = await until(api, "/api/pushes", lambda push: push["state"] == "done")
            model = await api.send("GET", f"/api/models/{push['model_id']}")
            serial = cars[push["car_id"]]["serial"]
            pb_sha256, checksum = await asyncio.to_thread(on_car, data, serial, push["folder"])
            assert (pb_sha256, checksum) == (model["facts"]["pb_sha256"], model["facts"]["pb_md5"])

            race = await until(
                api, f"/api/races?event_id={event['event_id']}", lambda race: race["car_id"] and race["laps"]
            )
            assert {(lap["car_id"], lap["model_id"]) for lap in race["laps"]} == {(race["car_id"], race["model_id"])}
    finally:
        assert await demo.stop() == 0
    await until_gone(data)
    assert not (data / "demo-models").exists()


@pytest.mark.timeout(240)
async def test_cars_and_box_end_with_a_demo_that_is_killed_and_the_next_finds_them(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    demo = await Demo.start(data, "--cars", "1", "--models", "1")
    await demo.until_printed("Cars: 1 are paired.")
    async with await signed_in(demo, "admin") as api:
        (before,) = await api.send("GET", "/api/cars")
    running = await asyncio.to_thread(started_for, data)
    assert any("cars.standin.light" in command_of(pid) for pid in running)
    demo.process.send_signal(signal.SIGKILL)
    await demo.process.wait()
    await asyncio.to_thread(wait_for_end, running)
    await until_gone(data)

    again = await Demo.start(data, "--cars", "1", "--models", "1")
    try:
        await again.until_printed("Cars: 1 are paired.")
        async with await signed_in(again, "admin") as api:
            (after,) = await api.send("GET", "/api/cars")
        assert (after["car_id"], after["port"]) == (before["car_id"], before["port"])
        ports = json.loads(await asyncio.to_thread((data / "demo-cars.json").read_text))["ports"]
        assert ports == {before["serial"]: before["port"]}
    finally:
        assert await again.stop() == 0


def test_models_are_of_the_racers_and_each_has_its_own_file() -> None:
    names = [model.file_name for model in MODELS]
    assert len(set(names)) == len(names)
    owners = [model.username for model in MODELS if model.username is not None]
    assert {racer.username for racer in RACERS} - set(owners) == {"Noa"}
    assert len({name for name in owners if owners.count(name) > 1}) == 2
    assert sum(model.is_checkpoint for model in MODELS) == 1
    assert {car.track_id for car in CARS} == {track.track_id for track in TRACKS}
