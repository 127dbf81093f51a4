"""The one key that stops the cars of the track: on every screen, at once, and what is not known to stand is said."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.app import App
from textual.widgets import Input

from appliance.errors import NotReady
from appliance.permissions import Role
from cars.car_structs import Car
from cars.command_rules import Ask
from cars.command_structs import CommandState
from cars.fleet_structs import NewFleet
from cars.lines import Lines
from tests.tui.cut_cable import plugged
from tests.tui.light_cars import light_cars, pair, pair_dumb, warm
from tests.tui.seated import LARGE, SMALL, VERDICT_S, GivenSeat, Terminal, seated
from tests.web.conftest import Site
from tests.web.racing_day import add_racer, start_race
from timing.structs import Event, NewEvent, NewTrack, RaceState
from tui import car_stop
from tui.key_repeat import ONE_PRESS_NS
from tui.screens.ask import Ask as Question
from tui.screens.base import RoomScreen
from tui.screens.big_clock import BigClockScreen
from tui.screens.board import BoardScreen
from tui.screens.find_racer import FindRacer
from tui.screens.help import HelpScreen
from tui.screens.queue import QueueScreen
from tui.screens.race import RaceScreen
from tui.seat import Seat
from tui.seat_app import SeatApp

ROOMS: dict[str, type[RoomScreen]] = {"race": RaceScreen, "queue": QueueScreen, "board": BoardScreen}
BOTH = "√ Stopping 2 cars… 2 of 2 stopped"


@pytest.fixture
async def site(site: Site) -> Site:
    await site.add(Role.COMMENTATOR)
    return site


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cars that are told to stop: the way to them is cut short, and one called Deaf never answers."""
    told: list[str] = []

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        assert ask.verb == "stop"
        told.append(car.name)
        if car.name == "Deaf":
            raise NotReady("Deaf does not answer.", "Look at its battery.")
        return {}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return told


@pytest.fixture
async def two(site: Site, asked: list[str]) -> list[str]:
    """Two cars, both of every track; who was asked."""
    await pair_dumb(site.house, "Blue 1", 1)
    await pair_dumb(site.house, "Blue 2", 2)
    return asked


def let_go(terminal: Terminal) -> None:
    """The next press is another one: as if the time of a held key were over."""
    terminal.seat.stop._pressed_ns = (terminal.seat.stop._pressed_ns or 0) - ONE_PRESS_NS


@pytest.mark.timeout(300)
async def test_real_cars_of_the_track_stand_while_its_race_is_timed(site: Site, tmp_path: Path) -> None:
    house = site.house
    async with light_cars(tmp_path / "cars", house.settings.data_dir, 3) as started:
        cars = await pair(house, started, ["Blue 1", "Blue 2", "Red 3"])
        await warm(house, cars)
        fleet = await house.fleets.add(NewFleet(name="Blues"))
        await house.fleets.set_cars(fleet.fleet_id, [car.car_id for car in cars[:2]])
        tracks = [NewTrack(name="Left", fleet_id=fleet.fleet_id)]
        event = await house.events.create(NewEvent(name="Cup", tracks=tracks), "test")
        race = await start_race(house, event, await add_racer(house, "ada"))
        async with seated(site, event.event_id, ROOMS) as terminal:
            await terminal.shows("► Running", "F9 Stop cars")
            await terminal.keys("f9")
            await terminal.shows(BOTH, within_s=VERDICT_S)
            await terminal.keys("l")
            await terminal.shows("LAP 2")
        views = [await house.commands.of_car(car.car_id) for car in cars]
    assert [[(one.state, one.answer) for one in of] for of in views] == [
        [(CommandState.DONE, "Its software took the stop.")], [(CommandState.DONE, "Its software took the stop.")], [],
    ]  # fmt: skip
    still = house.control.live(event.event_id, "1")
    assert still is not None
    assert (still.race_id, still.state, len(still.laps)) == (race.race_id, RaceState.RUNNING, 1)


async def test_a_car_that_did_not_answer_is_named_and_said_loudly(site: Site, event: Event, asked: list[str]) -> None:
    await pair_dumb(site.house, "Blue 1", 1)
    await pair_dumb(site.house, "Deaf", 2)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("f9")
        await terminal.shows("× Stopping 2 cars… 1 of 2 stopped, NOT Deaf")
        await terminal.shows("Deaf does not answer. Look at its battery.", "Take the cars by hand.")


