"""A crew's phone follows models on their way to cars: bytes that move, a cancel, a failure with what to do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from appliance import ssh
from cars.car_ssh import machine_of
from cars.car_structs import Platform
from cars.facts import ModelChanged
from cars.model_structs import ModelStatus
from cars.standin.light import LightCarStarted
from cars.upload_structs import NewUpload
from tests.browser.conftest import Screens
from tests.browser.upload_page import crew_page, model_file
from tests.cars.test_light_pairing import light_car

pytestmark = pytest.mark.browser

PB_BYTES = 2_000_000
SLOW = 100_000
"""Bytes in a second: 20 s for the model, unless somebody ends it before."""
DEADLINE_S = 40
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBWnsm6pYv4B6gTjcWEtSnqCOK5mnrnv0FLZqN7qbUBR"


@contextlib.asynccontextmanager
async def enrolled_car(
    screens: Screens, folder: Path, *, bytes_per_s: int | None = None, host_key: str | None = None
) -> AsyncIterator[str]:
    """A light car, enrolled; its id. `host_key`: what it showed before, when it is another now."""
    key = await asyncio.to_thread(ssh.load_key, screens.house.settings.data_dir)
    public = key.export_public_key().decode().strip()
    starting: Any = light_car(folder, authorized_key=public, password=None, bytes_per_s=bytes_per_s)
    car: LightCarStarted = await asyncio.to_thread(starting.__enter__)
    try:
        enrolled = await screens.house.cars.add_enrolled(
            serial=car.serial,
            name="Überholer",
            platform=Platform.COMMUNITY_20,
            username=car.username,
            host_key=host_key or car.host_key,
            address=car.host,
            port=car.port,
            actor="test",
        )
        yield enrolled.car_id
        await screens.house.pushes.stop()
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


async def with_model(screens: Screens, folder: Path) -> Page:
    """The page of pushes, on the phone of somebody of the crew, with a model to tick."""
    content = await asyncio.to_thread(lambda: model_file(folder, "schnell.tar.gz", PB_BYTES).read_bytes())
    new = NewUpload(file_name="schnell.tar.gz", size_bytes=len(content))
    model_id = (await screens.house.uploads.take_file(new, None, whole(content), "test")).model_id or ""
    changed = asyncio.Event()
    end = screens.house.facts.subscribe(ModelChanged, lambda _: changed.set())
    async with asyncio.timeout(DEADLINE_S):
        while (await screens.house.models.get(model_id)).status is not ModelStatus.AVAILABLE:
            await changed.wait()
            changed.clear()
    end()
    return await crew_page(screens, f"/staff/pushes?model={model_id}")


async def whole(content: bytes) -> AsyncIterator[bytes]:
    """All of it at once."""
    yield content


async def test_bytes_and_rate_move_and_a_cancel_takes_away_what_was_sent(screens: Screens, tmp_path: Path) -> None:
    async with enrolled_car(screens, tmp_path / "cars", bytes_per_s=SLOW):
        page = await with_model(screens, tmp_path)
        await page.get_by_role("button", name="Push", exact=True).click()
        push = page.locator("#running .push")
        await expect(push.locator(".pill")).to_have_text("Sending")
        await expect(push).to_contain_text("schnell")
        await expect(push.locator(".figures")).to_contain_text("B/s · ")
        bar = push.locator("progress")
        assert await bar.get_attribute("max") is not None
        seen = await bar.evaluate("bar => bar.value")
        await page.wait_for_function("before => document.querySelector('#running progress')?.value > before", arg=seen)
        staged = tmp_path / "cars/AMSS-0001/opt/aws/deepracer/.trackside"
        assert await asyncio.to_thread(lambda: list(staged.glob("*/model.pb"))) != []
        await push.get_by_role("button", name="Cancel schnell to Überholer").click()
        ended = page.locator("#standing .push")
        await expect(ended.locator(".pill")).to_have_text("Cancelled")
        await expect(page.locator("#running")).to_contain_text("Nothing is on its way.")
        assert await asyncio.to_thread(lambda: list(staged.glob("*/model.pb"))) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


async def test_a_failure_says_why_and_what_to_do(screens: Screens, tmp_path: Path) -> None:
    async with enrolled_car(screens, tmp_path / "cars", host_key=OTHER_KEY) as car_id:
        page = await with_model(screens, tmp_path)
        await page.get_by_role("button", name="Push", exact=True).click()
        failed = page.locator("#standing .push.bad")
        await expect(failed.locator(".pill")).to_have_text("Failed")
        await expect(failed).to_contain_text(
            "What answers at 127.0.0.11 shows another host key than Überholer had: nothing was sent."
            " If Überholer was flashed anew, pair it again under Cars."
        )
        car = screens.house.cars.get(car_id)
        await screens.house.cars.add_enrolled(
            serial=car.serial,
            name=car.name,
            platform=car.platform,
            username=car.username,
            host_key=await host_key_at(car.address, car.port, car.username),
            address=car.address,
            port=car.port,
            actor="test",
        )
        await failed.get_by_role("button", name="Push schnell to Überholer again").click()
        await expect(page.locator("#standing .push.ok .pill")).to_have_text("On the car")


async def host_key_at(address: str, port: int, username: str) -> str:
    """What it shows now."""
    return await ssh.host_key_of(machine_of(address, port, username))
