"""The timekeeper's page as it is used: keys and fingers, several devices, sounds and clocks."""

import asyncio

import pytest
from playwright.async_api import Route, expect

from appliance import clock
from tests.browser.conftest import PHONE, Screens
from tests.browser.timekeeper_page import (
    ONE_CLICK_S,
    address,
    crew_device,
    forgive,
    race_now,
    running,
    shows,
    timekeeper,
)
from tests.web.racing_day import act, add_racer, start_race
from timing.journal import Kind
from timing.structs import Event, RaceState

pytestmark = pytest.mark.browser


async def test_whole_race_by_keyboard(screens: Screens, event: Event) -> None:
    anna = await add_racer(screens.house, "anna", "SE")
    await screens.house.queue.add(event.event_id, "1", anna, "test")
    page = await timekeeper(screens, event)

    await page.keyboard.press("n")
    await shows(page, "ready")
    await page.keyboard.press("Space")
    await shows(page, "running", 0)
    await page.keyboard.press("l")
    await shows(page, "running", 1)
    await page.keyboard.press("r")
    await expect(page.locator(".tk .stat")).to_contain_text("1 / ∞")
    await page.keyboard.press("Shift+R")
    await expect(page.locator(".tk .stat")).to_contain_text("0 / ∞")
    await page.keyboard.press("Enter")
    await shows(page, "running", 2)
    await page.keyboard.press("u")
    await shows(page, "running", 1)
    await page.keyboard.press("Space")
    await shows(page, "paused", 1)
    await page.keyboard.press("Space")
    await shows(page, "running", 1)
    await page.keyboard.press("d")
    await shows(page, "paused", 2)
    await page.keyboard.press("x")
    await shows(page, "over", 2)
    await page.keyboard.press("c")
    await shows(page, "paused", 2)
    await asyncio.sleep(ONE_CLICK_S)
    await page.keyboard.press("x")
    await shows(page, "over", 2)
    race = race_now(screens, event)
    await page.keyboard.press("s")
    await shows(page, "idle")

    view = await screens.house.control.view(race.race_id)
    assert view.state is RaceState.SUBMITTED
    assert [lap.valid for lap in view.laps] == [True, False]


async def test_two_devices_show_and_control_the_same_race(screens: Screens, event: Event) -> None:
    await running(screens, event)
    tablet = await timekeeper(screens, event)
    phone = await timekeeper(screens, event, viewport=PHONE, has_touch=True)

    await tablet.keyboard.press("l")
    await shows(phone, "running", 1)
    await phone.tap("button[data-kind=reset]")
    await expect(tablet.locator(".tk .stat")).to_contain_text("1 / ∞")
    await phone.tap("button[data-kind=pause]")
    await shows(tablet, "paused", 1)
    await tablet.get_by_role("button", name="Make lap 1 invalid").click()
    await expect(phone.locator(".tk-laps")).to_contain_text("✗ Invalid")


async def test_both_devices_pressing_at_once_take_two_laps_and_agree(screens: Screens, event: Event) -> None:
    await running(screens, event)
    one, other = await timekeeper(screens, event), await timekeeper(screens, event)

    await asyncio.gather(one.keyboard.press("l"), other.keyboard.press("l"))

    await shows(one, "running", 2)
    await shows(other, "running", 2)


async def test_each_track_shows_its_own_race(screens: Screens, event: Event) -> None:
    await running(screens, event)
    right = await timekeeper(screens, event, "2")

    await shows(right, "idle")
    await start_race(screens.house, event, await add_racer(screens.house, "bo"), "2")
    await shows(right, "running")
    await expect(right.locator(".tk-who")).to_contain_text("bo")
    await expect(right.locator("#tabs a").first).to_contain_text("running")
    await act(screens.house, race_now(screens, event, "1"), Kind.PAUSE)
    await expect(right.locator("#tabs a").first).to_contain_text("paused")
    assert race_now(screens, event, "1").username == "anna"


async def test_double_click_and_held_key_are_one_press(screens: Screens, event: Event) -> None:
    await running(screens, event)
    page = await timekeeper(screens, event)

    await page.evaluate("lap = document.querySelector('button[data-kind=lap]'), lap.click(), lap.click()")
    await shows(page, "running", 1)
    await page.keyboard.down("r")
    for _ in range(5):
        await page.keyboard.down("r")  # what a held key sends
        await asyncio.sleep(0.1)
    await page.keyboard.up("r")
    await expect(page.locator(".tk .stat")).to_contain_text("1 / ∞")

    view = race_now(screens, event)
    assert (len(view.laps), view.resets) == (1, 1)


async def test_page_that_never_got_its_stream_says_so(screens: Screens, event: Event) -> None:
    device = await crew_device(screens)
    is_there = False

    async def cut(route: Route) -> None:
        await (route.continue_() if is_there else route.abort())

    await device.route("**/stream?*", cut)
    page = await screens.open(address(event), device)

    await expect(page.locator("#link")).to_have_text("not live: trying again")
    is_there = True
    await expect(page.locator("#link")).to_have_text("live")
    forgive(screens, "Failed to fetch")


