"""The timekeeper's page for the tests that use it: opened by the crew, waited for."""

from collections.abc import Awaitable, Callable

from playwright.async_api import BrowserContext, Page, Route, expect

from appliance.permissions import Role
from tests.browser.conftest import PATIENCE_MS, Screens
from tests.web.racing_day import add_racer, start_race
from timing.structs import Event, RaceView

TABLET = {"width": 1024, "height": 768}
Handler = Callable[[Route], Awaitable[None]]
WHAT_IT_TOLD = (
    "[window.toldWords, document.activeElement?.outerHTML.slice(0, 80), document.getElementById('unsent')?.innerText]"
)
ONE_CLICK_S = 0.3
"""Longer than the page's guard against a double click."""
WAIT = """
document.addEventListener('htmx:config:request', (event) => (event.detail.ctx.request.timeout = 60_000));
"""


async def crew_device(screens: Screens, **options: object) -> BrowserContext:
    """A tablet somebody of the crew is signed in on."""
    house = screens.house
    person = house.people.find("tina") or await house.people.add_staff("tina", [Role.OPERATOR], "correct-horse", "test")
    token, _ = await house.sessions.start(person.person_id)
    context = await screens.context(**{"viewport": TABLET, **options})
    await context.add_cookies([{"name": "trackside", "value": token, "url": screens.site.url}])
    return context


def address(event: Event, track: str = "1") -> str:
    return f"/staff/events/{event.event_id}/tracks/{track}/timekeeper"


async def timekeeper(
    screens: Screens, event: Event, track: str = "1", presses: Handler | None = None, **options: object
) -> Page:
    """
    The page of a track, live, and with the box's clock.

    What becomes of its `presses` is settled before it loads: Chromium may send what a page asks for right after a
    route was laid past it.
    """
    device = await crew_device(screens, **options)
    if presses is not None:
        await device.route("**/actions", presses)
    page = await screens.open(address(event, track), device)
    await expect(page.locator("#link")).to_have_text("live")
    await knows_the_clock(page)
    return page


async def shows(page: Page, state: str, laps: int | None = None, within_ms: int = PATIENCE_MS) -> None:
    """Wait until the page shows the race in this state, with so many laps; on failure, what it told the person."""
    try:
        await expect(page.locator("#race > .tk")).to_have_attribute("data-state", state, timeout=within_ms)
    except AssertionError as error:
        raise AssertionError(f"{await page.evaluate(WHAT_IT_TOLD)} {error}") from None
    if laps is not None:
        await expect(page.locator("#race > .tk")).to_have_attribute("data-laps", str(laps), timeout=within_ms)


def race_now(screens: Screens, event: Event, track: str = "1") -> RaceView:
    race = screens.house.control.live(event.event_id, track)
    assert race is not None
    return race


async def running(screens: Screens, event: Event) -> RaceView:
    return await start_race(screens.house, event, await add_racer(screens.house, "anna"))


async def knows_the_clock(page: Page) -> None:
    """Wait until the page has had all the answers of the box's clock that it asks for at once."""
    await page.wait_for_function("""() => performance.getEntriesByType('resource').filter(
        (one) => one.name.endsWith('/api/clock') && one.responseStatus === 200).length >= 5""")


async def waits(page: Page) -> None:
    """From now on the page gives nothing up that it asks for: how long it waits is not what is tested."""
    await page.evaluate(WAIT)


class Losing:
    """
    A route that loses the `next` so many requests.

    It is there before the page opens, and told when it matters: Chromium may send past a fresh route.
    """

    def __init__(self) -> None:
        self.next = 0

    async def handle(self, route: Route) -> None:
        """What the route is laid with."""
        if self.next:
            self.next -= 1
            await route.abort()
        else:
            await route.continue_()


def forgive(screens: Screens, *expected: str) -> None:
    """What the browser complains of because the test cut a request, until it is closed."""
    screens.forgiven.extend(expected)
