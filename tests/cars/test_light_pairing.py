"""A light car that waits to be paired: the box's own steps go through on it, and nobody reaches more than the car."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import msgspec
import pytest

from appliance import ssh
from appliance.errors import InvalidInput
from appliance.host_keys import Refused
from cars.car_ssh import machine_of
from cars.car_structs import Platform
from cars.enrol_wire import Enrol, Release, StepState, Went
from cars.enrolment import enrol
from cars.on_car_api import OnCar
from cars.release import release
from cars.standin.light import LightCarSettings, LightCarStarted
from cars.standin.light_files import Link

ROOT = Path(__file__).parents[2]
PASSWORD = "Known-to-the-demo"
DEADLINE_S = 40


@contextlib.contextmanager
def light_car(folder: Path, **changes: Any) -> Iterator[LightCarStarted]:
    """One as the demo starts it: its SFTP blocks the loop of its own process only."""
    fields = {"serial": "AMSS-0001", "name": "amss-0001", "password": PASSWORD, "host": "127.0.0.11"}
    settings = msgspec.json.encode([LightCarSettings(**fields | changes)]).decode()
    command = [sys.executable, "-m", "cars.standin.light", str(folder), settings]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield msgspec.json.decode(process.stdout.readline(), type=LightCarStarted)
        process.stdin.close()
        assert process.wait(DEADLINE_S) == 0


def order_for(car: LightCarStarted, data_dir: Path, **changes: Any) -> Enrol:
    fields: dict[str, Any] = {
        "address": car.host,
        "port": car.port,
        "console_port": 443,
        "username": car.username,
        "console_password": "",
        "password": PASSWORD,
        "new_password": "",
        "subnet": "127.0.0.0/8",
        "data_dir": str(data_dir),
    }
    return Enrol(**fields | changes)


def release_of(car: LightCarStarted, data_dir: Path) -> Release:
    return Release(
        serial=car.serial,
        address=car.host,
        port=car.port,
        username=car.username,
        host_key=car.host_key,
        is_forced=False,
        data_dir=str(data_dir),
    )


async def signed_in(car: LightCarStarted, data_dir: Path, do: Callable[[asyncssh.SSHClientConnection], Any]) -> Any:
    """What comes of `do` on a connection with the box's key."""
    key = await asyncio.to_thread(ssh.load_key, data_dir)
    async with ssh.signed_in(machine_of(car.host, car.port, car.username), car.host_key, key=key) as connection:
        return await do(connection)


@pytest.mark.parametrize(
    ("profile", "platform"),
    [("community_24", Platform.COMMUNITY_24), ("pi", Platform.PI)],
)
def test_the_steps_of_pairing_go_through_in_a_folder_of_any_name(
    tmp_path: Path, profile: str, platform: Platform
) -> None:
    folder, told = tmp_path / "Ärger mit Platz", list[Went]()
    with light_car(folder, profile=profile) as car:
        found = asyncio.run(enrol(order_for(car, tmp_path), told.append))
        battery = asyncio.run(signed_in(car, tmp_path, lambda connection: OnCar(connection, "Blue 3").battery()))
    assert (found.serial, found.platform, found.host_key) == ("AMSS-0001", platform, car.host_key)
    assert {went.state for went in told} == {StepState.DOING, StepState.DONE, StepState.LEFT}
    assert battery.level == 8


def test_a_restart_leaves_it_paired_and_at_its_port(tmp_path: Path) -> None:
    with light_car(tmp_path / "cars") as car:
        asyncio.run(enrol(order_for(car, tmp_path), lambda _: None))
    with light_car(tmp_path / "cars", port=car.port) as again:
        asyncio.run(signed_in(again, tmp_path, lambda connection: OnCar(connection, "Blue 3").disk()))
    assert again == car


def test_where_its_port_is_taken_it_takes_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.11", 0)) as taken, light_car(tmp_path, port=taken.getsockname()[1]) as car:
        assert car.port != taken.getsockname()[1]


def test_a_wrong_password_is_refused(tmp_path: Path) -> None:
    with light_car(tmp_path / "cars") as car, pytest.raises(InvalidInput) as caught:
        asyncio.run(enrol(order_for(car, tmp_path, password="wrong"), lambda _: None))
    assert caught.value.field == "password"


def test_released_it_lets_nobody_in_and_is_paired_again(tmp_path: Path) -> None:
    with light_car(tmp_path / "cars") as car:
        asyncio.run(enrol(order_for(car, tmp_path), lambda _: None))
        undone = asyncio.run(release(release_of(car, tmp_path)))
        assert undone.problems == ()
        assert not (tmp_path / "cars/AMSS-0001/usr/local/sbin/trackside-car").exists()
        with pytest.raises(Refused):
            asyncio.run(signed_in(car, tmp_path, lambda connection: OnCar(connection, "Blue 3").disk()))
        told = asyncio.run(enrol(order_for(car, tmp_path), lambda _: None))
    assert told.serial == "AMSS-0001"


def test_over_sftp_only_what_is_staged_can_be_written(tmp_path: Path) -> None:
    helper = tmp_path / "cars/AMSS-0001/usr/local/sbin/trackside-car"

    async def try_all(connection: asyncssh.SSHClientConnection) -> None:
        async with connection.start_sftp_client() as sftp:
            staging = (await OnCar(connection, "Blue 3").ask("stage-open", "a" * 32, timeout_s=DEADLINE_S))["path"]
            async with sftp.open(f"{staging}/model.pb", "wb") as file:
                await file.write(b"graph")
            for attempt in (
                lambda: sftp.open("/usr/local/sbin/trackside-car", "wb"),
                lambda: sftp.open(f"{staging}/../../../../../usr/local/sbin/trackside-car", "ab"),
                lambda: sftp.remove("/usr/local/sbin/trackside-car"),
                lambda: sftp.symlink("/usr/local/sbin", f"{staging}/way-out"),
                lambda: sftp.rename(f"{staging}/model.pb", "/usr/local/sbin/trackside-car"),
                lambda: sftp.mkdir(f"{staging}/more"),
            ):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await attempt()

    with light_car(tmp_path / "cars") as car:
        asyncio.run(enrol(order_for(car, tmp_path), lambda _: None))
        before = helper.read_bytes()
        asyncio.run(signed_in(car, tmp_path, try_all))
    assert helper.read_bytes() == before


async def test_a_slow_link_is_shared_by_all_that_is_sent() -> None:
    link, loop = Link(bytes_per_s=100_000), asyncio.get_running_loop()
    began_s = loop.time()
    await asyncio.gather(*(link.carry(5_000) for _ in range(4)))
    assert loop.time() - began_s >= 0.19
