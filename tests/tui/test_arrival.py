"""The way to a seat: found, typed or remembered box, signing in, the track; and back to it the next time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import Input

from tests.tui.seated import SMALL, Terminal
from tests.web.conftest import PASSWORD, Site
from timing.structs import Event
from tui.app import TracksideApp
from tui.arrival import Arrival, moved_to
from tui.finder import Finder
from tui.found_boxes import FoundBox
from tui.screens.boxes import BoxesScreen
from tui.screens.sign_in import SignInScreen
from tui.screens.tracks import TracksScreen
from tui.state_dir import RememberedBox, StateDir


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path / "state")


@asynccontextmanager
async def opened(state: StateDir, address: str | None = None) -> AsyncIterator[Terminal]:
    """A terminal as somebody starts it."""
    app = TracksideApp(Arrival(state, address))
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        yield Terminal(app, pilot)
        app.exit()


async def signed_in(terminal: Terminal, username: str | None = "the-operator") -> None:
    """Fill the form in; without a name, the one that stands there."""
    await terminal.opens(SignInScreen)
    name, password, _ = terminal.app.screen.query(Input)
    name.value = username or name.value
    password.value = PASSWORD
    password.focus()
    await terminal.keys("enter")


async def signed_in_by_badge(terminal: Terminal, code: str) -> None:
    await terminal.opens(SignInScreen)
    badge = terminal.app.screen.query_one("#badge", Input)
    badge.value = code
    badge.focus()
    await terminal.keys("enter")


async def seated_at(terminal: Terminal, track: str) -> None:
    await terminal.until(lambda: terminal.app.has_seat)
    await terminal.shows(f"Race · {track} · Cup", "● live")


async def test_a_timekeeper_with_a_badge_of_the_crew_comes_to_the_seat(
    site: Site, event: Event, state: StateDir
) -> None:
    code = await site.house.people.give_badge(site.person_ids["operator"], "test")
    async with opened(state, site.url) as terminal:
        await signed_in_by_badge(terminal, code)
        await terminal.opens(TracksScreen)
        await terminal.shows("Left", "Right")
        await terminal.keys("down", "enter")
        await seated_at(terminal, "Right")


async def test_a_new_timekeeper_signs_in_picks_a_track_and_is_remembered(
    site: Site, event: Event, state: StateDir
) -> None:
    async with opened(state, site.url) as terminal:
        await signed_in(terminal)
        await terminal.opens(TracksScreen)
        await terminal.shows("Left", "Right")
        await terminal.keys("down", "enter")
        await seated_at(terminal, "Right")
    async with opened(state) as terminal:
        await seated_at(terminal, "Right")


async def test_a_session_that_ended_asks_again_and_keeps_the_name(site: Site, event: Event, state: StateDir) -> None:
    async with opened(state, site.url) as terminal:
        await signed_in(terminal)
        await terminal.shows("Left", "Right")
        await terminal.keys("enter")
        await seated_at(terminal, "Left")
    await site.house.sessions.end_all(site.person_ids["operator"])
    async with opened(state) as terminal:
        await terminal.opens(SignInScreen)
        await terminal.shows("the-operator")


async def test_the_other_track_is_one_key_away(site: Site, event: Event, state: StateDir) -> None:
    async with opened(state, site.url) as terminal:
        await signed_in(terminal)
        await terminal.shows("Left", "Right")
        await terminal.keys("enter")
        await seated_at(terminal, "Left")
        await terminal.keys("t")
        await seated_at(terminal, "Right")
        await terminal.keys("t")
        await seated_at(terminal, "Left")


async def test_a_session_that_ends_at_the_seat_goes_on_after_signing_in(
    site: Site, event: Event, state: StateDir
) -> None:
    async with opened(state, site.url) as terminal:
        await signed_in(terminal)
        await terminal.shows("Left", "Right")
        await terminal.keys("enter")
        await seated_at(terminal, "Left")
        seat = terminal.seat
        await site.house.sessions.end_all(site.person_ids["operator"])
        await terminal.shows("SIGNED OUT: press O")
        await terminal.keys("o")
        await terminal.opens(SignInScreen)
        await terminal.shows("the-operator")
        await signed_in(terminal, None)
        await seated_at(terminal, "Left")
        assert terminal.seat is seat


async def test_leaving_each_question_leads_back_to_the_one_before(site: Site, event: Event, state: StateDir) -> None:
    async with opened(state, site.url) as terminal:
        await terminal.opens(SignInScreen)
        await terminal.keys("escape")
        await terminal.opens(BoxesScreen)
        await terminal.keys("escape")
        await terminal.until(lambda: not terminal.app.is_running)


async def test_an_address_where_no_box_is_is_told_and_the_boxes_are_shown(state: StateDir) -> None:
    async with opened(state, "127.0.0.1:9") as terminal:
        await terminal.opens(BoxesScreen)
        await terminal.shows("127.0.0.1:9")


async def test_a_box_at_another_address_is_found_but_not_at_the_one_it_had(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = RememberedBox(box_id="id", address="http://127.0.0.1:9", name="vm")

    class Heard(Finder):
        async def run(self) -> None:
            for address in (known.address, site.url):
                self.boxes = [heard(known.box_id, address)]
                self.changed()
                await asyncio.sleep(0)

    monkeypatch.setattr("tui.arrival.Finder", Heard)
    assert await moved_to(known) == site.url


def heard(box_id: str, address: str) -> FoundBox:
    return FoundBox(
        key="heard",
        box_id=box_id,
        name="vm",
        addresses=(address,),
        events=(),
        version="",
        is_here=False,
        is_known=True,
        is_asked=True,
        answers_at=address,
    )
