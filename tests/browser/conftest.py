"""A real headless Chromium in front of a real server; console errors and blocked resources fail the test."""

import asyncio
import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from appliance.serve import opened_house
from appliance.settings import load
from tests.preload import built
from tests.web.conftest import Site, serving
from timing.structs import Event, NewEvent, NewTrack
from web.house import House

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
DEAF = Path(__file__).with_name("deaf.c")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PHONE = {"width": 390, "height": 844}
BIG_SCREEN = {"width": 1920, "height": 1080}
KEEP_WHAT_IS_TOLD = "document.addEventListener('toast', (e) => (window.toldWords ??= []).push(e.detail.text))"
LOST_LINK = (
    "net::ERR_",
    "503 (Service Unavailable)",
    "htmx: htmx:error: timeout {",
    "htmx: htmx:sse:error: signal is aborted without reason",
)
"""What Chromium itself says when a test cuts the link, and htmx when it gave up waiting: 3 or 4 s on a busy machine."""
PATIENCE_MS = 20_000
"""A test waits for what it says, not for a time; two busy cores may need longer than Playwright's 5 s."""

expect.set_options(timeout=PATIENCE_MS)


class Screens:
    """Opens pages on devices of all sizes, and remembers what their consoles complained about."""

    def __init__(self, browser: Browser, site: Site) -> None:
        self.browser = browser
        self.site = site
        self.house = site.house
        self.complaints: list[str] = []
        self.forgiven: list[str] = []

    async def context(self, **options: object) -> BrowserContext:
        """One device: phone portrait unless told. Its pages keep what they told the person in `window.toldWords`."""
        context = await self.browser.new_context(**{"base_url": self.site.url, "viewport": PHONE, **options})  # type: ignore[arg-type]
        await context.add_init_script(KEEP_WHAT_IS_TOLD)
        return context

    async def open(self, path: str, context: BrowserContext | None = None, **options: object) -> Page:
        """A page on a new device, or on this one."""
        page = await (context or await self.context(**options)).new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(path)
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(known in message.text for known in LOST_LINK):
            self.complaints.append(message.text)

    def unforgiven(self) -> list[str]:
        """The complaints that the test did not expect."""
        return [text for text in self.complaints if not any(part in text for part in self.forgiven)]


@functools.cache
def deaf_environment() -> dict[str, str]:
    """
    For a Chromium that does not hear which addresses this machine gets and loses.

    Each hall of cars gives it one and takes it away again, and Chromium drops whatever waits for a connection then
    (net::ERR_NETWORK_CHANGED). Without a compiler it hears all.
    """
    folder = tempfile.mkdtemp(prefix="trackside-deaf-")
    atexit.register(shutil.rmtree, folder)
    library = built(DEAF, Path(folder))
    return dict(os.environ) if library is None else {**os.environ, "LD_PRELOAD": str(library)}


@asynccontextmanager
async def chromium(site: Site) -> AsyncIterator[Screens]:
    """Chromium in front of this server; no page may have complained in the end, also while it was closed."""
    async with async_playwright() as playwright:
        environment = await asyncio.to_thread(deaf_environment)
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, env=environment)
        screens = Screens(browser, site)
        try:
            yield screens
        finally:
            await browser.close()
        assert screens.unforgiven() == []


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house of its own; no recorder listens."""
    settings = load(tmp_path, environment={})
    async with opened_house(settings, settings.recorder_socket) as opened:
        yield opened


@pytest.fixture
async def event(house: House) -> Event:
    """An event with two tracks."""
    tracks = [NewTrack(name="Left", footer="Hall 7"), NewTrack(name="Right")]
    return await house.events.create(NewEvent(name="Rehearsal", sponsor="The Café", tracks=tracks), "test")


@pytest.fixture
async def screens(house: House) -> AsyncIterator[Screens]:
    """Chromium and the server; no page may have complained in the end."""
    async with serving(house) as site, chromium(site) as opened:
        yield opened
