"""Presses of the timekeeper's page that find no way: answers lost, no network, a refusal, a server that dies."""

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.async_api import Route, expect

from appliance import clock
from appliance.demo_client import Api
from tests.browser.conftest import Screens
from tests.browser.timekeeper_page import (
    ONE_CLICK_S,
    TABLET,
    address,
    crew_device,
    forgive,
    knows_the_clock,
    race_now,
    running,
    shows,
    timekeeper,
)
from tests.faults.box import PASSWORD, Box, add_user
from tests.web.racing_day import act, add_racer
from timing.box_clock import box_clock
from timing.journal import Kind
from timing.structs import Event

pytestmark = pytest.mark.browser


SLOW_S = 0.6
"""An answer that comes back this slowly makes an estimate that is off by half of it."""
CLOCK_ERROR_NS = 500_000_000
"""Half the best round trip of a page on two busy cores, and much more."""
A_START_MS = 60_000
"""A whole server starts, on two busy cores."""


async def test_lost_answer_is_asked_for_again_and_counts_once(screens: Screens, event: Event) -> None:
    await running(screens, event)
    ids: list[str] = []

    async def lose(route: Route) -> None:
        ids.append(json.loads(route.request.post_data or "")["action_id"])
        if len(ids) < 3:
            await route.fetch()  # the box gets it, the page never hears
            await route.abort()
        else:
            await route.continue_()

    page = await timekeeper(screens, event, presses=lose)
    await page.keyboard.press("l")
    await shows(page, "running", 1)
    await expect(page.locator("#unsent")).to_be_hidden()
    await expect(page.locator(".pending")).to_have_count(0)

    assert len(ids) >= 3, "an answer that takes more than 4 s is asked for again too"
    assert len(set(ids)) == 1
    assert len(race_now(screens, event).laps) == 1


async def test_presses_without_a_network_wait_in_sight_and_arrive_in_order(screens: Screens, event: Event) -> None:
    await running(screens, event)
    blocked = True

    async def cut(route: Route) -> None:
        await (route.abort() if blocked else route.continue_())

    page = await timekeeper(screens, event, presses=cut)
    await page.keyboard.press("l")
    await page.keyboard.press("r")
    await expect(page.locator("#unsent li")).to_have_count(2)
    await expect(page.locator("#unsent")).to_contain_text("The box does not answer.")
    await expect(page.locator("button[data-kind=lap]")).to_have_class("btn big primary tk-lap pending")
    blocked = False
    await expect(page.locator("#unsent")).to_be_hidden()
    await shows(page, "running", 1)
    await expect(page.locator(".tk .stat")).to_contain_text("1 / ∞")

    kinds = [entry.kind for entry in await screens.house.control.journal(race_now(screens, event).race_id)]
    assert kinds[-2:] == [Kind.LAP, Kind.RESET]


