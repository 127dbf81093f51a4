"""The page of models for the tests that upload: a phone that is signed in, and its files."""

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from playwright.async_api import BrowserContext, Page, Request, expect

from appliance.permissions import Role
from tests.browser.conftest import PATIENCE_MS, Screens
from tests.browser.timekeeper_page import Handler
from tests.cars import model_samples
from tests.web.racing_day import add_racer

MADE_AT_S = 1_700_000_000
"""When a file was last changed: some time ago, as a download usually was."""


def model_file(folder: Path, name: str, weights_bytes: int = 1_500_000, seed: int = 0) -> Path:
    """A model as it lies on a phone."""
    path = folder / name
    path.write_bytes(
        model_samples.tar_gz(
            [
                ("agent/model.pb", model_samples.graph(weights_bytes=weights_bytes, seed=seed)),
                ("model_metadata.json", model_samples.metadata_bytes()),
            ]
        )
    )
    os.utime(path, (MADE_AT_S, MADE_AT_S))
    return path


async def models_page(
    screens: Screens, pieces: Handler | None = None, begins: Handler | None = None, **options: object
) -> Page:
    """The page of the racer anna, on her phone; what becomes of uploads' `begins` and `pieces` is settled before."""
    house = screens.house
    person = house.people.find("anna")
    racer_id = person.person_id if person else await add_racer(house, "anna")
    phone = await _signed_in(screens, racer_id, **options)
    if pieces is not None:
        await phone.route("**/api/uploads/*?offset=*", pieces)
    if begins is not None:
        await phone.route("**/api/uploads", begins)
    return await screens.open("/me/models", phone)


async def crew_page(screens: Screens, path: str, **options: object) -> Page:
    """A page of the crew."""
    person = await screens.house.people.add_staff("tina", [Role.OPERATOR], "correct-horse", "test")
    return await screens.open(path, await _signed_in(screens, person.person_id, **options))


async def _signed_in(screens: Screens, person_id: str, **options: object) -> BrowserContext:
    token, _ = await screens.house.sessions.start(person_id)
    context = await screens.context(**options)
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    return context


def sent_from(page: Page) -> list[int]:
    """Where each piece that the page sends begins; grows while it does."""
    offsets: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PUT":
            offsets.append(int(parse_qs(urlsplit(request.url).query)["offset"][0]))

    page.on("request", note)
    return offsets


async def half_way(page: Page) -> None:
    """Wait until the box has acknowledged some of the file, and not all of it."""
    await page.wait_for_function("() => document.querySelector('.transfer progress')?.value > 300000")
    await expect(page.locator(".transfer .pill").first).to_have_text("Sending")


async def is_ready(page: Page, name: str, patience_ms: int = PATIENCE_MS) -> None:
    """Wait until the list shows the model as one that a car can drive."""
    row = page.locator("[data-rows] > li", has=page.locator(f".breaks:text-is('{name}')"))
    await expect(row.locator(".pill")).to_have_text("Ready", timeout=patience_ms)
