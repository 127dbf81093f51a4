"""A page on slow Wi-Fi is seen before its scripts are there, and hands are quick: what they did counts, once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from appliance.permissions import Role
from cars.fleet_structs import NewFleet
from tests.browser.conftest import Screens
from tests.browser.timekeeper_page import address, crew_device, race_now
from tests.browser.upload_page import is_ready, model_file, models_page
from tests.web.car_day import enrol, upload
from tests.web.racing_day import add_racer
from timing.structs import Event, EventPatch, NewTrack, RaceState

pytestmark = pytest.mark.browser


@asynccontextmanager
async def late(device: BrowserContext | Page, path: str) -> AsyncIterator[None]:
    """What is at this path comes when the block ends."""
    there = asyncio.Event()

    async def wait(route: Route) -> None:
        await there.wait()
        await route.continue_()

    await device.route(path, wait)
    yield
    there.set()


async def test_a_name_typed_before_the_page_listens_is_found_and_enter_takes_it(screens: Screens, event: Event) -> None:
    anna = await add_racer(screens.house, "anna")
    device = await crew_device(screens)
    page = await device.new_page()
    async with late(page, "**/js/link.js"):
        await page.goto(address(event), wait_until="commit")
        await page.locator("#q").press_sequentially("ann")
        await page.wait_for_function("() => typeof takeFirstFound === 'function'")  # staff.js
        await page.keyboard.press("Enter")
        assert not await page.locator("[data-found]").count()
    await expect(page.locator("#race > .tk")).to_have_attribute("data-state", "ready")
    assert race_now(screens, event).racer_id == anna


async def test_enter_before_the_answer_takes_the_first_in_the_wizard_too(screens: Screens, event: Event) -> None:
    await add_racer(screens.house, "anna")
    await enrol(screens.house, "Blau 1")
    device = await crew_device(screens)
    page = await screens.open(f"/staff/events/{event.event_id}/tracks/1/wizard", device)
    async with late(page, "**/wizard?*q=ann*"):
        async with page.expect_request("**/wizard?*q=ann*"):
            await page.locator("#q").press_sequentially("ann")
        await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Which car")).to_be_visible()


async def test_a_page_whose_script_did_not_come_does_not_look_live(screens: Screens, event: Event) -> None:
    device = await crew_device(screens)
    await device.route("**/js/link.js", lambda route: route.abort())
    page = await device.new_page()
    await page.goto(address(event))
    await expect(page.locator("#link")).to_have_text("not live yet")
    await expect(page.locator("#link")).to_be_visible()


async def test_a_file_chosen_before_the_page_could_take_it_is_sent(screens: Screens, tmp_path: Path) -> None:
    page, file = await models_page(screens), model_file(tmp_path, "early.tar.gz")
    async with late(page, "**/js/transfer.js"):
        await page.reload(wait_until="commit")
        await page.set_input_files("#file", file)
        await expect(page.locator("#upload.scripted")).to_have_count(0)
    await is_ready(page, "early")
    (model,) = await (await page.request.get("/api/models")).json()
    assert model["size_bytes"] == file.stat().st_size


async def test_what_somebody_opened_stays_open_while_the_page_asks_again(screens: Screens, event: Event) -> None:
    anna = await add_racer(screens.house, "anna")
    house = screens.house
    here, other = await enrol(house, "Blau 1"), await enrol(house, "Rot 2")
    fleet = await house.fleets.add(NewFleet(name="Left"))
    await house.fleets.set_cars(fleet.fleet_id, [here.car_id])
    tracks = [NewTrack(track_id="1", name="Left", fleet_id=fleet.fleet_id), NewTrack(track_id="2", name="Right")]
    await house.events.patch(event.event_id, EventPatch(tracks=tracks), "test")
    device = await crew_device(screens)
    page = await screens.open(f"/staff/events/{event.event_id}/tracks/1/wizard?racer_id={anna}", device)
    await page.get_by_text("Cars of other fleets").click()
    await house.cars.update(other.car_id, name="Grün 7")
    await expect(page.get_by_role("button", name="Grün 7")).to_be_visible()


async def test_enter_in_the_search_for_models_keeps_what_is_ticked(screens: Screens) -> None:
    anna = await add_racer(screens.house, "anna")
    await enrol(screens.house, "Blau 1")
    await screens.site.add(Role.OPERATOR)
    await upload(screens.site, anna, "fast-one")
    page = await screens.open("/staff/pushes", await crew_device(screens))
    await page.get_by_label("Blau 1").check()
    await page.get_by_label("fast-one").check()
    async with page.expect_response("**/staff/pushes?find=nobody*"):
        await page.get_by_label("Find a model or a racer").press_sequentially("nobody")
        await page.keyboard.press("Enter")
    await expect(page.get_by_label("Blau 1")).to_be_checked()
    await expect(page.get_by_label("fast-one")).to_be_checked()


async def test_a_tick_belongs_to_the_racer_it_was_made_for(screens: Screens, event: Event) -> None:
    line = screens.house.queue
    anna = await line.add(event.event_id, "1", await add_racer(screens.house, "anna"), "test")
    await line.add(event.event_id, "1", await add_racer(screens.house, "ben"), "test")
    page = await screens.open(address(event), await crew_device(screens))
    await expect(page.locator("#link")).to_have_text("live")
    await page.get_by_label("Raced by proxy").check()
    await line.no_show(anna.queue_id, "test")
    await expect(page.locator("[data-next]")).to_contain_text("ben")
    await expect(page.get_by_label("Raced by proxy")).not_to_be_checked()
    await page.keyboard.press("n")
    await expect(page.locator("#race > .tk")).to_have_attribute("data-state", "ready")
    assert race_now(screens, event).state is RaceState.READY
    assert not race_now(screens, event).by_proxy
