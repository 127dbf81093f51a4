"""A racer's phone brings models over a Wi-Fi that comes and goes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import Screens
from tests.browser.timekeeper_page import forgive
from tests.browser.upload_page import half_way, is_ready, model_file, models_page, sent_from
from tests.browser.wifi import Wifi
from tests.faults.box import Box

pytestmark = pytest.mark.browser


TOO_SMALL = """
    [...document.querySelectorAll("main :is(button, .btn, summary, input:not([type=hidden], [type=file]))")]
        .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44).map((one) => one.outerHTML)
"""


@pytest.fixture
async def wifi(screens: Screens) -> AsyncIterator[Wifi]:
    """The air between, in which a large file comes half-way."""
    async with Wifi(screens.site.port) as wifi:
        wifi.stop_half_way()
        yield wifi
    forgive(screens, "409 (Conflict)")  # the box has kept more of a broken piece than it could say


async def stored(page: Page) -> list[bytes]:
    """The files that the box holds for whoever is signed in, newest first."""
    models = await (await page.request.get("/api/models")).json()
    return [await (await page.request.get(f"/api/models/{model['model_id']}/file")).body() for model in models]


async def test_files_are_sent_one_after_the_other_and_each_says_how_it_stands(screens: Screens, tmp_path: Path) -> None:
    files = [
        model_file(tmp_path, name, 300_000, seed) for seed, name in enumerate(("one.tar.gz", "Zweiter (1).tar.gz"))
    ]
    photo, empty = tmp_path / "holiday.jpg", tmp_path / "empty.tar.gz"
    photo.write_bytes(b"x" * 2_000)
    empty.touch()
    page = await models_page(screens)
    await page.set_input_files("#file", [files[0], photo, empty, files[1]])
    await is_ready(page, "one")
    await is_ready(page, "Zweiter-1")
    refused = page.locator(".transfer")
    await expect(refused).to_have_count(2)
    await expect(refused.first).to_contain_text("holiday.jpg is a photo, not a model. Choose the physical car model")
    await expect(refused.last).to_contain_text("This file is empty. Look whether the download had finished")
    for row in (refused.first, refused.first):
        await expect(row.locator(".pill")).to_have_text("Not taken")
        await expect(row.get_by_role("button", name="Try again")).to_be_hidden()
        await row.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("region", name="On the way")).to_be_hidden()
    assert sorted(await stored(page)) == sorted(file.read_bytes() for file in files)
    told = await page.evaluate("window.toldWords")
    assert {"one is ready for a car.", "Zweiter-1 is ready for a car."} <= set(told)
    forgive(screens, "400 (Bad Request)")


async def test_upload_goes_on_by_itself_when_the_wifi_is_back(screens: Screens, wifi: Wifi, tmp_path: Path) -> None:
    file = model_file(tmp_path, "sprint.tar.gz")
    page = await models_page(screens, base_url=wifi.url)
    offsets = sent_from(page)
    await page.set_input_files("#file", file)
    await half_way(page)
    await expect(page.locator("[data-f=rate]")).to_contain_text("B/s · ")
    wifi.go()
    await expect(page.locator(".transfer .pill")).to_have_text("No connection")
    await expect(page.locator(".transfer")).to_contain_text("It goes on by itself as soon as the Wi-Fi is back.")
    before = len(offsets)
    wifi.hurry()
    wifi.come_back()
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await is_ready(page, "sprint")
    assert min(offsets[before:]) > 0
    assert await stored(page) == [file.read_bytes()]


async def test_reloaded_page_says_how_to_go_on_and_does(screens: Screens, wifi: Wifi, tmp_path: Path) -> None:
    file = model_file(tmp_path, "sprint.tar.gz")
    page = await models_page(screens, base_url=wifi.url)
    await page.set_input_files("#file", file)
    await half_way(page)
    page.on("dialog", lambda dialog: dialog.accept())
    await page.reload()
    await expect(page.locator(".transfer")).to_contain_text("Choose the same file once more: it goes on from there.")
    offsets = sent_from(page)
    wifi.hurry()
    await page.set_input_files("#file", file)
    await is_ready(page, "sprint")
    await expect(page.locator(".transfer")).to_have_count(0)
    assert min(offsets) > 0
    assert await stored(page) == [file.read_bytes()]


async def test_paused_upload_stands_still_until_told_and_a_cancelled_one_is_forgotten(
    screens: Screens, wifi: Wifi, tmp_path: Path
) -> None:
    page = await models_page(screens, base_url=wifi.url)
    await page.set_input_files("#file", [model_file(tmp_path, "a.tar.gz"), model_file(tmp_path, "b.tar.gz", seed=1)])
    await half_way(page)
    first, second = page.locator(".transfer").first, page.locator(".transfer").last
    await first.get_by_role("button", name="Pause").click()
    await expect(first.locator(".pill")).to_have_text("Paused")
    await expect(second.locator(".pill")).to_have_text("Sending")
    await second.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".transfer")).to_have_count(1)
    wifi.hurry()
    await first.get_by_role("button", name="Go on").click()
    await is_ready(page, "a")
    await page.reload()
    await expect(page.locator(".transfer")).to_have_count(0)


async def test_an_upload_that_is_cancelled_before_the_box_has_answered_is_forgotten_there_too(
    screens: Screens, tmp_path: Path
) -> None:
    has_begun, answers = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        if route.request.method == "POST":
            has_begun.set()
            await answers.wait()
        await route.fulfill(response=answer)

    page = await models_page(screens, begins=late)
    await page.set_input_files("#file", model_file(tmp_path, "sprint.tar.gz"))
    await has_begun.wait()
    assert len(await (await page.request.get("/api/uploads")).json()) == 1
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.locator(".transfer")).to_have_count(0)
    async with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        answers.set()
    assert await (await page.request.get("/api/uploads")).json() == []


async def test_phone_that_slept_does_not_trust_its_old_connection(screens: Screens, tmp_path: Path) -> None:
    held: list[Route] = []

    async def hold_the_first(route: Route) -> None:
        held.append(route)
        if len(held) > 1:
            await route.continue_()

    page = await models_page(screens, hold_the_first)
    await page.clock.install()
    await page.set_input_files("#file", model_file(tmp_path, "sprint.tar.gz", 300_000))
    await expect(page.locator(".transfer .pill")).to_have_text("Sending")
    async with page.expect_request(lambda request: request.method == "PUT"):
        while not held:
            await page.clock.run_for(50)
        await page.clock.run_for(5_000)
        await page.evaluate("window.dispatchEvent(new Event('online'))")
        while len(held) < 2:
            await page.clock.run_for(300)
    await page.clock.resume()
    await is_ready(page, "sprint")


async def test_answers_that_are_not_the_boxs_are_not_taken_for_success(screens: Screens, tmp_path: Path) -> None:
    answers = 0

    async def a_hotels_page(route: Route) -> None:
        nonlocal answers
        answers += 1
        if answers < 3:
            await route.fulfill(status=200, content_type="text/html", body="<h1>Welcome to our Wi-Fi</h1>")
        else:
            await route.continue_()

    file = model_file(tmp_path, "sprint.tar.gz", 300_000)
    page = await models_page(screens, a_hotels_page)
    await page.set_input_files("#file", file)
    await is_ready(page, "sprint")
    assert await stored(page) == [file.read_bytes()]


async def test_whoever_was_signed_out_meanwhile_is_told_and_goes_on_after_signing_in(
    screens: Screens, wifi: Wifi, tmp_path: Path
) -> None:
    page = await models_page(screens, base_url=wifi.url)
    cookies = await page.context.cookies()
    await page.set_input_files("#file", model_file(tmp_path, "sprint.tar.gz"))
    await half_way(page)
    await page.context.clear_cookies()
    wifi.hurry()
    await expect(page.locator(".transfer .pill")).to_have_text("Not taken")
    await expect(page.locator(".transfer")).to_contain_text("You are signed out. Sign in")
    await page.context.add_cookies(cookies)  # type: ignore[arg-type]  # as they came
    await page.get_by_role("button", name="Try again").click()
    await is_ready(page, "sprint")
    forgive(screens, "401 (Unauthorized)")


async def test_list_that_follows_leaves_what_somebody_types_alone_and_shows_no_file_twice(
    screens: Screens, tmp_path: Path
) -> None:
    page = await models_page(screens)
    one = model_file(tmp_path, "one.tar.gz", 300_000)
    await page.set_input_files("#file", one)
    await is_ready(page, "one")
    await page.get_by_text("Rename").click()
    await page.get_by_label("Name").fill("half-typed")
    await page.set_input_files("#file", model_file(tmp_path, "two.tar.gz", 300_000, seed=1))
    await is_ready(page, "two")
    await expect(page.get_by_label("Name").last).to_have_value("half-typed")
    await page.get_by_role("button", name="Save the name").last.click()
    await expect(page.get_by_role("status").first).to_have_text("Renamed.")
    await is_ready(page, "half-typed")
    await page.set_input_files("#file", one)
    await page.wait_for_function(
        "() => window.toldWords?.includes('one.tar.gz is here already: nothing new was made.')"
    )
    await expect(page.locator("[data-rows] > li")).to_have_count(2)


async def test_without_script_a_file_is_sent_and_looked_into(screens: Screens, tmp_path: Path) -> None:
    file = model_file(tmp_path, "plain.tar.gz")
    page = await models_page(screens, java_script_enabled=False)
    await page.set_input_files("#file", file)
    await page.get_by_role("button", name="Upload").click()
    await expect(page.get_by_role("status").first).to_have_text("Your file is here. The box looks into it now.")
    await is_ready(page, "plain")  # the page asks again by itself
    assert await stored(page) == [file.read_bytes()]


async def test_nothing_is_too_wide_or_too_small_for_a_thumb(screens: Screens, wifi: Wifi, tmp_path: Path) -> None:
    page = await models_page(screens, base_url=wifi.url)
    name = f"{'W' * 55}.tar.gz"
    await page.set_input_files("#file", model_file(tmp_path, name, 4_096))
    await is_ready(page, "W" * 55)
    await page.set_input_files("#file", [model_file(tmp_path, f"2{name}"), model_file(tmp_path, f"3{name}", seed=1)])
    await half_way(page)
    await page.locator(".transfer").first.get_by_role("button", name="Pause").click()
    for summary in await page.locator("summary").all():
        await summary.click()
    for width in (320, 390, 1920):
        await page.set_viewport_size({"width": width, "height": 844})
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert await page.evaluate(TOO_SMALL) == []


async def test_killed_server_costs_an_upload_nothing_that_it_had(screens: Screens, tmp_path: Path) -> None:
    box = Box(tmp_path / "box")
    box.start()
    try:
        await box.ready()
        async with Wifi(box.port) as wifi:
            file = model_file(tmp_path, "sprint.tar.gz")
            assert await _upload_through_a_kill(box, wifi, screens, file) == [file.read_bytes()]
    finally:
        box.stop()


async def _upload_through_a_kill(box: Box, wifi: Wifi, screens: Screens, file: Path) -> list[bytes]:
    context = await screens.context(base_url=wifi.url)
    page = await context.new_page()
    await page.goto("/sign-up")
    await page.locator("[name=username]").fill("anna")
    await page.locator("main button").last.click()
    await page.wait_for_url("**/me?welcome=1")
    await page.get_by_role("link", name="Upload a model").click()
    offsets = sent_from(page)
    wifi.stop_half_way()
    await page.set_input_files("#file", file)
    await half_way(page)
    held = (await (await page.request.get("/api/uploads")).json())[0]["offset"]
    before = len(offsets)
    box.kill_server()
    wifi.hurry()
    await is_ready(page, "sprint", patience_ms=60_000)  # a whole server starts
    assert min(offsets[before:]) >= held > 0
    files = await stored(page)
    await context.close()
    return files
