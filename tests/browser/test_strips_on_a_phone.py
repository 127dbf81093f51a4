"""The strip check on a phone: simulated strips of a real recorder, tapped by thumb, and the verdict."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from appliance.permissions import Role
from tests.browser.conftest import PATIENCE_MS, Screens
from tests.timing.recorder_process import RecorderProcess
from tests.web.recorded import until
from timing.strip_picture import LinePicture

pytestmark = pytest.mark.browser

POLL_S = 0.02
APART_MS = 200
"""A strip that has been quiet for 150 ms is ready for another hit."""
NOTED = """
window.heard = [];
window.toldWords = [];
document.addEventListener('lap-sound', (event) => heard.push(event.detail.name));
new MutationObserver(() => {
    const says = [...document.querySelectorAll('.check-say')].map((say) => say.textContent.trim());
    // While the page comes in, a line may be there already and its words not yet.
    const lines = [...document.querySelectorAll('.check-line .check-now')].map((now, place) => {
        const lit = now.closest('.check-line').classList.contains('pressed') ? 'lit, ' : '';
        return `strip ${place + 1}: ${lit}${now.textContent.trim()}`;
    });
    for (const text of [...says, ...lines]) if (!toldWords.includes(text)) toldWords.push(text);
}).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
"""
"""Sounds and words in the order in which the page had them: some words stand for a second only."""


@pytest.fixture
async def recorder(screens: Screens, tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    process = RecorderProcess(tmp_path, data=tmp_path / "edges")
    process.socket = screens.house.settings.recorder_socket
    async with process:
        await until(screens.house, lambda: _is_live(screens))
        yield process


def _is_live(screens: Screens) -> bool:
    (state,) = screens.house.strips.recorders()
    return state.connected and state.caught_up


async def open_check(screens: Screens, **options: object) -> Page:
    """The page on a phone, live."""
    house = screens.house
    person = house.people.find("tina") or await house.people.add_staff("tina", [Role.OPERATOR], "correct-horse", "test")
    token, _ = await house.sessions.start(person.person_id)
    context = await screens.context(**options)
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    await context.add_init_script(NOTED)
    page = await screens.open("/staff/strips", context)
    await expect(page.locator("#link")).to_have_text("live")
    return page


async def told(page: Page, start: str) -> None:
    """Wait until the page has said something that starts so, though it may be gone again."""
    await page.wait_for_function(
        "(start) => toldWords.some((text) => text.startsWith(start))", arg=start, timeout=PATIENCE_MS
    )


def strip(page: Page, place: int) -> Locator:
    return page.locator(".check-line").nth(place - 1)


def lines(screens: Screens) -> list[LinePicture]:
    return [line for of in screens.house.strip_check.pictures() for line in of.lines]


async def tap(screens: Screens, page: Page, place: int, bounces: int = 0) -> None:
    """By the page's button, with bounces as a bad strip would; then until the strip may be hit anew."""
    hits = lines(screens)[place - 1].hits
    if bounces:
        await screens.house.strips.hit((17, 27)[place - 1], hold_ms=80, bounces=bounces)
    else:
        await page.get_by_role("button", name=f"Tap strip {place}").click()
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not _is_done(lines(screens)[place - 1], hits):  # noqa: ASYNC110  silence has no event
            await asyncio.sleep(POLL_S)


def _is_done(line: LinePicture, hits: int) -> bool:
    return line.hits > hits and not line.pressed and (line.silent_ms or 0) >= APART_MS


