"""The cars in the terminal: live, told by keys, each with its own answer; light cars of real SSH."""

from pathlib import Path

import pytest

from appliance.permissions import Role
from cars.car_structs import Car
from cars.command_structs import CommandView, NewCommand, Verb
from cars.commands import Commands
from cars.facts import PushesChanged
from cars.fleet_structs import NewFleet
from cars.lines import Lines
from cars.push_rules import PushState
from tests.cars.car_samples import a_sighting
from tests.tui.cut_cable import plugged
from tests.tui.light_cars import light_cars, pair, pair_dumb, warm
from tests.tui.seated import LARGE, VERDICT_S, Terminal, seated
from tests.web.conftest import Site
from tests.web.test_car_list import push
from timing.structs import Event, NewEvent, NewTrack
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen
from tui.screens.cars import CarsScreen
from tui.screens.pick import Pick
from tui.screens.system import SystemScreen

ROOMS: dict[str, type[RoomScreen]] = {"cars": CarsScreen, "system": SystemScreen}


@pytest.fixture
async def site(site: Site) -> Site:
    await site.add(Role.COMMENTATOR)
    return site


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Verb, list[str]]]:
    """What the box is asked to tell, instead of telling it: each is answered as far as `answered`."""
    heard: list[tuple[Verb, list[str]]] = []
    ask = Commands.ask

    async def note(self: Commands, command: NewCommand, actor: str) -> list[CommandView]:
        heard.append((command.verb, [self._cars.get(car_id).name for car_id in command.car_ids]))
        return await ask(self, command, actor)

    monkeypatch.setattr(Commands, "ask", note)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return heard


def row_of(terminal: Terminal, name: str) -> str:
    """The first row of a car, with single spaces."""
    found = [row for row in terminal.text().splitlines() if f" {name} " in row]
    assert found, terminal.text()
    return " ".join(found[0].split())


async def rows_are(terminal: Terminal, *rows: str) -> None:
    """Wait until the rows of the list begin like this, after mark and choice; long enough for what a car answers."""
    await terminal.until(
        lambda: all(any(row in " ".join(line.split()) for line in terminal.text().splitlines()) for row in rows),
        VERDICT_S,
    )


@pytest.mark.timeout(300)
async def test_cars_are_told_by_keys_and_what_they_answer_is_their_own(
    site: Site, event: Event, tmp_path: Path
) -> None:
    house = site.house
    async with light_cars(tmp_path / "cars", house.settings.data_dir, 2) as started:
        await warm(house, await pair(house, started, ["Blue 1", "Grün 2"]))
        await pair_dumb(house, "Stumm 3")
        async with seated(site, event.event_id, ROOMS, size=LARGE) as terminal:
            await rows_are(terminal, "► Blue 1 ● there", "Grün 2 ● there", "Stumm 3 ● there")
            await terminal.keys("l")
            await terminal.opens(Pick)
            await terminal.keys("down", "enter")
            await rows_are(terminal, "√ Its software took the colour.")
            await terminal.keys("d")
            await terminal.opens(Ask)
            await terminal.keys("y")
            await rows_are(terminal, "√ Its software took the start.")
            await terminal.keys("s")
            await rows_are(terminal, "√ Its software took the stop.")
            await terminal.keys("a", "b")
            await rows_are(terminal, "* Blue 1 ● there – 80 %", "* Grün 2 ● there – 80 %", " GB free of ")
            await rows_are(terminal, "Stumm 3 ● there – – – – ×")
            await terminal.keys("enter")
            await terminal.shows("Models on it: ")
            await terminal.keys("end")
            await terminal.shows("Read the disk: × ", within_s=VERDICT_S)
    assert [car.light for car in house.cars.all()] == ["red", None, None]


async def test_what_cannot_be_taken_back_is_asked_first(
    site: Site, event: Event, told: list[tuple[Verb, list[str]]]
) -> None:
    await pair_dumb(site.house, "Blue 1", 1)
    await pair_dumb(site.house, "Blue 2", 2)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await rows_are(terminal, "► Blue 1")
        for key, question in (("e", "Reboot Blue 1?"), ("p", "Power Blue 1 off?"), ("d", "Let Blue 1 drive?")):
            await terminal.keys(key)
            await terminal.opens(Ask)
            await terminal.shows(question)
            await terminal.keys("enter")
            await terminal.opens(CarsScreen)
        await terminal.keys("a", "d")
        await terminal.shows("Only one car is started at a time.", "start each car by itself.")
        assert told == []
        await terminal.keys("e")
        await terminal.opens(Ask)
        await terminal.keys("y")
        await terminal.until(lambda: told == [(Verb.REBOOT, ["Blue 1", "Blue 2"])])
        await terminal.keys("r")
        await terminal.until(lambda: told[1:] == [(Verb.RESTART_CORE, ["Blue 1", "Blue 2"])])


