"""The box's clock as a page works it out, and the stamps of its presses (web/static/js/box_clock.js)."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Screens
from web.static_files import static_url

pytestmark = pytest.mark.browser

MS = 1_000_000
UP_NS = 2**53 + 1
"""After 104 days the box's clock has more ns than a Number of JavaScript holds exactly."""


@pytest.fixture
async def page(screens: Screens) -> Page:
    """A page that holds the module, and knows no clock yet."""
    page = await screens.open("/sign-up")
    await page.evaluate("async (url) => { window.box = await import(url); }", static_url("js/box_clock.js"))
    return page


async def ran(page: Page, script: str, **values: Any) -> Any:
    """Run a script with `t`, the page's steady clock in whole ms, and these values."""
    body = f"async (v) => {{ const t = Math.floor(performance.now()), {{ learn, stampOf }} = box; {script} }}"
    return await page.evaluate(body, values)


async def test_press_before_the_first_answer_has_no_stamp(page: Page) -> None:
    assert await ran(page, "return stampOf(t)") is None


async def test_stamp_is_exact_beyond_what_a_number_holds(page: Page) -> None:
    script = "learn(t - 2, t, BigInt(v.up), 'boot-1'); const s = stampOf(t - 1); return [`${s.ns}`, s.bootId]"
    assert await ran(page, script, up=str(UP_NS)) == [str(UP_NS), "boot-1"]


async def test_smallest_round_trip_tells_best(page: Page) -> None:
    script = """
        learn(t - 100, t, 1_000_000_000n, 'boot-1'); // at t - 50, give or take 50
        learn(t - 14, t - 10, 1_040_000_000n, 'boot-1'); // at t - 12, give or take 2: 2 ms more than the other says
        learn(t - 90, t - 10, 1_020_000_000n, 'boot-1');
        return `${stampOf(t).ns}`"""
    assert await ran(page, script) == str(1_052 * MS)


async def test_clock_that_jumped_is_believed_and_the_old_one_forgotten(page: Page) -> None:
    """So it looks when the device slept: its steady clock stood still."""
    script = """
        learn(t - 2, t, 1_000_000_000n, 'boot-1');
        learn(t - 40, t, 61_000_000_000n, 'boot-1');
        return `${stampOf(t).ns}`"""
    assert await ran(page, script) == str(61_020 * MS)


async def test_restarted_box_has_a_clock_of_its_own(page: Page) -> None:
    script = """
        learn(t - 2, t, 1_000_000_000n, 'boot-1');
        learn(t - 40, t, 1_000_000_000n, 'boot-2');
        const s = stampOf(t); return [`${s.ns}`, s.bootId]"""
    assert await ran(page, script) == [str(1_020 * MS), "boot-2"]


async def test_what_is_known_badly_is_the_best_that_is_known(page: Page) -> None:
    """Taken off, the error would shift every lap of a slow network by another amount."""
    script = """
        learn(t - 800, t, 10_000_000_000n, 'boot-1'); // at t - 400, give or take 400
        return `${stampOf(t - 400).ns}`"""
    assert await ran(page, script) == str(10_000 * MS)


async def test_better_estimate_never_turns_two_presses_round(page: Page) -> None:
    script = """
        learn(t - 80, t, 1_000_000_000n, 'boot-1'); // t is 1.040 s
        const first = stampOf(t - 20).ns;
        learn(t - 4, t, 998_000_000n, 'boot-1'); // t is 1.000 s
        const second = stampOf(t - 10).ns, third = stampOf(t + 90).ns;
        return [first, second, third].map(String)"""
    assert await ran(page, script) == [str(1_020 * MS), str(1_020 * MS + 1), str(1_090 * MS)]


async def test_device_whose_steady_clock_stood_still_asks_again_before_it_stamps(page: Page) -> None:
    script = """
        learn(t - 2, t, 1_000_000_000n, 'boot-1');
        const now = Date.now; Date.now = () => now() + 30_000;
        return stampOf(t)"""
    assert await ran(page, script) is None
