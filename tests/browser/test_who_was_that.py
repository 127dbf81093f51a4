"""Crossings without a race and a second scoring, as the crew uses them: fingers, dialogs, two devices."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from appliance import clock
from appliance.permissions import Role
from tests.browser.conftest import PHONE, Screens, chromium
from tests.web.loose_crossings import edge_at, keep
from tests.web.racing_day import act, add_racer, start_race
from tests.web.recorded import an_event, chattered, recorded
from timing.journal import Kind
from timing.structs import Event, RaceView

pytestmark = pytest.mark.browser

TABLET = {"width": 1024, "height": 768}


async def device(screens: Screens, **options: object) -> BrowserContext:
    """A device somebody of the crew is signed in on."""
    house = screens.house
    person = house.people.find("tina") or await house.people.add_staff("tina", [Role.OPERATOR], "correct-horse", "test")
    token, _ = await house.sessions.start(person.person_id)
    context = await screens.context(**{"viewport": TABLET, **options})
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    return context


async def opened(screens: Screens, address: str, **options: object) -> Page:
    """A page with a live stream."""
    page = await screens.open(address, await device(screens, **options))
    await expect(page.locator("#link")).to_have_text("live")
    return page


def timekeeper(event: Event) -> str:
    return f"/staff/events/{event.event_id}/tracks/1/timekeeper"


async def crossed_in_lap_two(screens: Screens, event: Event) -> RaceView:
    """A race of Zoë's that is over, and a crossing in the middle of its second lap."""
    race = await start_race(screens.house, event, await add_racer(screens.house, "Zoë"))
    race = await act(screens.house, race, Kind.LAP)
    moment = clock.mono_ns()
    race = await act(screens.house, race, Kind.LAP)
    race = await act(screens.house, race, Kind.END)
    await keep(screens.house, event, edge_at(moment, 5))
    return race


async def test_crossing_is_given_to_a_race_from_the_timekeepers_page(screens: Screens, event: Event) -> None:
    race = await crossed_in_lap_two(screens, event)
    tablet = await opened(screens, timekeeper(event))
    listed = await opened(screens, f"/staff/crossings?event={event.event_id}", viewport=PHONE)
    await expect(listed.get_by_text("1 waits")).to_be_visible()

    await tablet.locator("#loose").get_by_text("Whose?").click()
    dialog = tablet.locator("dialog#whose")
    await expect(dialog).to_be_visible()
    await expect(dialog).to_contain_text("lap 2:")
    await dialog.get_by_role("button", name="Give to Zoë").click()

    await expect(dialog).not_to_be_visible()
    await expect(tablet.locator("#loose")).not_to_contain_text("Who was that?")
    await expect(tablet.locator("#race > .tk")).to_have_attribute("data-laps", "3")
    await expect(listed.get_by_text("given to")).to_contain_text("Zoë")
    assert len((await screens.house.control.view(race.race_id)).laps) == 3


async def test_crossing_that_comes_is_dismissed_on_one_device_and_brought_back_on_another(
    screens: Screens, event: Event
) -> None:
    tablet = await opened(screens, timekeeper(event))
    phone = await opened(screens, timekeeper(event), viewport=PHONE, has_touch=True)
    await expect(phone.locator("#notes")).not_to_be_visible()
    await keep(screens.house, event, edge_at(clock.mono_ns(), 5))

    await expect(tablet.locator("#loose")).to_contain_text("Who was that?")
    await phone.locator("#loose").get_by_role("button", name="Nobody").tap()
    await expect(tablet.locator("#loose")).to_contain_text("was dismissed by tina")
    await expect(tablet.locator("#loose")).not_to_contain_text("Who was that?")
    await tablet.locator("#loose").get_by_role("button", name="Undo").click()
    await expect(phone.locator("#loose")).to_contain_text("Who was that?")


async def test_notes_never_move_the_buttons_of_a_running_race(screens: Screens, event: Event) -> None:
    await start_race(screens.house, event, await add_racer(screens.house, "anna"))
    for seq, viewport in enumerate((PHONE, TABLET, {"width": 1920, "height": 1080}), 1):
        page = await opened(screens, timekeeper(event), viewport=viewport)
        before = await page.locator(".tk-lap").bounding_box()
        assert before is not None
        await keep(screens.house, event, edge_at(clock.mono_ns(), seq))
        await expect(page.locator("#loose li")).to_have_count(seq)
        assert await page.locator(".tk-lap").bounding_box() == before
        await page.close()


@pytest.fixture
async def recorded_screens(tmp_path: Path) -> AsyncIterator[Screens]:
    """Chromium and a server with a real recorder."""
    async with recorded(tmp_path) as (site, _), chromium(site) as screens:
        yield screens


async def test_race_is_scored_again_in_its_dialog(recorded_screens: Screens) -> None:
    screens = recorded_screens
    race = await chattered(screens.house, await an_event(screens.house, lockout_ms=0))
    page = await screens.open(f"/staff/races/{race.race_id}", await device(screens, viewport=PHONE))

    await page.fill("#lockout", "soon")
    await page.get_by_role("button", name="See what changes").click()
    dialog = page.locator("dialog#rescore")
    await expect(dialog).to_contain_text("Type seconds or ms up to a minute")
    await dialog.locator("#again").fill("300 ms")
    await dialog.get_by_role("button", name="See what changes").click()
    await expect(dialog).to_contain_text("6 crossings judged differently")
    await expect(dialog).to_contain_text("made one")
    assert len((await screens.house.control.view(race.race_id)).laps) == 8
    await dialog.get_by_role("button", name="Score it with 0.3 s").click()

    await expect(page.get_by_text("Scored again; the boards are made anew.")).to_be_visible()
    assert len((await screens.house.control.view(race.race_id)).laps) == 2