async def test_a_held_key_is_one_press_and_the_next_press_tells_all_again(
    site: Site, event: Event, two: list[str]
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("f9", "f9", "f9")
        await terminal.shows(BOTH)
        assert sorted(two) == ["Blue 1", "Blue 2"]
        let_go(terminal)
        await terminal.keys("f9")
        await terminal.until(lambda: len(two) == 4)
        await terminal.shows(BOTH)


async def test_it_is_never_typed_into_a_field(site: Site, event: Event, two: list[str]) -> None:
    await add_racer(site.house, "ada")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("2", "a")
        await terminal.opens(FindRacer)
        await terminal.keys("a", "f9", "d")
        await terminal.until(lambda: len(two) == 2)
        await terminal.shows(BOTH)
        assert terminal.app.screen.query_one(Input).value == "ad"


async def test_it_works_over_a_question_the_help_the_palette_and_the_big_clock(
    site: Site, event: Event, two: list[str]
) -> None:
    await start_race(site.house, event, await add_racer(site.house, "ada"))
    async with seated(site, event.event_id, ROOMS, big_clock=BigClockScreen, size=LARGE) as terminal:
        await terminal.shows("► Running")
        await terminal.keys("x")
        await terminal.shows("■ Over", "Discard")
        for number, (key, screen) in enumerate([("ctrl+x", Question), ("question_mark", HelpScreen)], 1):
            await terminal.keys(key)
            await terminal.opens(screen)
            await terminal.keys("f9")
            await terminal.until(lambda number=number: len(two) == 2 * number)
            await terminal.shows(BOTH)
            assert isinstance(terminal.app.screen, screen)
            await terminal.keys("escape")
            let_go(terminal)
        await terminal.keys("b")
        await terminal.opens(BigClockScreen)
        await terminal.keys("f9")
        await terminal.until(lambda: len(two) == 6)
        await terminal.shows(BOTH)
        let_go(terminal)
        await terminal.keys("ctrl+p")
        await terminal.keys("f9")
        await terminal.until(lambda: len(two) == 8)
        assert site.house.control.live(event.event_id, "1") is not None


async def test_a_box_that_cannot_be_reached_is_said_in_so_many_words(
    site: Site, event: Event, two: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(car_stop, "TRY_S", 0.0)
    async with seated(site, event.event_id, ROOMS) as terminal:
        terminal.seat.move_to("http://127.0.0.1:9")
        await terminal.keys("f9")
        await terminal.shows("× NOT STOPPED: the box cannot be reached", "Take the cars by hand. F9 tries again.")
        assert two == []
        await terminal.until(lambda: terminal.seat.link_state.is_lost)
        terminal.seat.move_to(site.url)
        # A link that comes back leaves all connections: it would break the only try.
        await terminal.until(lambda: terminal.seat.link_state.is_live)
        let_go(terminal)
        await terminal.keys("f9")
        await terminal.shows(BOTH)


async def test_it_is_tried_again_by_itself_and_the_cars_are_told_once(
    site: Site, event: Event, two: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(car_stop, "TRY_S", 60.0)
    async with (
        plugged(site.port) as cable,
        # Wide: where the link is known to be lost, the line shares its row with that, and a small one cuts its words.
        seated(site, event.event_id, ROOMS, address=cable.url, size=LARGE) as terminal,
    ):
        await terminal.shows("● live")
        cable.lose_answers()
        await terminal.keys("f9")
        await terminal.shows("× NOT STOPPED: the box does not answer, trying again")
        await terminal.until(lambda: len(two) == 2)
        cable.mend()
        await terminal.shows(BOTH)
    assert sorted(two) == ["Blue 1", "Blue 2"]


async def test_whoever_may_not_is_told_so_and_a_box_without_cars_too(
    site: Site, event: Event, asked: list[str]
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("f9")
        await terminal.shows("× NOT STOPPED: No car is paired: there is none to stop.", "Look under Cars.")
    await pair_dumb(site.house, "Blue 1", 1)
    async with seated(site, event.event_id, ROOMS, role="commentator", size=LARGE) as terminal:
        await terminal.keys("f9")
        await terminal.shows("× NOT STOPPED: Your account may not do this.", "Ask an admin for the role admin or")
    assert asked == []


class Nowhere(GivenSeat):
    """Somebody who still looks for a box."""

    def __init__(self) -> None:
        self.muted = self.light = False

    async def first_seat(self, app: App[None]) -> Seat:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


async def test_before_anybody_sits_at_a_track_it_says_that_no_car_is_stopped() -> None:
    app = SeatApp(Nowhere(), ROOMS)
    async with app.run_test(size=SMALL, notifications=True) as pilot:
        terminal = Terminal(app, pilot)
        await terminal.keys("f9")
        await terminal.shows("No car is stopped from here.", "Sit at a track first; until then take the cars by hand.")


async def test_what_was_said_goes_by_itself_a_warning_later(site: Site, event: Event, two: list[str]) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("f9")
        await terminal.shows(BOTH)
        words = terminal.seat.stop.words
        assert words is not None
        assert terminal.seat.stop.shown(words.since_ns + car_stop.SHOWN_NS - 1) is words
        assert terminal.seat.stop.shown(words.since_ns + car_stop.SHOWN_NS) is None
        terminal.seat.stop.words = car_stop.StopWords("bad", is_bad=True, is_over=True, since_ns=0)
        assert terminal.seat.stop.shown(car_stop.WARNED_NS - 1) is not None
        assert terminal.seat.stop.shown(car_stop.WARNED_NS) is None
