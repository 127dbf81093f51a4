"""Finding a racer by letters, on a real server: the latest letters win, and Enter takes whom one sees."""

import asyncio

import pytest
from textual.app import App
from textual.events import Key
from textual.widgets import Input

from appliance.people import NewRacer
from tests.tui.keys import ended, press
from tests.web.conftest import Site, house, site
from tui.box import Box
from tui.racer_order import meant, offered
from tui.screens.find_racer import FindRacer
from tui.wire import Racer

__all__ = ["house", "site"]

NAMES = ["ann", "hannah", "Jo-Anne", "zoe", "anna", "山田-anna"]


class Finding(App[Racer | None]):
    """Asks for one racer as soon as it is up, and ends with the answer."""

    def __init__(self, find: FindRacer) -> None:
        super().__init__()
        self.find = find

    def on_mount(self) -> None:
        """Ask."""
        self.push_screen(self.find, self.exit)


class SlowBox(Box):
    """Answers each question when it is told to."""

    def __init__(self, address: str, token: str) -> None:
        super().__init__(address, token)
        self.gates: dict[str, asyncio.Event] = {}
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    async def racers(self, text: str, limit: int = 50) -> list[Racer]:
        """As the box does, but no sooner than its gate opens."""
        gate = self.gates.setdefault(text, asyncio.Event())
        self.asked.put_nowait(text)
        await gate.wait()
        return await super().racers(text, limit)

    def open(self, *texts: str) -> None:
        """Let the answers to these go."""
        for text in texts:
            self.gates.setdefault(text, asyncio.Event()).set()

    async def heard(self, text: str) -> None:
        """Wait until it was asked this."""
        while await self.asked.get() != text:
            pass


@pytest.fixture
async def box(site: Site) -> SlowBox:
    """The server as an operator's box."""
    for name in NAMES:
        await site.house.people.register(NewRacer(username=name), "test")
    return SlowBox(site.url, site.tokens["operator"])


def racer(name: str) -> Racer:
    """Somebody who races."""
    return Racer(racer_id=name, username=name, country=None, colour=None)


def test_names_that_begin_with_the_letters_come_first() -> None:
    found = [racer(name) for name in ("hannah", "Jo-Anne", "anna", "Ann")]
    assert [one.username for one in offered(found, "AN")] == ["Ann", "anna", "Jo-Anne", "hannah"]


def test_letters_mean_somebody_only_when_nobody_else_can_be_meant() -> None:
    ann, anna = racer("Ann"), racer("anna")
    assert meant([ann, anna], "ann") is ann
    assert meant([ann, anna], "an") is None
    assert meant([anna], "an") is anna
    assert meant([], "an") is None


async def test_letters_find_a_racer_and_enter_takes_the_chosen_one(box: SlowBox) -> None:
    box.open("", "an", "ann", "anna")
    find = FindRacer(box, "Add to the line")
    app = Finding(find)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "a", "n", "n", "a")
        await box.heard("anna")
        await app.workers.wait_for_complete()
        assert [one.username for one in find._found] == ["anna", "山田-anna", "hannah"]
        await press(pilot, "down", "enter")
        await ended(pilot)
    assert app.return_value is not None
    assert app.return_value.username == "山田-anna"
    await box.close()


async def test_the_answer_to_the_latest_letters_wins_however_late_an_older_one_comes(box: SlowBox) -> None:
    box.open("", "zo")
    find = FindRacer(box, "Add to the line")
    app = Finding(find)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "a")
        await box.heard("a")
        find.query_one(Input).value = "zo"
        await box.heard("zo")
        await app.workers.wait_for_complete()
        box.open("a")
        await pilot.pause()
        assert [one.username for one in find._found] == ["zoe"]
        await press(pilot, "enter")
        await ended(pilot)
    assert app.return_value is not None
    assert app.return_value.username == "zoe"
    await box.close()


async def test_enter_before_the_answer_takes_the_only_one_that_fits(box: SlowBox) -> None:
    box.open("")
    find = FindRacer(box, "Add to the line")
    app = Finding(find)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "z", "o", "enter")
        await box.heard("zo")
        assert app.return_value is None
        box.open("zo")
        await app.workers.wait_for_complete()
        await ended(pilot)
    assert app.return_value is not None
    assert app.return_value.username == "zoe"
    await box.close()


async def test_enter_in_one_burst_with_the_letters_takes_nobody_that_stood_there_before_them(box: SlowBox) -> None:
    box.open("", "zo")
    find = FindRacer(box, "Add to the line")
    app = Finding(find)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert find._found
        for key in (Key("z", "z"), Key("o", "o"), Key("enter", "\r")):
            app.post_message(key)
        async with asyncio.timeout(20):
            await box.heard("zo")
        await app.workers.wait_for_complete()
        await ended(pilot)
    assert app.return_value is not None
    assert app.return_value.username == "zoe"
    await box.close()


async def test_nobody_found_says_what_to_do_and_escape_takes_nobody(box: SlowBox) -> None:
    box.open("", "q")
    find = FindRacer(box, "Add to the line")
    app = Finding(find)
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "q")
        await box.heard("q")
        await app.workers.wait_for_complete()
        said = str(find.query_one(".said").render())
        assert said == "No racer is called “q”. Type other letters, or register them at the desk."
        await press(pilot, "enter")
        assert app.is_running
        await press(pilot, "escape")
        await ended(pilot)
    assert app.return_value is None
    await box.close()