async def test_keys_are_left_alone_while_somebody_types_or_a_dialog_is_open(screens: Screens, event: Event) -> None:
    page = await timekeeper(screens, event)
    anna = await add_racer(screens.house, "anna")
    await page.locator("#q").fill("")
    await page.locator("#q").press_sequentially("anna")
    await page.locator("[data-found=anna] button", has_text="Race now").click()
    await shows(page, "ready")

    await page.locator("[data-confirm=discard]").click()
    await page.keyboard.press("Space")  # presses "Keep it", which has the focus
    await expect(page.locator("#discard")).to_be_hidden()

    race = race_now(screens, event)
    assert race.racer_id == anna
    assert race.state is RaceState.READY


async def test_discard_asks_and_then_discards(screens: Screens, event: Event) -> None:
    race = await act(screens.house, await running(screens, event), Kind.PAUSE)
    page = await timekeeper(screens, event)

    await page.get_by_role("button", name="Discard…").click()
    await page.locator("#discard").get_by_role("button", name="Discard").click()

    await shows(page, "idle")
    assert (await screens.house.control.view(race.race_id)).state is RaceState.DISCARDED


async def test_lap_invalid_and_best_sound_different_and_mute_is_remembered(screens: Screens, event: Event) -> None:
    race = await running(screens, event)
    page = await timekeeper(screens, event)
    await page.evaluate(
        "window.heard = []; document.addEventListener('lap-sound', (e) => heard.push(e.detail.name + e.detail.muted))"
    )

    async def heard(*names: str) -> None:
        await page.wait_for_function("(names) => JSON.stringify(heard) === JSON.stringify(names)", arg=list(names))

    await page.keyboard.press("l")
    await heard("lapfalse")
    # The second lap is the faster one, however long the first one's sound took to be heard.
    first_ms = race_now(screens, event).laps[0].lap_ms
    first_ns = (await screens.house.control.journal(race.race_id))[-1].at_ns
    half_ns = min(clock.mono_ns(), first_ns + first_ms * 500_000)
    await act(screens.house, race, Kind.LAP, pressed_at_ns=half_ns, pressed_boot_id=clock.boot_id())
    await heard("lapfalse", "bestfalse")
    await page.keyboard.press("m")
    await page.keyboard.press("d")
    await heard("lapfalse", "bestfalse", "invalidtrue")
    await page.reload()

    await expect(page.locator("#mute")).to_contain_text("Muted")


async def test_clocks_run_by_themselves_and_stand_still_when_paused(screens: Screens, event: Event) -> None:
    race = await running(screens, event)
    page = await timekeeper(screens, event)
    lap = page.locator("[data-clock=lap]")

    first = await lap.inner_text()
    await expect(lap).not_to_have_text(first)
    await act(screens.house, race, Kind.PAUSE)
    await shows(page, "paused")
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    frozen = await lap.inner_text()
    await page.wait_for_timeout(300)

    assert await lap.inner_text() == frozen


async def test_queue_by_keyboard_on_the_queue_page(screens: Screens, event: Event) -> None:
    for name in ("anna", "bo"):
        await screens.house.queue.add(event.event_id, "1", await add_racer(screens.house, name), "test")
    await add_racer(screens.house, "cem")
    page = await screens.open(address(event).replace("timekeeper", "queue"), await crew_device(screens))
    await expect(page.locator("#link")).to_have_text("live")

    await page.locator("#q").press_sequentially("ce")
    await page.locator("[data-found=ce]").get_by_role("button", name="In line").press("Enter")
    await expect(page.locator(".queue-row")).to_have_count(3)
    await expect(page.locator("#q")).to_be_focused()
    await page.get_by_role("button", name="Move cem up").press("Enter")
    await expect(page.locator(".queue-row").nth(1)).to_contain_text("cem")
    await page.locator(".queue-row").first.get_by_role("button", name="Call").click()
    await expect(page.locator(".queue-row").first).to_contain_text("called")
    await page.locator(".queue-row").first.get_by_role("button", name="No-show").click()
    await expect(page.locator("#past")).to_contain_text("anna")
    await page.get_by_role("button", name="Start the race of cem").click()
    await page.wait_for_url("**/timekeeper")
    await expect(page.locator(".tk-who")).to_contain_text("cem")


async def test_page_goes_live_although_its_scripts_come_late(screens: Screens, event: Event) -> None:
    device = await crew_device(screens)

    async def late(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await device.route("**/hx-sse.min.js", late)
    page = await screens.open(address(event), device)

    await expect(page.locator("#link")).to_have_text("live")


async def test_enter_puts_the_first_racer_found_in_line_even_before_the_answer_is_there(
    screens: Screens, event: Event
) -> None:
    for name in ("anna", "bert"):
        await add_racer(screens.house, name)
    page = await screens.open(address(event).replace("timekeeper", "queue"), await crew_device(screens))
    await expect(page.locator("#link")).to_have_text("live")

    for name in ("anna", "bert"):
        await page.get_by_label("Name").fill(name[:3])
        await page.get_by_label("Name").press("Enter")
        await expect(page.locator("#queue")).to_contain_text(name)
        await expect(page.get_by_label("Name")).to_have_value("")

    assert [entry.username for entry in screens.house.queue.list(event.event_id, "1")] == ["anna", "bert"]
