"""The queue screen on a real server: keys do what the web's buttons do, and two timekeepers skip nobody twice."""

import pytest

from appliance.permissions import Role
from tests.tui.seated import LARGE, SMALL, Terminal, seated
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.racing_day import add_racer
from timing.queue_structs import QueueState
from timing.rules import RaceRules
from timing.structs import Event, NewEvent, NewTrack
from tui.row_list import RowList
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen
from tui.screens.find_racer import FindRacer
from tui.screens.form import Form
from tui.screens.queue import QueueScreen
from web.prepared import prepare

ROOMS: dict[str, type[RoomScreen]] = {"queue": QueueScreen}


@pytest.fixture
async def site(site: Site) -> Site:
    await site.add(Role.ADMIN)
    await site.add(Role.COMMENTATOR)
    return site


@pytest.fixture
async def event(site: Site) -> Event:
    rules = RaceRules(max_runs=1)
    return await site.house.events.create(NewEvent(name="Cup", rules=rules, tracks=[NewTrack(name="Left")]), "test")


async def stand_in_line(site: Site, event: Event, *names: str) -> None:
    for name in names:
        await site.house.queue.add(event.event_id, "1", await add_racer(site.house, name), "test")


def line(site: Site, event: Event) -> list[str]:
    return [one.username for one in site.house.queue.next(event.event_id, "1", 1000)]


def chosen(terminal: Terminal) -> int | None:
    return terminal.app.screen.query_one("#queue-line", RowList).chosen


async def test_an_empty_line_says_what_to_do(site: Site, event: Event) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("Nobody in line.", "Press A and type a few letters of a name.", "The track is free")