async def test_laps_pressed_without_a_network_come_out_as_pressed(screens: Screens, event: Event) -> None:
    race = await running(screens, event)
    blocked, sent = True, dict[str, dict[str, object]]()

    async def cut(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        sent[body["action_id"]] = body
        await (route.abort() if blocked else route.continue_())

    page = await timekeeper(screens, event, presses=cut)
    pressed: list[tuple[int, int]] = []
    for count in (1, 2, 3):
        before_ns = clock.mono_ns()
        await page.keyboard.press("l")
        pressed.append((before_ns, clock.mono_ns()))
        await asyncio.sleep(ONE_CLICK_S)
        await expect(page.locator("#unsent li")).to_have_count(count)
    await expect(page.locator("#unsent li").first).to_contain_text("The box does not answer. It will count as pressed.")
    await expect(page.locator("#unsent li").last).to_contain_text("Waits its turn. It will count as pressed.")
    blocked = False
    arriving_ns = clock.mono_ns()
    await shows(page, "running", 3)

    laps = [entry for entry in await screens.house.control.journal(race.race_id) if entry.kind is Kind.LAP]
    assert [entry.at_ns for entry in laps] == [body["pressed_at_ns"] for body in sent.values()]
    for entry, (before_ns, after_ns) in zip(laps, pressed, strict=True):
        assert before_ns - CLOCK_ERROR_NS <= entry.at_ns <= after_ns + CLOCK_ERROR_NS
        assert entry.at_ns < arriving_ns


async def test_page_that_cannot_read_the_clock_says_that_a_press_counts_on_arrival(
    screens: Screens, event: Event
) -> None:
    race = await running(screens, event)
    blocked = True

    async def cut(route: Route) -> None:
        await (route.abort() if blocked else route.continue_())

    device = await crew_device(screens)
    await device.route("**/api/clock", lambda route: route.abort())
    await device.route("**/actions", cut)
    page = await screens.open(address(event), device)
    await expect(page.locator("#link")).to_have_text("live")
    await page.keyboard.press("l")
    await expect(page.locator("#unsent li")).to_contain_text("The box does not answer. It will count when it arrives.")
    arriving_ns = clock.mono_ns()
    blocked = False
    await shows(page, "running", 1)

    assert (await screens.house.control.journal(race.race_id))[-1].at_ns > arriving_ns


async def test_press_from_before_a_restart_of_the_box_says_what_to_do(
    screens: Screens, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(screens, event)
    page = await timekeeper(screens, event)
    # Only for who judges the press: the page must not hear of it.
    monkeypatch.setattr("timing.control.box_clock", lambda: replace(box_clock(), boot_id="another-boot"))
    await page.keyboard.press("l")

    await expect(page.locator(".toast.bad")).to_have_text(
        "The box was restarted since this was pressed, so its moment cannot be told. "
        "Look at the race, press again what is missing, and correct its laps once it is over."
    )
    assert race_now(screens, event).laps == []
    forgive(screens, "409")


async def test_waiting_press_can_be_let_go(screens: Screens, event: Event) -> None:
    await running(screens, event)
    blocked = True

    async def cut(route: Route) -> None:
        await (route.abort() if blocked else route.continue_())

    page = await timekeeper(screens, event, presses=cut)
    await page.keyboard.press("l")

    await page.get_by_role("button", name="Do not send").click()

    await expect(page.locator("#unsent")).to_be_hidden()
    blocked = False
    await page.keyboard.press("r")
    await expect(page.locator(".tk .stat")).to_contain_text("1 / ∞")
    assert race_now(screens, event).laps == []


async def test_finger_that_lies_on_a_waiting_press_during_a_try_lets_it_go(screens: Screens, event: Event) -> None:
    await running(screens, event)
    tries = asyncio.Semaphore(0)

    async def cut(route: Route) -> None:
        await route.abort()
        tries.release()

    page = await timekeeper(screens, event, presses=cut)
    await page.keyboard.press("l")
    await expect(page.locator("#unsent li")).to_contain_text("The box does not answer.")
    await page.get_by_role("button", name="Do not send").hover()
    await page.mouse.down()
    while not tries.locked():
        await tries.acquire()
    for _ in range(2):  # The second begins once the first has been shown.
        await tries.acquire()
    await page.mouse.up()

    await expect(page.locator("#unsent")).to_be_hidden()
    await expect(page.locator(".pending")).to_have_count(0)
    assert race_now(screens, event).laps == []


async def test_refusal_is_a_toast_with_the_remedy_and_the_race_stays(screens: Screens, event: Event) -> None:
    race = await running(screens, event)
    device = await crew_device(screens)
    await device.route("**/stream?*", lambda route: route.abort())
    await device.route("**/api/clock", lambda route: route.abort())  # A stamp may be wrong, and from before the end.
    page = await screens.open(address(event), device)
    await shows(page, "running")
    race = await act(screens.house, race, Kind.END)

    await page.keyboard.press("l")

    await expect(page.locator(".toast.bad")).to_contain_text("The race is over")
    assert (await screens.house.control.view(race.race_id)).version == race.version
    forgive(screens, "409", "Failed to fetch")


async def test_killed_server_comes_back_to_the_same_race_with_the_lap_pressed_meanwhile(
    tmp_path: Path, screens: Screens
) -> None:
    box = Box(tmp_path / "box")
    add_user(box.data, "tina", "operator")
    box.start()
    try:
        await box.ready()
        async with Api(box.url) as api:
            await api.sign_in("tina", PASSWORD)
            event = await api.send("POST", "/api/events", {"name": "Rehearsal", "tracks": [{"name": "Left"}]})
        await _race_through_a_kill(box, screens, event["event_id"])
    finally:
        box.stop()


async def _race_through_a_kill(box: Box, screens: Screens, event_id: str) -> None:
    context = await screens.context(base_url=box.url, viewport=TABLET)
    page = await context.new_page()
    await page.goto("/sign-up")
    await page.locator("[name=username]").fill("anna")
    await page.locator("main button").last.click()
    await page.context.clear_cookies()
    await page.goto(f"/sign-in?next=/staff/events/{event_id}/tracks/1/timekeeper")
    await page.locator("[name=username]").fill("tina")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#link")).to_have_text("live")
    await page.locator("#q").press_sequentially("ann")
    await page.locator("[data-found=ann] button", has_text="Race now").click()
    await shows(page, "ready")
    await page.keyboard.press("Space")
    await shows(page, "running", 0)
    await page.locator("#strips button", has_text="Hit").first.click()
    await shows(page, "running", 1)

    box.kill_server()
    await page.keyboard.press("l")

    await shows(page, "running", 2, within_ms=A_START_MS)
    await expect(page.locator("#link")).to_have_text("live")
    await expect(page.locator("#unsent")).to_be_hidden()
    await asyncio.sleep(2.1)  # the strips are deaf for 2 s after a hit
    await expect(page.locator("#strips .pill")).to_have_text("simulated")
    await page.locator("#strips button", has_text="Hit").first.click()
    await shows(page, "running", 3)
    await context.close()


async def test_start_right_after_ready_counts_though_the_clock_s_answers_are_slow(
    screens: Screens, event: Event
) -> None:
    """Slow answers make a page place its presses too early: here before the race was there at all."""
    await screens.house.queue.add(event.event_id, "1", await add_racer(screens.house, "anna"), "test")
    answered = asyncio.Event()

    async def slowly(route: Route) -> None:
        answer = await route.fetch()
        await asyncio.sleep(SLOW_S)  # what is tested, not a wait for something
        await route.fulfill(response=answer)
        answered.set()

    device = await crew_device(screens)
    await device.route("**/api/clock", slowly)
    page = await screens.open(address(event), device)
    await expect(page.locator("#link")).to_have_text("live")
    await answered.wait()
    await knows_the_clock(page)
    await page.keyboard.press("n")
    await shows(page, "ready")
    await page.keyboard.press("Space")
    await shows(page, "running", 0)
    await device.unroute_all(behavior="ignoreErrors")
