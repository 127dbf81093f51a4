"""An access point restarts: the connections a page had are dead, and nobody is told. What the crew does must go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PHONE, Screens
from tests.browser.timekeeper_page import Losing, address, crew_device, forgive, race_now, running, shows, waits
from tests.browser.wifi import Wifi
from tests.web.car_day import enrol
from tests.web.racing_day import act, add_racer, hand_in
from timing.journal import Kind
from timing.structs import Event, RaceState

pytestmark = pytest.mark.browser

GIVES_NO_REASON = """
delete AbortSignal.prototype.reason;
const abort = AbortController.prototype.abort;
AbortController.prototype.abort = function () { abort.call(this); };
"""
LINK_FROM_NOW_ON = """
window.links = [];
new MutationObserver(() => links.push(document.getElementById("link").textContent))
    .observe(document.getElementById("link"), { childList: true });
"""
WITHIN_MS = 40_000
"""Six dead connections, one after the other, on a busy machine; a person meets one or two."""


@asynccontextmanager
async def over_wifi(screens: Screens, path: str) -> AsyncIterator[tuple[Wifi, Page]]:
    """A page of the crew, and the Wi-Fi it came over; it may complain of what it gave up."""
    async with Wifi(screens.site.port) as wifi:
        device = await crew_device(screens, base_url=wifi.url, viewport=PHONE)
        yield wifi, await screens.open(path, device)
        await device.close()
    forgive(screens, "htmx:")


async def test_a_page_whose_stream_died_without_a_word_is_live_again(screens: Screens, event: Event) -> None:
    race = await running(screens, event)
    async with over_wifi(screens, address(event)) as (wifi, page):
        await expect(page.locator("#link")).to_have_text("live")
        await page.evaluate(LINK_FROM_NOW_ON)

        wifi.forget()
        await act(screens.house, race, Kind.PAUSE)
        await page.wait_for_function("() => links.includes('not live: trying again')")
        await expect(page.locator("#link")).to_have_text("live", timeout=WITHIN_MS)
        await shows(page, "paused", within_ms=WITHIN_MS)

        await page.keyboard.press("Space")
        await shows(page, "running", within_ms=WITHIN_MS)
        assert race_now(screens, event).state is RaceState.RUNNING


async def test_cars_that_are_asked_for_every_three_seconds_are_asked_for_again(screens: Screens) -> None:
    blue = await enrol(screens.house, "Blau 1")
    async with over_wifi(screens, "/staff/cars") as (wifi, page):
        await expect(page.locator("#live")).to_contain_text("Blau 1")

        wifi.forget()
        await screens.house.cars.update(blue.car_id, name="Grün 7")

        await expect(page.locator("#live")).to_contain_text("Grün 7", timeout=WITHIN_MS)


async def test_an_answer_that_comes_slowly_is_waited_for(screens: Screens) -> None:
    cars = [await enrol(screens.house, uuid4().hex) for _ in range(100)]  # names that no gzip makes small
    async with over_wifi(screens, "/staff/cars") as (wifi, page):
        await expect(page.locator("#live")).to_contain_text(cars[-1].name)

        wifi.answer_bytes_per_s = 1_000
        await screens.house.cars.update(cars[0].car_id, name="Grün 7")

        await expect(page.locator("#live")).to_contain_text("Grün 7", timeout=WITHIN_MS)


async def test_a_stream_that_comes_slowly_arrives_at_last(screens: Screens, event: Event) -> None:
    for number in range(20):
        await screens.house.queue.add(event.event_id, "1", await add_racer(screens.house, f"racer-{number}"), "test")
    async with over_wifi(screens, f"/staff/events/{event.event_id}/tracks/1/queue") as (wifi, page):
        await expect(page.locator("#link")).to_have_text("live")

        wifi.answer_bytes_per_s = 6_000
        wifi.forget()
        await screens.house.queue.add(event.event_id, "1", await add_racer(screens.house, "anna"), "test")

        await expect(page.locator("#queue")).to_contain_text("anna", timeout=2 * WITHIN_MS)


@pytest.mark.parametrize(
    ("path", "button"),
    [
        ("/staff/events", "Stop cars"),
        ("/staff/cars/{car_id}/drive", "Stop Blau 1"),
        ("/staff/cars/{car_id}", "Stop"),
    ],
)
async def test_a_stop_that_was_swallowed_is_told_and_pressed_again_it_stops(
    screens: Screens, path: str, button: str
) -> None:
    car = await enrol(screens.house, "Blau 1")
    async with over_wifi(screens, path.format(car_id=car.car_id)) as (wifi, page):
        answers, swallowed = page.locator("[id^=answers-]"), page.locator(".toast:has-text('then press again')")
        wifi.forget()
        while not await answers.count():  # each press meets the next dead connection
            await page.get_by_role("button", name=button, exact=True).click()
            await expect(swallowed.or_(answers).first).to_be_visible()
            await page.locator(".toast").evaluate_all("toasts => toasts.forEach((toast) => toast.remove())")
        await expect(answers).to_contain_text("Blau 1")
        assert await screens.house.commands.of_car(car.car_id)


async def test_a_browser_that_cannot_say_why_it_gave_up_says_so_too(screens: Screens) -> None:
    """Safari before 15.4, Chrome before 98."""
    await enrol(screens.house, "Blau 1")
    device = await crew_device(screens)
    await device.add_init_script(GIVES_NO_REASON)
    await device.route("**/staff/cars/stop", lambda _: asyncio.sleep(0))  # never answered
    page = await screens.open("/staff/events", device)

    await page.get_by_role("button", name="Stop cars").click()

    await expect(page.locator(".toast")).to_have_text("The box does not answer. Check the Wi-Fi, then press again.")
    await device.close()
    forgive(screens, "htmx:")


async def test_what_may_have_been_done_is_to_be_looked_at_before_it_is_pressed_again(
    screens: Screens, event: Event
) -> None:
    await screens.house.queue.add(event.event_id, "1", await add_racer(screens.house, "anna"), "test")
    device = await crew_device(screens)
    await device.route("**/queue/*", lambda _: asyncio.sleep(0))  # never answered
    page = await screens.open(f"/staff/events/{event.event_id}/tracks/1/queue", device)
    await page.evaluate("htmx.config.defaultTimeout = 300")

    await page.get_by_role("button", name="Call").first.click()

    await expect(page.locator(".toast")).to_contain_text("Look whether it was done")
    await device.close()
    forgive(screens, "htmx:")


async def test_what_a_dialog_sent_in_vain_is_told_in_front_of_it(screens: Screens) -> None:
    await enrol(screens.house, "Blau 1")
    device, losing = await crew_device(screens, viewport=PHONE), Losing()
    await device.route("**/staff/cars/commands", losing.handle)
    page = await screens.open("/staff/events", device)
    await waits(page)
    await page.get_by_role("button", name="Stop cars").click()
    again = page.get_by_role("button", name="Stop Blau 1 again")
    await expect(again).to_be_visible()
    losing.next = 2

    await again.click()

    toast = page.locator(".toast", has_text="The box does not answer. Check the Wi-Fi, then press again.")
    await toast.click()  # nothing lies over it
    await again.click()  # and it lies over nothing
    await expect(toast).to_have_count(1)
    await page.wait_for_function("() => !document.querySelector('.htmx-request')")
    assert losing.next == 0
    await page.get_by_role("button", name="Close").click()
    await expect(page.locator("#stopped")).to_be_hidden()
    await expect(page.locator("body > #toasts")).to_have_count(1)
    forgive(screens, "htmx:")


async def test_a_racer_hears_of_their_turn_though_the_phone_lost_the_first_two_answers(
    screens: Screens, event: Event
) -> None:
    house = screens.house
    anna = await add_racer(house, "anna")
    device, losing = await screens.context(), Losing()
    await device.route("**/me/turn", losing.handle)
    page = await screens.open(f"/badge#{house.people.badge_code(anna)}", device)
    await expect(page.locator("html")).to_have_attribute("data-live", "true")
    await page.wait_for_function("() => performance.getEntriesByName(location.origin + '/me/turn').length >= 1")
    losing.next = 2

    await house.queue.add(event.event_id, "1", anna, "test")

    await expect(page.locator("#turns")).to_contain_text("You are next on Left.")
    assert losing.next == 0


async def test_a_racers_results_come_though_the_phone_lost_an_answer(screens: Screens, event: Event) -> None:
    house = screens.house
    anna = await add_racer(house, "anna")
    device, losing = await screens.context(), Losing()
    await device.route(f"**/racers/{anna}?event=*", losing.handle)
    page = await screens.open(f"/racers/{anna}?event={event.event_id}", device)
    await expect(page.locator("html")).to_have_attribute("data-live", "true")
    losing.next = 1

    await hand_in(house, event, anna, [9_000])

    await expect(page.locator("#parts")).to_contain_text("00:09.000")
    assert losing.next == 0