async def test_keys_are_for_the_marked_cars_of_the_track_of_all_or_for_the_chosen_one(
    site: Site, told: list[tuple[Verb, list[str]]]
) -> None:
    house = site.house
    cars = [await pair_dumb(house, f"Blue {number}", number) for number in (1, 2, 3)]
    fleet = await house.fleets.add(NewFleet(name="Blues"))
    await house.fleets.set_cars(fleet.fleet_id, [car.car_id for car in cars[1:]])
    tracks = [NewTrack(name="Left", fleet_id=fleet.fleet_id)]
    event = await house.events.create(NewEvent(name="Cup", tracks=tracks), "test")
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("3 of 3 cars there", "F9 stops the 2 cars of Left")
        for keys, marked, meant in (
            ((), "there", ["Blue 1"]),
            (("a",), "2 marked", ["Blue 2", "Blue 3"]),
            (("a",), "3 marked", ["Blue 1", "Blue 2", "Blue 3"]),
            (("a", "down", "down", "space"), "1 marked", ["Blue 3"]),
        ):
            await terminal.keys(*keys)
            await terminal.shows(marked)
            told.clear()
            await terminal.keys("s")
            await terminal.until(lambda meant=meant: told == [(Verb.STOP, meant)])


async def test_cars_that_come_go_and_need_a_hand_are_told_at_once(site: Site, event: Event) -> None:
    house = site.house
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("No car is paired yet.")
        assert "s Stop" not in terminal.text()
        blue = await pair_dumb(house, "Blue 1", 1)
        await rows_are(terminal, "► Blue 1 ● there")
        await terminal.shows("s Stop")
        await house.cars.missed(blue.car_id)
        await rows_are(terminal, "► Blue 1 × away ")
        before = row_of(terminal, "Blue 1")
        await terminal.until(lambda: row_of(terminal, "Blue 1") != before)
        house.finder._book._sightings["10.9.8.77"] = a_sighting(
            "10.9.8.77", host_name="amss-0001.local", host_key="ssh-ed25519 other"
        )
        await house.cars.update(blue.car_id, name="Blau 1")
        await rows_are(terminal, "► Blau 1 ! flashed anew", "! new host key")
        await terminal.shows("Nothing is sent to it until it is paired", "again.")


async def test_a_model_on_its_way_is_told_in_percent(site: Site, event: Event, monkeypatch: pytest.MonkeyPatch) -> None:
    car: Car = await pair_dumb(site.house, "Blue 1", 1)
    sent = [push(car, 1, PushState.SENDING, 90)]
    monkeypatch.setattr(type(site.house.pushes), "all_open", lambda _: sent)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await rows_are(terminal, "Blue 1 ● there – – → 45 %")
        await terminal.shows("→ fast-1: sending, 45 %.")
        sent[:] = [push(car, 1, PushState.SENDING, 180), push(car, 2, PushState.WAITING)]
        site.house.facts.publish(PushesChanged(push_ids=("push-1",)))
        await rows_are(terminal, "Blue 1 ● there – – → 90 % +1")


async def test_what_somebody_else_does_leaves_the_chosen_car_chosen(site: Site, event: Event) -> None:
    for number in (2, 3):
        await pair_dumb(site.house, f"Blue {number}", number)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await rows_are(terminal, "► Blue 2")
        await terminal.keys("down")
        await rows_are(terminal, "► Blue 3")
        await pair_dumb(site.house, "Blue 1", 1)
        await rows_are(terminal, "Blue 1 ●", "► Blue 3")


async def test_forty_cars_are_a_list_to_scroll_and_every_key_has_room(site: Site, event: Event) -> None:
    for number in range(1, 41):
        await pair_dumb(site.house, f"Blau {number}", number)
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("40 of 40 cars there", "s Stop", "p Off", "q Quit")
        await rows_are(terminal, "► Blau 1 ● there")
        await terminal.keys("end")
        await rows_are(terminal, "► Blau 40 ● there")


async def test_a_commentator_is_told_who_may(site: Site, event: Event, told: list[tuple[Verb, list[str]]]) -> None:
    await pair_dumb(site.house, "Blue 1", 1)
    async with seated(site, event.event_id, ROOMS, role="commentator", size=LARGE) as terminal:
        await terminal.shows("Your account may not do this. Ask an admin for the role admin or operator.")
        await terminal.keys("s")
        assert told == []


async def test_a_list_that_is_not_live_says_so_until_it_is(site: Site, event: Event) -> None:
    await pair_dumb(site.house, "Blue 1", 1)
    async with plugged(site.port) as cable, seated(site, event.event_id, ROOMS, address=cable.url) as terminal:
        await rows_are(terminal, "► Blue 1 ● there")
        cable.refuse()
        await terminal.shows("× NOT LIVE: ", "► ")
        await rows_are(terminal, "► Blue 1 ● there")
        await pair_dumb(site.house, "Blue 2", 2)
        cable.mend()
        await rows_are(terminal, "Blue 2 ● there")
        await terminal.until(lambda: "NOT LIVE" not in terminal.text())


async def test_the_box_is_asked_only_while_somebody_looks(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with seated(site, event.event_id, ROOMS) as terminal:
        await terminal.shows("No car is paired yet.")
        await terminal.keys("2")
        await terminal.opens(SystemScreen)
        asked: list[str] = []
        cars = terminal.seat.box.cars

        async def note(event_id: str) -> object:
            asked.append(event_id)
            return await cars(event_id)

        monkeypatch.setattr(terminal.seat.box, "cars", note)
        told: list[object] = []
        terminal.seat.listen(told.append)
        await pair_dumb(site.house, "Blue 1", 1)
        await terminal.until(lambda: "cars" in told)
        assert asked == []
        await terminal.keys("1")
        await rows_are(terminal, "► Blue 1 ● there")
        assert asked
