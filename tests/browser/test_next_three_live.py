"""The queue's page on a phone: one tap sends the next to the cars, and each row follows its model by itself."""

import pytest
from playwright.async_api import expect

from appliance.permissions import Role
from tests.browser.conftest import Screens
from tests.web.car_day import enrol, upload
from tests.web.racing_day import add_racer
from timing.structs import Event

pytestmark = pytest.mark.browser


async def test_two_quick_taps_send_once_and_the_rows_follow(screens: Screens, event: Event) -> None:
    await screens.site.add(Role.OPERATOR)
    for name in ("anna", "jörg.müßig.öztürk", "zoë"):
        racer_id = await add_racer(screens.house, name)
        await screens.house.queue.add(event.event_id, "1", racer_id, "test")
        if name != "zoë":
            await upload(screens.site, racer_id, f"a-model-with-a-long-name-of-{name[0]}")
    await enrol(screens.house, "Grüner Blitz von der anderen Seite")
    context = await screens.context()
    token = screens.site.tokens["operator"]
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    page = await screens.open(f"/staff/events/{event.event_id}/tracks/1/queue", context)
    await expect(page.get_by_text("Not sent yet")).to_have_count(2)
    await expect(page.get_by_text("No model yet, and the box has none for walk-ups.")).to_be_visible()
    await page.get_by_label("Name").fill("half a na")

    await page.get_by_role("button", name="Send the next three to the cars").dblclick()

    await expect(page.get_by_text("is out of reach: connection refused.")).to_have_count(1)
    await expect(page.get_by_text("Waiting for its turn")).to_have_count(1)
    pushes = screens.house.pushes.all_open()
    assert [push.model_name[-1] for push in pushes] == ["a", "j"]
    for push in pushes:
        await screens.house.pushes.cancel(push.push_id, "test")
    await expect(page.locator(".sent .pill", has_text="Cancelled")).to_have_count(2)
    assert len(await screens.house.pushes.find()) == 2
    await expect(page.get_by_label("Name")).to_have_value("half a na")
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out of a phone"

    await screens.house.cars.missed(pushes[0].car_id)
    await upload(screens.site, screens.house.queue.next(event.event_id, "1")[2].racer_id, "late")
    await expect(page.get_by_text("No car of Left is online.")).to_be_visible()
