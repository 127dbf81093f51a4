"""The race wizard on a phone: it goes on by itself when the car has the model, and when the race is handed in."""

import asyncio

import pytest
from playwright.async_api import Dialog, Page, Route, expect

from appliance.permissions import Role
from cars.push_rules import PushState
from cars.push_wire import Outcome
from tests.browser.conftest import Screens
from tests.browser.timekeeper_page import Handler, forgive, knows_the_clock
from tests.web.car_day import enrol, upload
from tests.web.push_news import Worker
from tests.web.racing_day import add_racer, start_race
from timing.structs import Event

pytestmark = pytest.mark.browser


async def opened(screens: Screens, event: Event, presses: Handler | None = None) -> Page:
    context = await screens.context()
    token = screens.site.tokens["operator"]
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    if presses is not None:
        await context.route("**/actions", presses)
    return await screens.open(f"/staff/events/{event.event_id}/tracks/1/wizard", context)


async def test_from_the_next_in_line_to_the_result_with_the_network_lost_on_the_way(
    screens: Screens, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = Worker(screens.house, monkeypatch)
    await screens.site.add(Role.OPERATOR)
    anna = await add_racer(screens.house, "Änna")
    await enrol(screens.house, "Blau 1")
    await upload(screens.site, anna, "fast-one")
    await screens.house.queue.add(event.event_id, "1", anna, "test")

    page = await opened(screens, event)
    await expect(page.locator("[data-first]")).to_be_focused()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Blau 1").click()
    await page.get_by_role("button", name="fast-one").click()
    await expect(page.get_by_role("heading", name="fast-one is on its way to Blau 1")).to_be_visible()
    (push,) = screens.house.pushes.all_open()
    await worker.went(push.push_id, PushState.CONNECTING, PushState.CHECKING)
    await worker.went(push.push_id, PushState.SENDING, sent_bytes=push.size_bytes // 2)
    await expect(page.locator("progress")).to_have_attribute("value", str(push.size_bytes // 2))

    await page.context.set_offline(True)
    await expect(page.locator("#link")).to_have_text("not live: trying again")
    assert await page.evaluate("(window.toldWords ?? []).length") == 0, "asking in vain each second is no news"
    await worker.went(push.push_id, PushState.VERIFYING, PushState.INSTALLING)
    await worker.end(push.push_id, Outcome.DONE)
    await page.context.set_offline(False)

    go = page.get_by_role("button", name="Änna to the track")
    await expect(go).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#mute")).to_be_visible()  # the page before was live too, but had no script of the race
    await expect(page.locator("#link")).to_have_text("live")
    await expect(page.locator("#race")).to_contain_text("Blau 1 with fast-one")
    await page.keyboard.press("x")
    await expect(page.locator("#strip [aria-current=step]")).to_have_text("6Submit")
    await page.keyboard.press("s")
    await expect(page.get_by_role("link", name="Next racer")).to_be_visible()
    await expect(page.locator("#flow")).to_contain_text("submitted")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out of a phone"
    forgive(screens, "htmx:error")


async def test_a_race_handed_in_over_slow_wifi_goes_on_by_itself_and_once(screens: Screens, event: Event) -> None:
    """The stream may show what came of a press before the press has its answer: nobody is asked whether to leave."""
    answers = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        if '"submit"' in (route.request.post_data or ""):
            await answers.wait()
        await route.fulfill(response=answer)

    asked: list[str] = []
    loads: list[str] = []

    async def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.accept()

    await screens.site.add(Role.OPERATOR)
    await start_race(screens.house, event, await add_racer(screens.house, "Änna"))
    page = await opened(screens, event, late)
    await expect(page.locator("#link")).to_have_text("live")
    await knows_the_clock(page)
    here = page.url
    page.on("dialog", leave)
    page.on("request", lambda request: loads.append(request.url) if request.is_navigation_request() else None)

    await page.keyboard.press("x")
    await expect(page.locator("#strip [aria-current=step]")).to_have_text("6Submit")
    await page.keyboard.press("s")
    await expect(page.get_by_role("link", name="Next racer")).to_be_visible()
    await expect(page.locator("#unsent")).to_contain_text("Submit, pressed")
    assert (page.url, asked, loads) == (here, [], []), "the press has no answer yet"
    answers.set()
    await expect(page.locator("#flow")).to_contain_text("submitted")
    assert (asked, len(loads)) == ([], 1)
