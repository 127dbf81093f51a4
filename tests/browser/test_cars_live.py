"""The list of cars on a phone: it follows what happens by itself, and takes nothing out of anybody's hands."""

import pytest
from playwright.async_api import expect

from appliance.permissions import Role
from cars.facts import CarsChanged
from tests.browser.conftest import PHONE, Screens
from tests.browser.timekeeper_page import crew_device, waits
from tests.cars.car_samples import a_sighting
from tests.web.car_day import enrol
from tests.web.test_cars_page import paired, spot

pytestmark = pytest.mark.browser


async def test_list_follows_and_lets_a_half_typed_address_be(screens: Screens) -> None:
    await screens.site.add(Role.OPERATOR)
    context = await screens.context()
    token = screens.site.tokens["operator"]
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    page = await screens.open("/staff/cars", context)
    await expect(page.get_by_text("None is paired yet.")).to_be_visible()
    await page.get_by_label("Its address").fill("192.168.")
    car = await paired(screens.house, 1, "Überholer")
    spot(screens.house, a_sighting("10.9.8.50", host_name="amss-7d2f.local", has_ssh=False))
    screens.house.facts.publish(CarsChanged())
    await expect(page.get_by_role("link", name="Überholer")).to_be_visible()
    await expect(page.get_by_text("It is there.")).to_be_visible()
    await screens.house.cars.missed(car.car_id)
    await expect(page.get_by_text("0 of 1 are there.")).to_be_visible()
    await expect(page.get_by_label("Its address")).to_have_value("192.168.")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out of a phone"
    await page.get_by_role("link", name="Pair", exact=True).click()
    await expect(page).to_have_url(f"{screens.site.url}/staff/cars/pair?address=10.9.8.50&name=AMSS-7D2F")
    assert screens.complaints == []


async def test_a_car_that_did_not_stop_is_told_again_in_the_same_dialog(screens: Screens) -> None:
    car = await enrol(screens.house, "Blau 1")
    page = await screens.open("/staff", await crew_device(screens, viewport=PHONE))
    await waits(page)
    await page.get_by_role("button", name="Stop cars").click()
    await expect(page.locator("#stopped")).to_contain_text("Failed")
    first = await page.locator("[id^=answers-]").get_attribute("id")

    await page.get_by_role("button", name="Stop Blau 1 again").click()

    await expect(page.locator(f"#{first}")).to_have_count(0)
    await expect(page.locator("#stopped[open]")).to_contain_text("Failed")
    asked = await screens.house.commands.of_car(car.car_id)
    assert [command.verb.value for command in asked] == ["stop", "stop"]
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out of a phone"
