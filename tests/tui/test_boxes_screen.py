"""Choosing a box by keys, with real servers behind the list; only what is heard in the hall is said by the test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.tui.keys import press
from tests.web.conftest import Site, house, site
from tui import heard_boxes
from tui.found_boxes import Sighting, Source
from tui.row_list import RowList
from tui.screens import boxes as screen
from tui.screens.boxes import LOOKING, NONE_FOUND, BoxesScreen

__all__ = ["house", "site"]

PATIENCE_S = 20


class Hall:
    """What is heard; takes the place of the one that listens."""

    def __init__(self) -> None:
        self.sightings: list[Sighting] = []
        self._changed: Callable[[], None] = lambda: None

    def __call__(self, changed: Callable[[], None]) -> "Hall":
        self._changed = changed
        return self

    async def run(self) -> None:
        await asyncio.Event().wait()

    def say(self, *sightings: Sighting) -> None:
        self.sightings = list(sightings)
        self._changed()


@dataclass
class Used:
    """A box that was used before."""

    box_id: str
    name: str
    address: str


@dataclass
class Choosing:
    """The open screen."""

    app: App[str | None]
    pilot: Pilot[str | None]

    async def until(self, *words: str) -> str:
        """Wait until all of this is to be read; answers everything that is."""
        async with asyncio.timeout(PATIENCE_S):
            while not all(word in self.text() for word in words):
                await self.pilot.pause()
        return self.text()

    async def answer(self) -> str | None:
        """Wait for what was chosen."""
        async with asyncio.timeout(PATIENCE_S):
            while self.app._exit is False:
                await self.pilot.pause()
        return self.app.return_value

    def text(self) -> str:
        return "\n".join("".join(part.text for part in line) for line in self.app.screen._compositor.render_strips())


@pytest.fixture
def hall(monkeypatch: pytest.MonkeyPatch) -> Hall:
    hall = Hall()
    monkeypatch.setattr(heard_boxes, "HeardBoxes", hall)
    return hall


@asynccontextmanager
async def choosing(*known: Used, sockets: list[Path] | None = None, small: bool = True) -> AsyncIterator[Choosing]:
    """The screen, as somebody finds it."""
    shown = BoxesScreen(known, sockets=sockets or [])

    class Asking(App[str | None]):
        def on_mount(self) -> None:
            self.push_screen(shown, self.exit)

    app = Asking()
    async with app.run_test(size=(80, 24) if small else (140, 40)) as pilot:
        await pilot.pause()
        yield Choosing(app, pilot)


def heard(site: Site, name: str = "Halle 3", *events: str) -> Sighting:
    return Sighting(f"{name}._x", Source.HEARD, site.house.box.id, name, (site.url,), events)


def dead_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_a_box_that_is_heard_is_one_enter_away(hall: Hall, site: Site) -> None:
    async with choosing() as terminal:
        await terminal.until("Looking for boxes…")
        hall.say(heard(site, "Halle 3", "Cup", "Rookies"))
        text = await terminal.until("► √ ready", "1 box found.")
        row = next(line for line in text.splitlines() if "√ ready" in line)
        assert row.split() == ["►", "√", "ready", "Halle", "3", site.url.removeprefix("http://"), "Cup,", "Rookies"]
        await press(terminal.pilot, "enter")
        assert await terminal.answer() == site.url


async def test_who_finds_none_is_told_what_to_do(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "ALONE_S", 0.01)
    async with choosing() as terminal:
        await terminal.until("No box found yet")
        said = terminal.app.screen.query_one(".said", Static)
        assert str(said.render()) == NONE_FOUND
        assert terminal.app.screen.query_one(Input).region.bottom <= 23
        await press(terminal.pilot, "enter")
        await press(terminal.pilot, "escape")
        assert await terminal.answer() is None


async def test_a_typed_address_needs_no_list(hall: Hall, site: Site) -> None:
    async with choosing() as terminal:
        await press(terminal.pilot, *f"127.0.0.1:{site.port}", "enter")
        assert await terminal.answer() == site.url


async def test_a_wrong_address_says_why_and_stays(hall: Hall, site: Site) -> None:
    async with choosing() as terminal:
        await press(terminal.pilot, *"müller", "enter")
        await terminal.until("× An address has no umlauts and no spaces. Type it as the box shows it")
        await press(terminal.pilot, "ctrl+u")
        await terminal.pilot.pause()
        assert "×" not in terminal.text()
        dead = dead_address()
        await press(terminal.pilot, *dead.removeprefix("http://"), "enter")
        await terminal.until(f"× The box at {dead} does not answer.")
        assert terminal.app.screen.query_one(Input).value == dead.removeprefix("http://")


async def test_the_last_box_comes_first_and_a_silent_one_is_not_entered(hall: Hall, site: Site) -> None:
    dead = dead_address()
    async with choosing(Used("gone", "Old box", dead)) as terminal:
        hall.say(heard(site))
        text = await terminal.until("× no answer", "√ ready")
        lines = [line for line in text.splitlines() if "answer" in line or "ready" in line]
        where = dead.removeprefix("http://")
        assert lines[0].split() == ["►", "×", "no", "answer", "Old", "box", where, "(known)"]
        await press(terminal.pilot, "enter")
        await terminal.until(f"× The box at {dead} does not answer.")
        await press(terminal.pilot, "down", "enter")
        assert await terminal.answer() == site.url


async def test_a_chosen_box_stays_chosen_when_others_come_above_it(hall: Hall, site: Site) -> None:
    async with choosing() as terminal:
        hall.say(heard(site, "m"), heard(site, "z"))
        await terminal.until("2 boxes found.")
        await press(terminal.pilot, "down")
        hall.say(heard(site, "a"), heard(site, "m"), heard(site, "z"))
        await terminal.until("3 boxes found.")
        assert terminal.app.screen.query_one(RowList).chosen == 2


async def test_a_box_that_comes_right_after_a_key_leaves_the_mark(hall: Hall, site: Site) -> None:
    async with choosing() as terminal:
        hall.say(heard(site, "m"), heard(site, "z"))
        await terminal.until("2 boxes found.")
        rows = terminal.app.screen.query_one(RowList)
        rows.choose(1)
        hall.say(heard(site, "a"), heard(site, "m"), heard(site, "z"))  # before the screen has heard of the key
        await terminal.until("3 boxes found.")
        assert rows.chosen == 2


@pytest.mark.parametrize("small", [True, False])
async def test_long_names_of_any_script_fit(hall: Hall, site: Site, small: bool) -> None:
    async with choosing(small=small) as terminal:
        hall.say(heard(site, "山田太郎" * 20, "Grand Prix of the whole wide world" * 4))
        text = await terminal.until("√ ready", "…")
        assert site.url.removeprefix("http://") in text


async def test_a_machine_that_cannot_listen_says_so_and_takes_addresses(hall: Hall, site: Site) -> None:
    async def run() -> None:
        raise OSError("Address already in use")

    hall.run = run  # type: ignore[method-assign]
    async with choosing() as terminal:
        await terminal.until("This machine cannot listen for boxes")
        said = terminal.app.screen.query_one(".said", Static)
        assert str(said.render()) == f"{LOOKING} This machine cannot listen for boxes: Address already in use."
        await press(terminal.pilot, *f"127.0.0.1:{site.port}", "enter")
        assert await terminal.answer() == site.url
