"""The timekeeper's page as it is used: keys and fingers, several devices, lost answers, a server that dies."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from appliance import clock
from appliance.demo_client import Api
from appliance.permissions import Role
from tests.browser.conftest import PHONE, Screens
from tests.faults.box import PASSWORD, Box, add_user
from tests.web.racing_day import act, add_racer, start_race
from timing.journal import Kind
from timing.structs import Event, RaceState, RaceView

pytestmark = pytest.mark.browser

TABLET = {"width": 1024, "height": 768}
Handler = Callable[[Route], Awaitable[None]]
ONE_CLICK_S = 0.3
"""Longer than the page's guard against a double click."""
CLOCK_ERROR_NS = 500_000_000
"""Half the best round trip of a page on two busy cores, and much more."""


async def crew_device(screens: Screens, **options: object) -> BrowserContext:
    """A tablet somebody of the crew is signed in on."""
    house = screens.house
    person = house.people.find("tina") or await house.people.add_staff("tina", [Role.OPERATOR], "correct-horse", "test")
    token, _ = await house.sessions.start(person.person_id)
    context = await screens.context(**{"viewport": TABLET, **options})
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    return context


def address(event: Event, track: str = "1") -> str:
    return f"/staff/events/{event.event_id}/tracks/{track}/timekeeper"


async def timekeeper(
    screens: Screens, event: Event, track: str = "1", presses: Handler | None = None, **options: object
) -> Page:
    """
    The page of a track, live.

    What becomes of its `presses` is settled before it loads: Chromium may send what a page asks for right after a
    route was laid past it.
    """
    device = await crew_device(screens, **options)
    if presses is not None:
        await device.route("**/actions", presses)
    page = await screens.open(address(event, track), device)
    await expect(page.locator("#link")).to_have_text("live")
    return page


async def shows(page: Page, state: str, laps: int | None = None) -> None:
    """Wait until the page shows the race in this state, with so many laps."""
    await expect(page.locator("#race > .tk")).to_have_attribute("data-state", state)
    if laps is not None:
        await expect(page.locator("#race > .tk")).to_have_attribute("data-laps", str(laps))


def race_now(screens: Screens, event: Event, track: str = "1") -> RaceView:
    race = screens.house.control.live(event.event_id, track)
    assert race is not None
    return race


async def running(screens: Screens, event: Event) -> RaceView:
    return await start_race(screens.house, event, await add_racer(screens.house, "anna"))


async def knows_the_clock(page: Page) -> None:
    """Wait until the page has had an answer of the box's clock."""
    await page.wait_for_function(
        "performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/api/clock')).length >= 2"
    )


def forgive(screens: Screens, *expected: str) -> None:
    """What the browser complains of because the test cut a request."""
    screens.complaints[:] = [text for text in screens.complaints if not any(part in text for part in expected)]


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

    assert len(ids) == 3
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
    await knows_the_clock(page)
    pressed: list[tuple[int, int]] = []
    for count in (1, 2, 3):
        before_ns = clock.mono_ns()
        await page.keyboard.press("l")
        pressed.append((before_ns, clock.mono_ns()))
        await expect(page.locator("#unsent li")).to_have_count(count)  # later than a double click would be
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
    await knows_the_clock(page)
    monkeypatch.setattr(clock, "boot_id", lambda: "another-boot")
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


async def test_refusal_is_a_toast_with_the_remedy_and_the_race_stays(screens: Screens, event: Event) -> None:
    race = await running(screens, event)
    page = await screens.open("/sign-up", await crew_device(screens))
    await page.route("**/stream?*", lambda route: route.abort())
    await page.goto(address(event))
    await shows(page, "running")
    race = await act(screens.house, race, Kind.END)

    await page.keyboard.press("l")

    await expect(page.locator(".toast.bad")).to_contain_text("The race is over")
    assert (await screens.house.control.view(race.race_id)).version == race.version
    forgive(screens, "409", "Failed to fetch")


async def test_page_that_never_got_its_stream_says_so(screens: Screens, event: Event) -> None:
    page = await screens.open("/sign-up", await crew_device(screens))
    await page.route("**/stream?*", lambda route: route.abort())
    await page.goto(address(event))

    await expect(page.locator("#link")).to_have_text("not live: trying again", timeout=15_000)
    await page.unroute("**/stream?*")
    await expect(page.locator("#link")).to_have_text("live", timeout=15_000)
    forgive(screens, "Failed to fetch")


async def test_keys_are_left_alone_while_somebody_types_or_a_dialog_is_open(screens: Screens, event: Event) -> None:
    page = await timekeeper(screens, event)
    anna = await add_racer(screens.house, "anna")
    await page.locator("#q").fill("")
    await page.locator("#q").press_sequentially("anna")
    await page.locator("#found button", has_text="Race now").click()
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
    await page.get_by_role("button", name="In line").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".queue-row")).to_have_count(3)
    await expect(page.locator("#q")).to_be_focused()
    await page.get_by_role("button", name="Move cem up").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".queue-row").nth(1)).to_contain_text("cem")
    await page.locator(".queue-row").first.get_by_role("button", name="Call").click()
    await expect(page.locator(".queue-row").first).to_contain_text("called")
    await page.locator(".queue-row").first.get_by_role("button", name="No-show").click()
    await expect(page.locator("#past")).to_contain_text("anna")
    await page.get_by_role("button", name="Start the race of cem").click()
    await page.wait_for_url("**/timekeeper")
    await expect(page.locator(".tk-who")).to_contain_text("cem")


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
    context = await screens.browser.new_context(base_url=box.url, viewport=TABLET)  # type: ignore[arg-type]
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
    await page.locator("#found button", has_text="Race now").click()
    await shows(page, "ready")
    await page.keyboard.press("Space")
    await shows(page, "running", 0)
    await page.locator("#strips button", has_text="Hit").first.click()
    await shows(page, "running", 1)

    box.kill_server()
    await page.keyboard.press("l")

    await shows(page, "running", 2)
    await expect(page.locator("#link")).to_have_text("live")
    await expect(page.locator("#unsent")).to_be_hidden()
    await asyncio.sleep(2.1)  # the strips are deaf for 2 s after a hit
    await expect(page.locator("#strips .pill")).to_have_text("simulated")
    await page.locator("#strips button", has_text="Hit").first.click()
    await shows(page, "running", 3)
    await context.close()


async def test_page_goes_live_although_its_scripts_come_late(screens: Screens, event: Event) -> None:
    page = await screens.open("/sign-up", await crew_device(screens))

    async def late(route: Route) -> None:
        await asyncio.sleep(1)
        await route.continue_()

    await page.route("**/hx-sse.min.js", late)
    await page.goto(address(event))

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
