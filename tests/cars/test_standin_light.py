"""A light car of the demo: the box's helper and SFTP, nothing else, and no root."""

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import msgspec
import pytest

from cars.standin.light import LightCar, LightCarSettings, LightCarStarted

ROOT = Path(__file__).parents[2]
DEADLINE_S = 40
HELPER = "sudo -n /usr/local/sbin/trackside-car"
TOKEN = "a" * 32


@pytest.fixture
async def car(tmp_path: Path, key: asyncssh.SSHKey) -> AsyncIterator[LightCar]:
    settings = LightCarSettings(serial="AMSS-0001", name="amss-0001", authorized_key=public(key))
    async with LightCar(tmp_path / "car", settings) as car:
        yield car


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


def connected(started: LightCarStarted, key: asyncssh.SSHKey) -> Any:
    known = asyncssh.import_known_hosts(f"[{started.host}]:{started.port} {started.host_key}\n")
    return asyncssh.connect(
        started.host, started.port, username=started.username, client_keys=[key], known_hosts=known
    )  # fmt: skip


async def asked(ssh: asyncssh.SSHClientConnection, verb: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(str((await ssh.run(f"{HELPER} {verb}")).stdout))
    return told


@contextlib.contextmanager
def program(folder: Path, key: asyncssh.SSHKey, count: int, *somebody: str) -> Iterator[list[LightCarStarted]]:
    """The cars as the demo starts them; their SFTP blocks the loop of its own process only."""
    settings = [
        LightCarSettings(serial=f"AMSS-{at}", name=f"amss-{at}", authorized_key=public(key)) for at in range(count)
    ]
    command = [
        *somebody,
        sys.executable,
        "-m",
        "cars.standin.light",
        str(folder),
        msgspec.json.encode(settings).decode(),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield [msgspec.json.decode(process.stdout.readline(), type=LightCarStarted) for _ in settings]
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0


def test_a_model_is_staged_and_installed_as_on_a_real_car(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    with program(tmp_path, key, 1) as cars:
        asyncio.run(install(cars[0], key))
    folder = tmp_path / "AMSS-0/opt/aws/deepracer/artifacts/racer-model"
    assert sorted(path.name for path in folder.iterdir()) == ["checksum.txt", "model.pb", "model_metadata.json"]


async def install(started: LightCarStarted, key: asyncssh.SSHKey) -> None:
    """As the box does it."""
    async with connected(started, key) as ssh:
        md5 = hashlib.md5(b"graph", usedforsecurity=False).hexdigest()
        sha256, metadata = hashlib.sha256(b"graph").hexdigest(), hashlib.sha256(b"{}").hexdigest()
        assert not (await asked(ssh, f"offer {TOKEN} racer-model {md5} {sha256} {metadata}"))["is_there"]
        for name, content in (("model.pb", b"graph"), ("model_metadata.json", b"{}")):
            words = f"{HELPER} receive {TOKEN} {name} 0 {len(content)}"
            told = await ssh.run(words, input=content, encoding=None)
            assert b'"ok": true' in (told.stdout or b"")
        installed = await asked(ssh, f"install {TOKEN} racer-model {md5} {sha256} {metadata}")
    assert (installed["ok"], installed["checksum"]) == (True, md5)


async def test_it_shows_its_light_its_battery_and_its_versions(car: LightCar, key: asyncssh.SSHKey) -> None:
    car.machine.battery = 3
    async with connected(car.started, key) as ssh:
        assert (await asked(ssh, "light 255 0 0")) == {"ok": True}
        assert (await asked(ssh, "battery"))["level"] == 3
        facts = await asked(ssh, "facts")
    assert car.machine.light == (255 * 39_215, 0, 0)
    assert (facts["serial"], facts["core_version"], facts["os_version"]) == ("AMSS-0001", "2.1.9.9+community", "20.04")


async def test_setting_its_clock_leaves_this_machine_alone(car: LightCar, key: asyncssh.SSHKey) -> None:
    async with connected(car.started, key) as ssh:
        assert (await asked(ssh, "set-time 1800000000000000000"))["ok"] is True
    assert abs(car.machine.now_s() - 1_800_000_000) < DEADLINE_S


@pytest.mark.parametrize("command", ["id", "bash -c id", "sudo -n sh", f"{HELPER}; id", "sudo -n /bin/sh -c id"])
async def test_it_runs_nothing_but_the_helper(car: LightCar, key: asyncssh.SSHKey, command: str) -> None:
    async with connected(car.started, key) as ssh:
        told = await ssh.run(command)
    assert "uid=" not in f"{told.stdout}{told.stderr}"
    assert told.exit_status != 0


async def test_another_key_does_not_open_it(car: LightCar) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await connected(car.started, asyncssh.generate_private_key("ssh-ed25519"))


async def test_a_reboot_loses_the_connection_and_the_car_comes_back(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    settings = LightCarSettings(serial="AMSS-0001", name="amss-0001", authorized_key=public(key), away_s=0.1)
    async with asyncio.timeout(DEADLINE_S), LightCar(tmp_path / "car", settings) as car:
        async with connected(car.started, key) as ssh:
            car.reboot()
            await ssh.wait_closed()
        while True:
            try:
                async with connected(car.started, key) as ssh:
                    assert (await asked(ssh, "battery"))["ok"] is True
                    return
            except (OSError, asyncssh.Error):
                continue


@pytest.mark.parametrize("verb", ["reboot", "poweroff"])
async def test_who_sends_it_down_is_answered_before_the_connection_is_lost(
    tmp_path: Path, key: asyncssh.SSHKey, verb: str
) -> None:
    settings = LightCarSettings(serial="AMSS-0001", name="amss-0001", authorized_key=public(key), away_s=0.1)
    async with (
        asyncio.timeout(DEADLINE_S),
        LightCar(tmp_path / "car", settings) as car,
        connected(car.started, key) as ssh,
    ):
        assert await asked(ssh, verb) == {"ok": True}
        await ssh.wait_closed()


async def test_models_and_host_key_are_there_after_a_restart(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    settings = LightCarSettings(serial="AMSS-0001", name="amss-0001", authorized_key=public(key))
    async with LightCar(tmp_path, settings) as car:
        first = car.started
    (tmp_path / "opt/aws/deepracer/artifacts/mine").mkdir()
    async with LightCar(tmp_path, settings) as car:
        assert car.started.host_key == first.host_key
    assert (tmp_path / "opt/aws/deepracer/artifacts/mine").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_cars_of_somebody_who_is_not_root_end_with_their_starter(tmp_path: Path, key: asyncssh.SSHKey) -> None:
    tmp_path.chmod(0o777)
    # Reads the interpreter wherever it is, and may nothing else that root may.
    somebody = ["setpriv", "--reuid=65534", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    with program(tmp_path, key, 3, *somebody) as cars:
        assert asyncio.run(light_of(cars[2], key)) == {"ok": True}
        asyncio.run(install(cars[1], key))
    assert len({car.port for car in cars}) == 3
    assert (tmp_path / "AMSS-1/opt/aws/deepracer/artifacts/racer-model").stat().st_uid == 65_534


async def light_of(started: LightCarStarted, key: asyncssh.SSHKey) -> dict[str, Any]:
    async with connected(started, key) as ssh:
        return await asked(ssh, "light 0 255 0")


async def test_a_model_is_loaded_driven_and_stopped_through_its_web_server(car: LightCar, key: asyncssh.SSHKey) -> None:
    async with connected(car.started, key) as ssh:
        assert (await asked(ssh, "load-model Sample_single_cam"))["folder"] == "Sample_single_cam"
        assert (await asked(ssh, "drive-start"))["ok"]
        assert car.machine.is_driving
        assert (await asked(ssh, "stop"))["by"] == "console"
        assert not car.machine.is_driving