async def test_three_taps_each_and_every_device_sees_that_all_strips_are_good(
    screens: Screens, recorder: RecorderProcess
) -> None:
    page, other = await open_check(screens), await open_check(screens)
    await page.get_by_role("button", name="Start the test").click()
    await told(other, "Keep off the strips")
    for place in (1, 2):
        await expect(page.locator(".check-say")).to_have_text(f"Tap strip {place} three times")
        for taps in (1, 2):
            await tap(screens, page, place)
            await expect(page.locator(".check-dots")).to_have_attribute("aria-label", f"{taps} of 3")
        await tap(screens, page, place)
    for shown in (page, other):
        await expect(shown.locator(".check-say")).to_have_text("✓ All strips are good")
        await expect(strip(shown, 1).locator(".check-verdict")).to_contain_text("✓ Good. 3 taps felt, ")
    sounds = await page.evaluate("window.heard")
    # One message may tell of the last tap and of the verdict: then the verdict is heard.
    assert sounds[:5] == ["lap"] * 5
    assert sounds[5:] in (["lap", "best"], ["best"])


async def test_a_chattering_strip_and_a_wrong_tap_are_told(screens: Screens, recorder: RecorderProcess) -> None:
    page = await open_check(screens)
    await page.get_by_role("button", name="Start the test").click()
    await expect(page.locator(".check-say")).to_have_text("Tap strip 1 three times")
    await tap(screens, page, 2)
    await expect(page.locator(".check-hint")).to_have_text("That was strip 2. Tap strip 1.")
    for _ in range(3):
        await tap(screens, page, 1, bounces=12)
    await expect(strip(page, 1).locator(".check-verdict")).to_contain_text("✗ Chattering. 12 bounces in one tap.")
    await page.get_by_role("button", name="Skip it").click()
    await expect(page.locator(".check-say")).to_have_text("✗ 2 of 2 strips need a hand")
    await expect(strip(page, 1).locator(".check-remedy")).to_contain_text("Look for a loose plug or a torn foil")
    assert (await page.evaluate("window.heard"))[-1] == "invalid"


async def test_a_strip_is_lit_while_pressed_and_then_counts_its_silence(
    screens: Screens, recorder: RecorderProcess
) -> None:
    page = await open_check(screens)
    await screens.house.strips.hit(27, hold_ms=3_000)
    await told(page, "strip 2: Silent for ")
    await expect(strip(page, 2).locator("[data-figure=contact]")).to_have_text("3000 ms")
    words = [text for text in await page.evaluate("toldWords") if text.startswith("strip 2: ")]
    assert words[:3] == ["strip 2: Not heard yet", "strip 2: lit, Pressed", "strip 2: Just now"]
    await expect(strip(page, 1).locator(".check-now")).to_have_text("Not heard yet")


async def test_two_strips_hit_at_once_are_both_counted(screens: Screens, recorder: RecorderProcess) -> None:
    page = await open_check(screens)
    await asyncio.gather(screens.house.strips.hit(17, bounces=2), screens.house.strips.hit(27, bounces=1))
    for place, bounces in ((1, "2"), (2, "1")):
        await expect(strip(page, place).locator("[data-figure=hits]")).to_have_text("1")
        await expect(strip(page, place).locator("[data-figure=bounces]")).to_have_text(bounces)


async def test_a_recorder_that_goes_and_comes_back_is_told(screens: Screens, recorder: RecorderProcess) -> None:
    page = await open_check(screens)
    await page.get_by_role("button", name="Start the test").click()
    await told(page, "Keep off the strips")
    await recorder.end()
    await expect(page.locator(".check .notice").first).to_contain_text("It is tried again all the time.")
    await expect(page.locator("#check")).to_contain_text("The test was ended: the recorder went away.")
    await expect(page.get_by_role("button", name="Start the test")).to_be_disabled()
    assert await recorder.start(), recorder.stderr
    await expect(page.get_by_role("button", name="Start the test")).to_be_enabled()


async def test_nothing_sticks_out_of_a_small_phone(screens: Screens, recorder: RecorderProcess) -> None:
    page = await open_check(screens, viewport={"width": 320, "height": 568})
    await page.get_by_role("button", name="Start the test").click()
    await expect(page.locator(".check-say")).to_have_text("Tap strip 1 three times")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
