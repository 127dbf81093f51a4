"""What all screens of the terminal share: the keys that work everywhere, the status line, leaving."""

import asyncio
from typing import ClassVar

import pytest
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from tests.tui.keys import press
from tests.tui.seated import GivenSeat, Terminal, seated
from tests.web.conftest import Site
from tests.web.racing_day import add_racer, start_race
from timing.journal import Kind
from timing.structs import Event, NewEvent, NewTrack
from tui.box import Box
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen
from tui.screens.help import HelpScreen
from tui.seat import Changed, Seat
from tui.seat_app import SeatApp


class First(RoomScreen):
    """Shows the track's name and counts how often it was told."""

    TITLE_WORD = "First"
    BINDINGS: ClassVar[list[BindingType]] = [("z", "zoom", "Look closer")]

    def compose_room(self) -> ComposeResult:
        yield Static(id="track")

    def show(self, changed: frozenset[Changed]) -> None:
        race = self.seat.picture.race
        self.query_one("#track", Static).update(f"track {self.seat.picture.track_name}, {race and race.view.username}")


class Second(First):
    TITLE_WORD = "Second"


ROOMS = {"first": First, "second": Second}


@pytest.fixture
async def event(site: Site) -> Event:
    tracks = [NewTrack(name="Left"), NewTrack(name="Right")]
    return await site.house.events.create(NewEvent(name="Finale [Süd]", tracks=tracks), "test")


async def test_a_seat_is_live_and_says_where_it_is(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("First · Left · Finale [Süd]", "● live", "track Left, None")
        await start_race(site.house, event, await add_racer(site.house, "anna"))
        await terminal.shows("track Left, anna")


async def test_number_keys_change_the_screen_and_help_names_its_keys(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("2")
        await terminal.shows("Second · Left")
        await terminal.keys("question_mark")
        await terminal.opens(HelpScreen)
        await terminal.shows("Second", "Look closer", "On every screen")
        await terminal.keys("escape", "1")
        await terminal.shows("First · Left")


async def test_every_key_stands_at_the_foot_of_the_screen(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows(
            "z Look closer  F9 Stop cars  1-7 Screens  t Track  o Box  b Big clock  m Sound", "? Help  q Quit"
        )


async def test_every_screen_and_key_is_in_the_palette(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        offered = {command.title for command in terminal.app.get_system_commands(terminal.app.screen)}
        assert {"First", "Second", "Look closer", "Help", "Sound on or off", "Bright or dark", "Quit"} <= offered


async def test_sound_and_light_are_remembered_by_the_host(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("m", "f2")
        assert (terminal.app.host.muted, terminal.app.host.light) == (True, True)
        assert terminal.app.theme == "trackside-light"


async def test_quitting_asks_while_a_press_waits(site: Site, event: Event) -> None:
    await start_race(site.house, event, await add_racer(site.house, "anna"))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await stopped(terminal)
        assert terminal.seat.press(Kind.LAP) is not None
        await terminal.keys("q")
        await terminal.opens(Ask)
        await terminal.shows("1 press waits for the box. Quit all the same?")
        await terminal.keys("n")
        await terminal.shows("First · Left", "1 press waits")
        assert terminal.app.is_running


async def test_a_key_typed_early_does_not_break_off_the_arrival(site: Site, event: Event) -> None:
    box = Box(site.url, site.tokens["operator"])
    seat = Seat(box, event.event_id, "1", await box.who())
    arrived = asyncio.Event()

    class SlowHost(GivenSeat):
        async def first_seat(self, app: App[None]) -> Seat:
            await arrived.wait()
            return seat

    app = SeatApp(SlowHost(seat), ROOMS)
    async with app.run_test() as pilot:
        await press(pilot, "t", "o", "2", "b")
        arrived.set()
        terminal = Terminal(app, pilot)
        await terminal.shows("First · Left")
        app.exit()


async def test_going_to_another_box_asks_while_a_press_waits(site: Site, event: Event) -> None:
    await start_race(site.house, event, await add_racer(site.house, "anna"))
    async with seated(site, event.event_id, ROOMS) as terminal:
        await stopped(terminal)
        assert terminal.seat.press(Kind.LAP) is not None
        await terminal.keys("o")
        await terminal.shows("1 press waits for the box. Leave this seat all the same?")
        await terminal.keys("n")
        await terminal.shows("First · Left", "1 press waits")


async def stopped(terminal: Terminal) -> None:
    """The presses of this terminal go nowhere."""

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    terminal.seat.box.act = never  # type: ignore[method-assign,assignment]


async def test_what_happens_is_shown_behind_a_question_too(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        room = terminal.app.screen
        terminal.app.push_screen(Ask("Are you sure?"))
        await terminal.opens(Ask)
        await start_race(site.house, event, await add_racer(site.house, "anna"))
        await terminal.until(lambda: "anna" in str(room.query_one("#track", Static).render()))
        await terminal.shows("Are you sure?")
