"""Files dropped onto the page, and the crew that uploads for a racer or for the box."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import BIG_SCREEN, Screens
from tests.browser.upload_page import crew_page, is_ready, model_file, models_page
from tests.web.racing_day import add_racer

pytestmark = pytest.mark.browser

CLASSES_FROM_NOW_ON = """
window.classes = [];
new MutationObserver(() => classes.push(document.body.className))
    .observe(document.body, { attributeFilter: ["class"] });
"""
"""Files that nobody moves any more are shown as held for less than a second."""


async def drag(page: Page, kind: str, *files: Path) -> None:
    """What the desktop tells Chromium while files are held over the page, or let go."""
    session = await page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
    await session.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 600, "data": data})


async def drop(page: Page, *files: Path) -> None:
    for kind in ("dragEnter", "dragOver", "drop"):
        await drag(page, kind, *files)


async def test_dropped_files_are_uploaded_wherever_they_fall(screens: Screens, tmp_path: Path) -> None:
    files = [model_file(tmp_path, name, 4_096, seed) for seed, name in enumerate(("one.tar.gz", "two.tar"))]
    page = await models_page(screens, viewport=BIG_SCREEN)
    await page.evaluate(CLASSES_FROM_NOW_ON)
    for kind in ("dragEnter", "dragOver"):
        await drag(page, kind, *files)
    await page.wait_for_function("() => classes[0] === 'dropping'")
    await expect(page.locator("body")).not_to_have_class("dropping")  # nobody holds them there any more
    await drop(page, *files)
    await expect(page.locator("body")).not_to_have_class("dropping")
    await is_ready(page, "one")
    await is_ready(page, "two")


async def test_dropped_folder_is_refused_in_words_and_the_file_beside_it_taken(
    screens: Screens, tmp_path: Path
) -> None:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    (folder / "model.pb").write_bytes(b"x")
    page = await models_page(screens, viewport=BIG_SCREEN)
    await drop(page, folder, model_file(tmp_path, "one.tar.gz", 4_096))
    await page.wait_for_function(
        "() => window.toldWords?.some((text) => text.startsWith('That is a folder: your browser has unpacked'))"
    )
    await is_ready(page, "one")
    await expect(page.locator("[data-rows] > li")).to_have_count(1)


async def test_crew_finds_a_racer_and_uploads_for_them(screens: Screens, tmp_path: Path) -> None:
    racer_id = await add_racer(screens.house, "jürgen", "DE")
    page = await crew_page(screens, "/staff/models", viewport=BIG_SCREEN)
    await page.get_by_label("Whose model is it?").fill("jürg")
    await page.get_by_role("button", name="Choose the files").click()
    await expect(page.get_by_role("heading", name="Models of jürgen")).to_be_visible()
    await page.set_input_files("#file", model_file(tmp_path, "for-him.tar.gz", 4_096))
    await is_ready(page, "for-him")
    await page.get_by_role("link", name="for-him").click()
    await expect(page.get_by_role("heading", name="for-him")).to_be_visible()
    await page.get_by_role("link", name="jürgen").click()
    await page.get_by_role("link", name="Racer", exact=True).click()
    await expect(page.locator("main")).to_contain_text("for-him")
    (model,) = await (await page.request.get("/api/models")).json()
    assert model["racer_id"] == racer_id


async def test_crew_uploads_for_the_box_and_sees_others_come_by_themselves(screens: Screens, tmp_path: Path) -> None:
    crew = await crew_page(screens, "/staff/models", viewport=BIG_SCREEN)
    await expect(crew.get_by_role("heading", name="No models yet")).to_be_visible()
    racer = await models_page(screens)
    await racer.set_input_files("#file", model_file(tmp_path, "hers.tar.gz", 4_096))
    await is_ready(crew, "hers")
    await crew.get_by_role("link", name="Of the box, for walk-ups").click()
    await crew.set_input_files("#file", model_file(tmp_path, "walk-up.tar.gz", 4_096, seed=1))
    await is_ready(crew, "walk-up")
    await expect(racer.locator("[data-rows] > li")).to_have_count(1)
