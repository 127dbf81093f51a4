"""A light car that is driven through the box's helper: how fast it may go, and what it has recorded afterwards."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from cars.folder_names import folder_of_bag
from cars.standin.light import LightCar, LightCarSettings

HELPER = "sudo -n /usr/local/sbin/trackside-car"
MODEL = "Sample_single_cam"


@pytest.fixture
async def car(tmp_path: Path) -> AsyncIterator[tuple[LightCar, asyncssh.SSHClientConnection]]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = key.export_public_key().decode().strip()
    settings = LightCarSettings(serial="AMSS-0001", name="amss-0001", authorized_key=public)
    async with LightCar(tmp_path / "car", settings) as car:
        known = asyncssh.import_known_hosts(f"[{car.started.host}]:{car.port} {car.started.host_key}\n")
        async with asyncssh.connect(
            car.started.host, car.port, username=car.started.username, client_keys=[key], known_hosts=known
        ) as ssh:
            yield car, ssh


async def asked(ssh: asyncssh.SSHClientConnection, verb: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(str((await ssh.run(f"{HELPER} {verb}")).stdout))
    return told


async def test_the_limit_of_one_drive_is_not_the_next_ones(
    car: tuple[LightCar, asyncssh.SSHClientConnection],
) -> None:
    light, ssh = car
    assert (await asked(ssh, f"load-model {MODEL}"))["ok"]
    assert (await asked(ssh, "drive-start 40"))["ok"]
    assert (light.machine.is_driving, light.machine.max_throttle) == (True, 40)
    assert (await asked(ssh, "drive-start"))["ok"]
    assert light.machine.max_throttle == 100
    assert (await asked(ssh, "drive-start 0"))["code"] == "bad_argument"
    assert (await asked(ssh, "drive-start 101"))["code"] == "bad_argument"


async def test_a_drive_is_recorded_under_the_name_of_its_model(
    car: tuple[LightCar, asyncssh.SSHClientConnection],
) -> None:
    _, ssh = car
    assert (await asked(ssh, "logs-list 0"))["logs"] == []
    await asked(ssh, f"load-model {MODEL}")
    await asked(ssh, "drive-start")
    await asked(ssh, "stop")
    told = await asked(ssh, "logs-list 0")
    (bag,) = told["logs"]
    assert folder_of_bag(bag["name"]) == MODEL
    assert bag["size_bytes"] > 100_000
    assert told["now_s"] - 600 < bag["began_at_s"] <= bag["changed_at_s"] <= told["now_s"]
