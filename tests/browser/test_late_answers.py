"""What comes late to a page that lives: the answer to a press after newer news, and a key in the moment of a change."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Screens
from tests.browser.timekeeper_page import address, crew_device, forgive, shows, waits
from tests.web.racing_day import add_racer
from timing.structs import Event

pytestmark = pytest.mark.browser

SPACE_AS_SOON_AS_READY = """
new MutationObserver((_, observer) => {
    if (!document.querySelector('#race > .ready')) return;
    observer.disconnect();
    window.keyed = document.activeElement.id;
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: ' ', bubbles: true, cancelable: true }));
}).observe(document.getElementById('race'), { subtree: true, childList: true, attributes: true });
"""
"""Before the browser has drawn what hides the field that was typed in, and so before it has taken its focus away."""

STATES_FROM_NOW_ON = """
window.states = [];
let last = document.querySelector('#race > .tk').dataset.state;
new MutationObserver(() => {
    const { state } = document.querySelector('#race > .tk').dataset;
    if (state !== last) states.push(last = state);
}).observe(document.getElementById('race'), { subtree: true, childList: true, attributes: true });
"""


async def tracks_page(
    screens: Screens, event: Event, late: asyncio.Event | None = None, *, is_live: bool = True
) -> Page:
    """The page of a track; the answers to its forms come once `late` is set, news only if it `is_live`."""
    device = await crew_device(screens)

    async def hold(route: Route) -> None:
        answer = await route.fetch()
        if late is not None:
            await late.wait()
        await route.fulfill(response=answer)

    for forms in ("races", "queue/*"):
        await device.route(f"**/tracks/1/{forms}", hold)
    if not is_live:
        await device.route("**/stream?*", lambda route: route.abort())
    page = await screens.open(address(event), device)
    await waits(page)
    if is_live:
        await expect(page.locator("#link")).to_have_text("live")
    return page


async def anna_is_found(
    screens: Screens, event: Event, late: asyncio.Event | None = None, *, is_live: bool = True
) -> Page:
    """The page of a track with no race, "ann" typed."""
    await add_racer(screens.house, "anna")
    page = await tracks_page(screens, event, late, is_live=is_live)
    await page.locator("#q").press_sequentially("ann")
    await expect(page.locator("[data-found=ann]")).to_be_visible()
    return page


async def comes(page: Page, late: asyncio.Event) -> None:
    """The answer that was held comes now."""
    async with page.expect_event("requestfinished", lambda request: request.url.endswith("/races")):
        late.set()


async def test_an_answer_that_comes_late_brings_back_no_older_picture(screens: Screens, event: Event) -> None:
    await screens.house.queue.add(event.event_id, "1", await add_racer(screens.house, "anna"), "test")
    late = asyncio.Event()
    page = await tracks_page(screens, event, late)
    await page.keyboard.press("n")
    await shows(page, "ready")
    await page.keyboard.press("Space")
    await shows(page, "running", 0)

    await page.evaluate(STATES_FROM_NOW_ON)
    await comes(page, late)
    for state in ("paused", "running"):
        await page.keyboard.press("Space")
        await shows(page, state)
    assert await page.evaluate("states") == ["paused", "running"]


async def test_a_key_in_the_very_moment_that_the_race_is_there_counts(screens: Screens, event: Event) -> None:
    """The news comes before the answer, which would take the focus out of the search by itself."""
    late = asyncio.Event()
    page = await anna_is_found(screens, event, late)
    await page.evaluate(SPACE_AS_SOON_AS_READY)
    await page.locator("#q").press("Enter")
    await shows(page, "running", 0)
    assert await page.evaluate("keyed") == "q"
    await comes(page, late)


async def test_the_keys_belong_to_the_race_after_its_racer_was_chosen(screens: Screens, event: Event) -> None:
    """Here the answer comes and no news, so that the search is still there to take the keys."""
    page = await anna_is_found(screens, event, is_live=False)
    await page.get_by_role("button", name="Race now").click()
    await expect(page.locator("#q")).to_have_value("")
    await expect(page.locator("#q")).to_be_visible()
    await expect(page.locator("#q")).not_to_be_focused()
    forgive(screens, "Failed to fetch")


async def test_the_search_is_ready_for_the_next_name_after_one_stands_in_line(screens: Screens, event: Event) -> None:
    page = await anna_is_found(screens, event)
    await page.get_by_role("button", name="In line").click()
    await expect(page.locator("#queue")).to_contain_text("anna")
    await expect(page.locator("#q")).to_be_focused()
    await expect(page.locator("#q")).to_have_value("")
