"""The stand-in's console refuses and lets in as the real one does."""

import io
import re
import ssl
import tarfile
from collections.abc import AsyncIterator

import asyncssh
import httpx
import pytest

from tests.cars.hall import Car, Hall, needs_hall

pytestmark = needs_hall


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    async with Hall() as hall:
        yield hall


def browser(car: Car) -> httpx.AsyncClient:
    """Verifies nothing, as everybody's does with a self-signed certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return httpx.AsyncClient(verify=context, base_url=f"https://{car.address}", timeout=20)


async def token(client: httpx.AsyncClient) -> str:
    match = re.search('name="csrf-token" content="([^"]+)"', (await client.get("/login")).text)
    assert match is not None
    client.headers["X-CSRFToken"] = match[1]
    return match[1]


async def logged_in(client: httpx.AsyncClient, car: Car) -> None:
    await token(client)
    told = await client.post("/login", data={"password": car.console_password})
    assert told.json() == {"redirect": "/home"}


async def test_a_wrong_password_is_a_200_that_says_failure(hall: Hall) -> None:
    car = await hall.car("stock_20")
    async with browser(car) as client:
        missing = await client.post("/login", data={"password": car.console_password})
        await token(client)
        wrong = await client.post("/login", data={"password": "wrong"})
        inside = await client.get("/api/get_battery_level")
    assert (missing.status_code, "The CSRF token is missing." in missing.text) == (400, True)
    assert (wrong.status_code, wrong.text) == (200, "failure")
    assert inside.status_code == 401


async def test_the_console_turns_ssh_on_and_changes_the_first_password(hall: Hall) -> None:
    car = await hall.car("stock_20")
    async with browser(car) as client:
        await logged_in(client, car)
        assert (await client.get("/api/isSshEnabled")).json()["isSshEnabled"] is False
        assert (await client.get("/api/isSshDefaultPasswordChanged")).json()["isDefaultSshPasswordChanged"] is False
        assert (await client.get("/api/enableSsh")).json()["isSshEnabled"] is True
        change = {"oldPassword": "deepracer", "newPassword": "Kerb-stone-4711"}
        assert (await client.post("/api/resetSshPassword", json=change)).json() == {"success": True}
        assert (await client.get("/api/isSshEnabled")).json()["isSshEnabled"] is True
    car.password = "Kerb-stone-4711"
    options = {"username": car.username, "password": car.password, "known_hosts": None, "client_keys": None}
    async with asyncssh.connect(car.address, **options) as ssh:
        told = await ssh.run("sudo -n true")
    assert (told.exit_status, told.stderr) == (1, "sudo: a password is required\n")


@pytest.mark.parametrize(("profile", "first_stays"), [("stock_20_drem", False), ("community_24", True)])
async def test_a_stock_console_knows_one_login_at_a_time(hall: Hall, profile: str, first_stays: bool) -> None:
    car = await hall.car(profile)
    async with browser(car) as first, browser(car) as second:
        await logged_in(first, car)
        await logged_in(second, car)
        assert (await second.get("/api/get_battery_level")).json()["success"] is True
        assert ((await first.get("/api/get_battery_level")).status_code == 200) is first_stays


async def test_a_core_that_is_down_is_a_502(hall: Hall) -> None:
    car = await hall.car("stock_20_drem")
    async with browser(car) as client:
        await logged_in(client, car)
        await car.call("stop", "deepracer-core")
        assert (await client.get("/api/get_battery_level")).status_code == 502


async def test_a_leftover_cache_makes_a_community_car_drive_the_old_model(hall: Hall) -> None:
    car = await hall.car("community_20")
    folder = car.artifacts / "Sample_single_cam"
    async with browser(car) as client:
        await logged_in(client, car)
        assert (await client.put("/api/models/Sample_single_cam/model")).json() == {"success": True}
        old = await car.get("drives")
        (folder / "model.pb").write_bytes(b"newer")
        assert (await client.put("/api/models/Sample_single_cam/model")).json() == {"success": True}
        assert await car.get("drives") == old
        (folder / "model.xml").unlink()
        await client.put("/api/models/Sample_single_cam/model")
    assert await car.get("drives") != old


async def test_the_loader_takes_the_metadata_from_the_root_of_the_archive_only(hall: Hall) -> None:
    car = await hall.car("stock_20_drem")
    async with browser(car) as client:
        await logged_in(client, car)
        good = await client.put(
            "/api/uploadModels", files={"file": ("my.first.tar.gz", archive("model_metadata.json"))}
        )
        bad = await client.put(
            "/api/uploadModels", files={"file": ("bad.tar.gz", archive("agent/model_metadata.json"))}
        )
    assert good.json()["success"] is True
    assert bad.json() == {"success": False, "message": "Failed to upload & optimize the model"}
    assert {"my", "bad"} <= {path.name for path in car.artifacts.iterdir()}


def archive(metadata: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, content in (("agent/model.pb", b"graph"), (metadata, b'{"sensor": ["observation"]}')):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
