"""The board as the hall sees it: it follows the races by itself, and is honest when it cannot."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import BIG_SCREEN, PATIENCE_MS, Screens
from tests.web.racing_day import CREW, act, add_racer, finish_race, hand_in, start_race
from timing.journal import Kind
from timing.structs import Event

pytestmark = pytest.mark.browser

Handler = Callable[[Route], Awaitable[None]]
MOMENT_MS = 12_000
"""How long a finisher is shown (reference/drem.md 4.2)."""


async def live_board(
    screens: Screens, event: Event, query: str = "", live: Handler | None = None, **options: object
) -> Page:
    """The board on a device whose time can be moved, once its stream has answered; `live` decides on its streams."""
    device = await screens.context(**options)
    if live is not None:
        await device.route("**/live?*", live)
    page = await screens.open("/badge", device)
    await page.clock.install()
    await page.goto(f"/events/{event.event_id}/board{query}")
    await expect(page.locator("html")).to_have_attribute("data-live", "true")
    return page


async def test_a_handed_in_race_appears_with_its_moment_and_goes_again(screens: Screens, event: Event) -> None:
    house = screens.house
    anna, bob = await add_racer(house, "anna", "DE"), await add_racer(house, "bob", "SE", "red")
    await hand_in(house, event, anna, [9_000])
    await hand_in(house, event, bob, [9_500])
    page = await live_board(screens, event, viewport=BIG_SCREEN)
    await hand_in(house, event, bob, [8_750, 8_900], by_proxy=True)
    first = page.locator("#rows > li").first
    await expect(first).to_contain_text("bob")
    await expect(first).to_contain_text("00:08.750")
    await expect(first).to_have_class("c-red p1 lit")
    await expect(page.locator("#rows > li").nth(1)).to_contain_text("+0.250")
    await expect(page.locator("#rows > li").nth(1).locator(".pl")).to_have_text("2")
    summary = page.locator("#summary")
    await expect(summary).to_be_visible()
    for text in ("bob", "Rank1", "Change▲ 1", "Fastest00:08.750", "Average lap00:09.050", "Completion100 %"):
        await expect(summary).to_contain_text(text)
    await page.clock.run_for(MOMENT_MS + 100)
    await expect(summary).to_be_hidden()
    await expect(first).to_have_class("c-red p1")


async def test_in_average_format_the_moment_tells_of_averages(screens: Screens, event: Event) -> None:
    anna = await add_racer(screens.house, "anna")
    page = await live_board(screens, event, "?format=average&track=1", viewport=BIG_SCREEN)
    await expect(page.locator("#empty")).to_be_visible()
    await hand_in(screens.house, event, anna, [9_000, 9_300, 9_600, None])
    summary = page.locator("#summary")
    await expect(summary).to_contain_text("Best average, laps 1–3")
    await expect(summary).to_contain_text("00:09.300")
    await expect(summary).to_contain_text("Longest valid run3")
    await expect(summary).to_contain_text("Changenew")
    await expect(page.locator("#empty")).to_be_hidden()


async def test_the_clocks_run_between_the_messages(screens: Screens, event: Event) -> None:
    race = await start_race(screens.house, event, await add_racer(screens.house, "anna"))
    page = await screens.open(f"/events/{event.event_id}/board")
    await expect(page.locator("html")).to_have_attribute("data-live", "true")
    texts = "() => [...document.querySelectorAll('#races :is([data-f=lap], [data-f=left])')].map((e) => e.innerText)"
    seen = await page.evaluate(f"""async () => {{
        const seen = new Set();
        for (let frame = 0; frame < 300 && seen.size < 20; frame++) {{
            seen.add(({texts})().join(" "));
            await new Promise(requestAnimationFrame);
        }}
        return [...seen];
    }}""")
    assert len(seen) == 20, "no message came meanwhile: nobody acted"
    await act(screens.house, race, Kind.PAUSE)
    await expect(page.locator("[data-f=state]")).to_have_text("Paused")
    frozen = await page.evaluate(texts)
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert await page.evaluate(texts) == frozen


async def test_a_race_comes_changes_and_goes_in_the_footer(screens: Screens, event: Event) -> None:
    house = screens.house
    page = await live_board(screens, event)
    race = await start_race(house, event, await add_racer(house, "anna", "DE", "lime"))
    card = page.locator("#races .race")
    await expect(card).to_contain_text("anna")
    await expect(card).to_contain_text("Lap 1")
    await act(house, race, Kind.LAP)
    await expect(card).to_contain_text("Lap 2")
    await expect(card).to_have_class("race c-lime")
    await act(house, race, Kind.END)
    await expect(card.locator("[data-f=state]")).to_have_text("Finished")
    await act(house, race, Kind.DISCARD)
    await expect(card).to_have_count(0)


async def test_a_board_of_one_track_does_not_show_the_other(screens: Screens, event: Event) -> None:
    house = screens.house
    page = await live_board(screens, event, "?track=2")
    await start_race(house, event, await add_racer(house, "anna"), "1")
    await start_race(house, event, await add_racer(house, "bob"), "2")
    await expect(page.locator("#races .race")).to_have_count(1)
    await expect(page.locator("#races .race")).to_contain_text("bob")


async def test_the_line_of_the_next_racers_follows_the_queue(screens: Screens, event: Event) -> None:
    page = await live_board(screens, event)
    await screens.house.queue.add(event.event_id, "1", await add_racer(screens.house, "anna", "DE"), CREW)
    await expect(page.locator("#next")).to_contain_text("Next anna")


async def test_a_lost_link_is_said_and_a_new_one_brings_everything(screens: Screens, event: Event) -> None:
    house = screens.house
    anna = await add_racer(house, "anna")
    page = await live_board(screens, event)
    await expect(page.locator("#link")).to_be_hidden()
    await page.context.set_offline(True)
    await page.clock.run_for(15_000)
    await expect(page.locator("#link")).to_be_visible()
    await expect(page.locator("#link")).to_have_text("Not live")
    await hand_in(house, event, anna, [9_000])
    await expect(page.locator("#rows > li")).to_have_count(0)
    await page.context.set_offline(False)
    await page.clock.run_for(15_000)
    await expect(page.locator("#link")).to_be_hidden()
    await expect(page.locator("#rows > li")).to_contain_text("anna")


async def test_silence_is_a_lost_link_too(screens: Screens, event: Event) -> None:
    silent = False

    async def silence(route: Route) -> None:
        if not silent:
            await route.continue_()

    page = await live_board(screens, event, live=silence)
    silent = True
    await page.clock.fast_forward(30_000)
    await page.clock.run_for(1_500)
    await expect(page.locator("#link")).to_be_visible()


async def test_the_board_scrolls_slowly_every_ten_minutes_unless_told_not_to(screens: Screens, event: Event) -> None:
    for number in range(25):
        await hand_in(screens.house, event, await add_racer(screens.house, f"racer-{number}"), [9_000 + number])
    for query, moves in (("", True), ("?scroll=false", False)):
        page = await live_board(screens, event, query, reduced_motion="reduce")
        await page.clock.run_for(600_000)
        await page.clock.run_for(3_000)
        if moves:
            await page.wait_for_function("() => scrollY > 0", timeout=PATIENCE_MS)
        else:
            await page.wait_for_timeout(100)
            assert await page.evaluate("scrollY") == 0


async def test_without_script_the_board_is_whole(screens: Screens, event: Event) -> None:
    house = screens.house
    await hand_in(house, event, await add_racer(house, "anna", "DE"), [9_000])
    await start_race(house, event, await add_racer(house, "bob"))
    page = await screens.open(f"/events/{event.event_id}/board", java_script_enabled=False)
    await expect(page.locator("#rows > li")).to_contain_text("00:09.000")
    await expect(page.locator("#races")).to_contain_text("bob")
    await expect(page.locator("#races")).to_contain_text("On the track")
    await expect(page.locator("#link")).to_be_hidden()


async def test_what_the_script_draws_is_what_the_server_draws(screens: Screens, event: Event) -> None:
    house = screens.house
    names = [("anna.lee", "DE", "red"), ("Łukasz_Żak", "PL", None), ("山田太郎", "JP", "lime"), ("x1", None, None)]
    for number, (name, country, colour) in enumerate(names):
        racer = await add_racer(house, name, country, colour)
        await hand_in(house, event, racer, [9_000 + number // 2, None] if number < 3 else [None], by_proxy=number == 1)
    page = await live_board(screens, event)
    served = await page.locator("#rows").inner_html()
    assert served.count("<li") == 4
    await page.evaluate(
        """async (address) => {
        const { Rows } = await import(document.querySelector('script[type=module]').src.replace("board.js", "rows.js"));
        const list = document.getElementById("rows");
        const board = await (await fetch(address)).json();
        list.replaceChildren();
        const options = { event: list.dataset.event, average: false, flags: true };
        new Rows(list, document.getElementById("t-row"), options).all(board.rows);
    }""",
        f"/api/events/{event.event_id}/board",
    )
    drawn = await page.locator("#rows").inner_html()
    assert re.sub(r"\s*(<li|</li>)\s*", r"\1", drawn) == re.sub(r"\s*(<li|</li>)\s*", r"\1", served)


async def test_the_race_that_ends_elsewhere_is_finished_here(screens: Screens, event: Event) -> None:
    race = await start_race(screens.house, event, await add_racer(screens.house, "anna"))
    page = await live_board(screens, event)
    await expect(page.locator("#races .race")).to_have_count(1)
    await finish_race(screens.house, race, [9_000])
    await expect(page.locator("#races .race")).to_have_count(0)
    await expect(page.locator("#rows > li")).to_have_count(1)