async def test_a_racer_is_added_by_a_few_letters(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann")
    await add_racer(site.house, "山田太郎")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("a")
        await terminal.opens(FindRacer)
        await terminal.keys("田", "enter")
        await terminal.until(lambda: line(site, event) == ["ann", "山田太郎"])
        await terminal.shows("山田太郎", "2 in line")
        await terminal.until(lambda: chosen(terminal) == 1)


async def test_a_racer_who_stands_in_line_is_not_added_twice(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.keys("a")
        await terminal.opens(FindRacer)
        await terminal.keys("n", "n", "enter")
        await terminal.shows("ann is already number 1 in this line.", "Move that entry, or remove it first.")
        assert line(site, event) == ["ann"]


async def test_calling_shows_since_when(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("bob")
        await terminal.keys("down", "c")
        await terminal.shows("called ", " ago")
        assert [one.state for one in site.house.queue.next(event.event_id, "1")] == [
            QueueState.WAITING,
            QueueState.CALLED,
        ]


async def test_two_terminals_that_skip_at_once_skip_once(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob", "cyd")
    async with (
        seated(site, event.event_id, ROOMS) as one,
        seated(site, event.event_id, ROOMS, role="admin") as other,
    ):
        await one.shows("3 in line")
        await other.shows("3 in line")
        entry = other.seat.picture.queue[0].entry
        await one.keys("k")
        await other.until(lambda: line(site, event) == ["bob", "ann", "cyd"])
        # The second press was made while the old line was still seen.
        screen = other.app.screen
        assert isinstance(screen, QueueScreen)
        screen._send(lambda: other.seat.box.skip(entry.queue_id, entry.position))
        await other.shows("ann has moved to number 2 meanwhile.", "Look at the line again.")
        assert line(site, event) == ["bob", "ann", "cyd"]
        await other.shows("skipped")
        assert chosen(one) == 0


async def test_a_racer_moves_up_and_down_and_to_a_place(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob", "cyd", "dee")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("4 in line")
        await terminal.keys("shift+down", "shift+down")
        await terminal.until(lambda: line(site, event) == ["bob", "cyd", "ann", "dee"])
        await terminal.until(lambda: chosen(terminal) == 2)
        await terminal.keys("shift+up")
        await terminal.until(lambda: line(site, event) == ["bob", "ann", "cyd", "dee"])
        await terminal.until(lambda: chosen(terminal) == 1)
        await terminal.keys("j")
        await terminal.opens(Form)
        await terminal.keys("9", "enter")
        await terminal.shows("Type a whole number from 1 to 4.")
        await terminal.keys("backspace", "4", "enter")
        await terminal.until(lambda: line(site, event) == ["bob", "cyd", "dee", "ann"])


async def test_who_did_not_come_leaves_and_comes_back(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("2 in line")
        await terminal.keys("x")
        await terminal.shows("did not come", "1 in line")
        assert line(site, event) == ["bob"]
        await terminal.keys("b")
        await terminal.until(lambda: line(site, event) == ["bob", "ann"])


async def test_taking_out_asks_first(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("2 in line")
        await terminal.keys("d")
        await terminal.opens(Ask)
        await terminal.shows("Take ann out of the line?")
        await terminal.keys("n", "d")
        await terminal.opens(Ask)
        assert line(site, event) == ["ann", "bob"]
        await terminal.keys("y")
        await terminal.until(lambda: line(site, event) == ["bob"])


async def test_the_next_one_is_made_ready_and_one_more_run_is_asked_for(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("N makes ann ready")
        await terminal.keys("n")
        await terminal.shows("Ready: ann, run 1", "nobody in line")
        await terminal.keys("n")
        await terminal.shows("The race of ann is on the track (○ Ready).", "press 1")
        race = site.house.control.live(event.event_id, "1")
        assert race is not None
        for kind in ("start", "end", "submit"):
            body = {"action_id": kind, "kind": kind}
            await site.send("operator", "POST", f"/api/races/{race.race_id}/actions", json=body)
        await terminal.shows("raced")
        await terminal.keys("b")
        await terminal.shows("all 1 used")
        await terminal.keys("n")
        await terminal.shows("Allow one more run for ann?", "The one run is used.")
        await terminal.keys("y")
        await terminal.shows("Ready: ann, run 2")


async def test_two_hundred_in_line_scroll(site: Site, event: Event) -> None:
    await stand_in_line(site, event, *(f"racer-{number:03d}" for number in range(1, 201)))
    async with seated(site, event.event_id, ROOMS, size=SMALL) as terminal:
        await terminal.shows("200 in line", "racer-001")
        await terminal.keys("end")
        await terminal.shows("racer-200")
        await terminal.keys("home", "pagedown", "pagedown")
        await terminal.until(lambda: (chosen(terminal) or 0) > 10)
        place = chosen(terminal)
        assert place is not None
        await terminal.keys("k")
        await terminal.until(lambda: line(site, event)[place + 1] == f"racer-{place + 1:03d}")
        assert chosen(terminal) == place
        await terminal.keys("down")
        await terminal.shows("skipped")


async def test_the_chosen_racer_stays_chosen_while_others_come_and_go(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob", "cyd")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("3 in line")
        await terminal.keys("down")
        ann = terminal.seat.picture.queue[0].entry
        await site.send("admin", "DELETE", f"/api/queue/{ann.queue_id}")
        await terminal.shows("2 in line")
        assert chosen(terminal) == 0
        await terminal.keys("c")
        await terminal.shows("called ")
        assert [one.state for one in site.house.queue.next(event.event_id, "1")] == [
            QueueState.CALLED,
            QueueState.WAITING,
        ]


async def test_the_last_in_line_cannot_be_skipped(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("2 in line")
        await terminal.keys("end", "k")
        await terminal.shows("Nobody stands behind bob.", "X takes out of the line who did not come.")
        assert line(site, event) == ["ann", "bob"]


async def test_car_and_model_prepared_for_a_racer_are_named(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann", "bob")
    car, model_id = await enrol(site.house, "Blue 1"), await upload(site, None, "fast")
    entry = site.house.queue.next(event.event_id, "1")[0]
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("2 in line", "bob")
        assert "With" not in terminal.text()
        await prepare(site.house, entry.queue_id, car.car_id, model_id, "test")
        await terminal.shows("With", "Blue 1, fast")


async def test_who_may_only_look_is_told_so(site: Site, event: Event) -> None:
    await stand_in_line(site, event, "ann")
    async with seated(site, event.event_id, ROOMS, role="commentator", size=LARGE) as terminal:
        await terminal.shows("ann")
        for key in ("c", "k", "x", "a", "d", "n", "b", "j"):
            await terminal.keys(key)
        await terminal.shows("You may look, not change.")
        assert [one.state for one in site.house.queue.next(event.event_id, "1")] == [QueueState.WAITING]
