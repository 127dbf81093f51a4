"""Pairing and releasing stand-in cars of every kind: real OpenSSH with PAM, the console, the root helper as it is."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance import ssh
from appliance.errors import ApplianceError
from appliance.host_keys import fingerprint
from cars.car_ssh import machine_of
from cars.car_structs import Platform
from cars.enrol_wire import Enrol, Release, Step, StepState, Went
from cars.enrolment import enrol
from cars.on_car_api import HELPER_FILE, HelperRefused, OnCar
from cars.release import release
from tests.cars.hall import Car, Hall, needs_hall

pytestmark = needs_hall

SETTLED_S = 60.0
NEW_PASSWORD = "Trackside-2026-hall"
KEPT = "from now on this box sets it whenever the car comes back."
SUDOERS, HELPER = "/etc/sudoers.d/trackside-car", "/usr/local/sbin/trackside-car"


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with Hall() as built:
        yield built


def order_for(car: Car, data_dir: Path, **changes: Any) -> Enrol:
    fields: dict[str, Any] = {
        "address": car.address,
        "port": 22,
        "console_port": 443,
        "username": car.username,
        "console_password": car.console_password,
        "password": "" if car.username == "deepracer" else car.password,
        "new_password": NEW_PASSWORD,
        "subnet": car.hall.subnet,
        "data_dir": str(data_dir),
    }
    return Enrol(**{**fields, **changes})


def release_of(car: Car, data_dir: Path) -> Release:
    return Release(
        serial=car.serial if car.profile.has_dmi else "10000000A1B2C3D4",
        address=car.address,
        port=22,
        username=car.username,
        host_key=car.host_key,
        is_forced=False,
        data_dir=str(data_dir),
    )


def give_serial(car: Car) -> None:
    """A Pi has it in its device tree."""
    if not car.profile.has_dmi:
        tree = car.path("/sys/firmware/devicetree/base")
        tree.mkdir(parents=True, exist_ok=True)
        (tree / "serial-number").write_text("10000000a1b2c3d4\0")


async def said(car: Car, command: str) -> str:
    told = await car.run(command)
    return (told.out + told.err).strip()


async def refusal(order: Enrol, told: list[Went]) -> ApplianceError:
    with pytest.raises(ApplianceError) as caught:
        await enrol(order, told.append)
    return caught.value


@pytest.mark.parametrize("profile", ["stock_20", "stock_20_drem", "community_20", "community_24", "pi"])
async def test_a_car_of_every_kind_is_paired_and_released(hall: Hall, tmp_path: Path, profile: str) -> None:
    car = await hall.car(profile)
    give_serial(car)
    updates = "cat /opt/aws/deepracer/lib/deepracer_systems_pkg/lib/*/site-packages/*/*/*config.py | grep PERIODIC"
    updates_before = await said(car, updates)
    told: list[Went] = []
    known = {"password": car.password} if profile == "stock_20_drem" else {}

    found = await enrol(order_for(car, tmp_path, **known), told.append)
    assert found.platform is Platform(profile.removesuffix("_drem"))
    assert found.serial == (car.serial if car.profile.has_dmi else "10000000A1B2C3D4")
    assert found.host_key == car.host_key
    assert [went.step for went in told if went.state is StepState.DOING] == list(Step)[:-1]
    ended = {went.step: went for went in told if went.state is not StepState.DOING}
    assert {went.state for went in ended.values()} <= {StepState.DONE, StepState.LEFT}
    assert ended[Step.HOST_KEY].text.startswith(fingerprint(car.host_key))

    keys = car.path(f"/home/{car.username}/.ssh/authorized_keys").read_text()
    assert keys.startswith(f'restrict,from="{hall.subnet}" ssh-ed25519 ')
    assert keys.count("\n") == 1
    assert car.path(HELPER).read_bytes() == HELPER_FILE.read_bytes()
    assert await said(car, f"stat -c %U:%a {HELPER} {SUDOERS}") == "root:755\nroot:440"
    assert car.path(SUDOERS).read_text() == f"{car.username} ALL=(root) NOPASSWD: {HELPER}\n"
    unit = "ssh.socket" if car.profile.ssh_socket else "ssh"
    assert await said(car, f"systemctl is-enabled {unit}") == "enabled"
    assert hall.subnet in await said(car, "ufw status")
    assert "Status: active" in await said(car, "ufw status")
    assert await said(car, "systemctl is-enabled sleep.target") == "masked"
    assert not await car.get("wifi_power_save")
    assert "= True" not in await said(car, updates)
    assert not car.path("/etc/systemd/timesyncd.conf.d").exists(), "the box serves no time"
    assert car.path("/etc/avahi/services/trackside-car.service").exists() == car.profile.has_avahi

    undone = await release(release_of(car, tmp_path))
    assert undone.problems == ()
    assert not car.path(f"/home/{car.username}/.ssh").exists()
    assert await said(car, f"systemctl is-enabled {unit}") == ("disabled" if profile == "stock_20" else "enabled")
    left = await said(car, f"ls {HELPER} {SUDOERS} /opt/aws/deepracer/.trackside")
    assert left.count("No such file or directory") == 3
    assert hall.subnet not in await said(car, "ufw status")
    assert await said(car, "systemctl is-enabled sleep.target") != "masked"
    assert await said(car, updates) == updates_before
    assert not car.path("/etc/avahi/services/trackside-car.service").exists()


async def test_a_car_is_paired_again_and_called_by_its_key(hall: Hall, tmp_path: Path) -> None:
    car = await hall.car("community_20", clock_off_s=-63_000_000)
    await car.only_rsa()
    told: list[Went] = []
    assert (await enrol(order_for(car, tmp_path), told.append)).host_key == car.host_key
    assert car.host_key.startswith("ssh-rsa ")
    assert Went(step=Step.TIME, state=StepState.DONE, text=f"Set; {KEPT}") in told
    again: list[Went] = []
    await enrol(order_for(car, tmp_path, console_password="", password=NEW_PASSWORD), again.append)
    assert Went(step=Step.TIME, state=StepState.DONE, text=f"It was right; {KEPT}") in again
    rested = "No sleep, no Wi-Fi power saving, no search for updates."
    assert Went(step=Step.QUIET, state=StepState.DONE, text=rested) in again
    assert car.path("/home/deepracer/.ssh/authorized_keys").read_text().count("\n") == 1
    machine = machine_of(car.address, 22, car.username)
    async with ssh.signed_in(machine, car.host_key, key=await asyncio.to_thread(ssh.load_key, tmp_path)) as connection:
        on_car = OnCar(connection, "Blue 3")
        await on_car.light(255, 0, 0)
        assert await car.get("light") == [9_999_825, 0, 0]
        assert (await on_car.battery()).level == car.profile.battery
        assert (await on_car.disk()).free_bytes > 0
        loaded = await on_car.ask("load-model", "Sample_single_cam", timeout_s=SETTLED_S)
        assert loaded["folder"] == "Sample_single_cam"
        sample = car.artifacts / "Sample_single_cam/model.pb"
        assert await car.get("drives") == hashlib.md5(await asyncio.to_thread(sample.read_bytes)).hexdigest()
        await on_car.ask("drive-start", timeout_s=SETTLED_S)
        assert await car.get("is_driving")
        assert (await on_car.ask("stop", timeout_s=SETTLED_S))["by"] == "console"
        assert not await car.get("is_driving")
        with pytest.raises(HelperRefused) as refused:
            await on_car.ask("load-model", "anna-fast", timeout_s=SETTLED_S)
        assert str(refused.value) == "anna-fast is not on this car. Push it first."
        with pytest.raises(ssh.asyncssh.Error):
            await connection.create_session(ssh.asyncssh.SSHClientSession, term_type="vt100")


async def test_a_password_that_has_expired_is_changed_on_a_terminal(hall: Hall, tmp_path: Path) -> None:
    car = await hall.car("stock_20", ssh_on=True)
    told: list[Went] = []
    await enrol(order_for(car, tmp_path, console_password=""), told.append)
    assert (
        Went(step=Step.CONSOLE, state=StepState.LEFT, text="No sticker password was typed: it is left alone.") in told
    )
    assert "The factory's had expired: it has the new one now." in [went.text for went in told]


async def test_a_car_with_ubuntu_16_is_refused_before_anything_is_changed(hall: Hall, tmp_path: Path) -> None:
    car = await hall.car("stock_16")
    told: list[Went] = []
    error = await refusal(order_for(car, tmp_path), told)
    assert error.message == (
        "This car still runs Ubuntu 16.04, which no tool for races works with. Nothing was changed on it."
    )
    assert [went.state for went in told] == [StepState.DOING, StepState.FAILED]
    assert [call for call in await car.get("calls") if call[0] == "console"] == [
        ["console", "GET", "/api/get_device_info"]
    ]


async def test_a_wrong_password_is_tried_once_and_named(hall: Hall, tmp_path: Path) -> None:
    car = await hall.car("community_24", password="Known-to-nobody-1")
    error = await refusal(order_for(car, tmp_path, console_password="wrong"), [])
    assert (error.message, error.field) == ("The console does not take this password.", "console_password")
    told: list[Went] = []
    error = await refusal(order_for(car, tmp_path, password="wrong-as-well"), told)
    assert (error.message, error.field) == (
        f"{car.address} does not take this password for deepracer.",
        "password",
    )
    assert told[-1].step is Step.PASSWORD
    assert car.path("/var/log/auth.log").read_text().count("Failed password for deepracer") == 1
    assert not car.path("/home/deepracer/.ssh").exists()
    found = await enrol(order_for(car, tmp_path, password="Known-to-nobody-1"), told.append)
    assert found.platform is Platform.COMMUNITY_24


async def test_a_password_that_everybody_knows_is_not_left(hall: Hall, tmp_path: Path) -> None:
    car = await hall.car("stock_20", ssh_on=True)
    error = await refusal(order_for(car, tmp_path, console_password="", new_password=""), [])
    assert (error.message, error.field) == (
        "This car still has the password of the factory, which everybody knows.",
        "new_password",
    )


async def test_an_address_where_nothing_answers_is_told_so(tmp_path: Path) -> None:
    nobody = Enrol(
        address="127.0.0.1",
        port=9,
        console_port=9,
        username="deepracer",
        console_password="sticker",
        password="",
        new_password="",
        subnet="127.0.0.0/8",
        data_dir=str(tmp_path),
    )
    error = await refusal(nobody, [])
    assert error.message.startswith("No console of a car answers at 127.0.0.1: ")
    assert error.remedy == "Check the address, and that the car is on: it takes two minutes to start."


async def test_a_link_that_is_lost_in_the_middle_is_told_and_the_next_try_goes_through(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = await hall.car("community_24")
    told: list[Went] = []
    pulled: list[asyncio.Task[None]] = []

    def pull(went: Went) -> None:
        told.append(went)
        if (went.step, went.state) == (Step.HELPER, StepState.DOING):
            pulled.append(asyncio.ensure_future(car.link_down()))

    with monkeypatch.context() as soon:
        soon.setattr("cars.car_ssh.KEEPALIVES_MISSED", 2)
        with pytest.raises(ApplianceError):
            await enrol(order_for(car, tmp_path), pull)
    await asyncio.gather(*pulled)
    assert told[-1].state is StepState.FAILED
    await car.link_up()
    found = await enrol(order_for(car, tmp_path, password=NEW_PASSWORD, console_password=""), told.append)
    assert found.serial == car.serial
    assert car.path(HELPER).read_bytes() == HELPER_FILE.read_bytes()
