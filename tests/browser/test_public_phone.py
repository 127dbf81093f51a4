"""What people do on their phones: sign up, come back by badge, look themselves up, hear that it is their turn."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import BIG_SCREEN, Screens
from tests.web.racing_day import CREW, add_racer, finish_race, hand_in, start_race
from timing.structs import Event

pytestmark = pytest.mark.browser

LONG_NAME = "WWWWWWWWWWWWWWWWWWWW"


async def test_a_racer_signs_up_mends_the_name_and_gets_a_badge(screens: Screens, event: Event) -> None:
    await add_racer(screens.house, "anna")
    page = await screens.open("/")
    await page.get_by_role("link", name="Sign up to race").click()
    await page.get_by_label("Your racing name").fill("Anna")
    await page.get_by_label("Country").select_option(label="Sweden")
    await page.get_by_text("Sky blue").click()
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.locator("#username-error")).to_contain_text("The name")
    await expect(page.get_by_label("Your racing name")).to_have_value("Anna")
    await expect(page.get_by_label("Your racing name")).to_be_focused()
    await expect(page.get_by_label("Country")).to_have_value("SE")
    await expect(page.get_by_label("Sky blue")).to_be_checked()
    await page.get_by_label("Your racing name").fill("Anna2")
    await page.get_by_role("button", name="Sign up").click()
    await expect(page.get_by_role("heading", name="Anna2")).to_be_visible()
    person = screens.house.people.find("anna2")
    assert person is not None
    assert (person.country, person.colour) == ("SE", "sky_blue")
    await expect(page.locator(".code")).to_have_text(screens.house.people.badge_code(person.person_id))
    assert screens.complaints == ["Failed to load resource: the server responded with a status of 409 (Conflict)"]
    screens.complaints.clear()


async def test_a_scanned_badge_signs_in_and_leaves_no_code_in_the_address(screens: Screens) -> None:
    racer_id = await add_racer(screens.house, "anna")
    page = await screens.open(f"/badge#{screens.house.people.badge_code(racer_id)}")
    await page.wait_for_url("**/me")
    await expect(page.get_by_role("heading", name="anna")).to_be_visible()
    assert "#" not in page.url
    await page.go_back()
    assert "#" not in page.url


async def test_a_typed_code_works_without_script(screens: Screens) -> None:
    racer_id = await add_racer(screens.house, "anna")
    page = await screens.open("/badge", java_script_enabled=False)
    await page.get_by_label("Badge code").fill(screens.house.people.badge_code(racer_id).lower())
    await page.get_by_role("button", name="Sign in with this badge").click()
    await expect(page.get_by_role("heading", name="anna")).to_be_visible()


async def test_a_racers_page_follows_the_race_and_the_result(screens: Screens, event: Event) -> None:
    house = screens.house
    anna, bob = await add_racer(house, "anna"), await add_racer(house, "bob")
    page = await screens.open(f"/racers/{anna}?event={event.event_id}")
    await expect(page.locator("html")).to_have_attribute("data-live", "true")
    race = await start_race(house, event, anna)
    await start_race(house, event, bob, "2")
    await expect(page.locator("#races .race")).to_have_count(1)
    await expect(page.locator("#races .race")).to_contain_text("anna")
    await finish_race(house, race, [9_000, 9_100])
    await expect(page.locator("#parts")).to_contain_text("Run 1")
    await expect(page.locator("#parts")).to_contain_text("00:09.000")
    await expect(page.locator("#races .race")).to_have_count(0)


async def test_the_phone_of_a_called_racer_says_so(screens: Screens, event: Event) -> None:
    house = screens.house
    anna = await add_racer(house, "anna")
    page = await screens.open(f"/badge#{house.people.badge_code(anna)}")
    await expect(page.locator("html")).to_have_attribute("data-live", "true")
    entry = await house.queue.add(event.event_id, "1", anna, CREW)
    await expect(page.locator("#turns")).to_contain_text("You are next on Left.")
    await house.queue.call(entry.queue_id, CREW)
    await expect(page.locator("#turns")).to_contain_text("Come to Left now.")


async def test_light_and_dark_are_kept_by_this_device(screens: Screens) -> None:
    context = await screens.context(color_scheme="light")
    page = await screens.open("/sign-in", context)
    await page.get_by_role("button", name="Switch between light and dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.goto("/badge")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("width", [320, 390, 1920])
async def test_no_page_is_wider_than_its_screen(screens: Screens, event: Event, width: int) -> None:
    house = screens.house
    racer = await add_racer(house, LONG_NAME, "GB", "violet")
    await hand_in(house, event, racer, [9_000, None, 9_100, 9_200])
    await hand_in(house, event, await add_racer(house, "山田太郎"), [9_000])
    await house.queue.add(event.event_id, "1", await add_racer(house, f"{LONG_NAME[:-1]}M"), CREW)
    await start_race(house, event, racer)
    context = await screens.context(viewport={"width": width, "height": BIG_SCREEN["height"]})
    board = f"/events/{event.event_id}/board"
    paths = ["/", "/sign-up", "/sign-in", "/badge", "/setup", f"/racers/{racer}", board, f"{board}?qr=header"]
    for path in [*paths, f"{board}?qr=footer&format=average"]:
        page = await screens.open(path, context)
        await page.locator("#main").wait_for()
        too_wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, path
        await page.close()


@pytest.mark.parametrize("path", ["/", "/sign-up", "/sign-in", "/badge"])
async def test_everything_that_is_pressed_is_large_enough_for_a_thumb(
    screens: Screens, event: Event, path: str
) -> None:
    page = await screens.open(path)
    pressed = "main :is(button, .btn, select, input:not([type=hidden], [type=radio])), main label:has(input)"
    small = await page.evaluate(
        """(pressed) => [...document.querySelectorAll(pressed)]
            .filter((one) => one.offsetParent && one.getBoundingClientRect().height < 44)
            .map((one) => one.outerHTML)""",
        pressed,
    )
    assert small == []
