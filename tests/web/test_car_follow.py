"""The cars follow the races and the lines: lit for the racer, white and stopped at the end; no race waits for a car."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from appliance.people import NewRacer
from appliance.serve import opened_house
from appliance.settings import load
from cars.car_structs import Car, Platform
from cars.command_rules import Ask
from cars.lines import Lines
from tests.web.racing_day import act, add_racer
from timing.journal import Kind
from timing.queue import QueueEntry
from timing.structs import Event, NewEvent, NewRace, RaceView
from web.house import House
from web.prepared import prepare

PATIENCE_S = 20
STOP = ("stop",)
MARIGOLD, RED, LIME = ("light", "255", "130", "0"), ("light", "255", "0", "0"), ("light", "255", "255", "0")
WHITE = ("light", "255", "255", "255")
FOLLOWS = {"light", "stop"}
"""What else the box asks a car by itself has nothing to do with its races."""


class Told:
    """What the cars are asked, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.changed = asyncio.Event()

    async def until(self, *asked: tuple[str, ...]) -> None:
        """Wait until exactly these were asked since the last time, in whatever order."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while sorted(self.asked) != sorted(asked):
                    self.changed.clear()
                    await self.changed.wait()
        assert sorted(self.asked) == sorted(asked)
        self.asked.clear()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """The way to the cars, cut short: what matters here is who is asked what."""
    told = Told()

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        if ask.verb in FOLLOWS:
            told.asked.append((car.name, ask.verb, *ask.arguments))
            told.changed.set()
        return {}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return told


async def enrol(house: House, name: str = "Blue 1") -> Car:
    return await house.cars.add_enrolled(
        serial=f"AMSS-{name}",
        name=name,
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key="ssh-ed25519 1",
        address="10.9.8.1",
        actor="test",
    )


async def ready(
    house: House, event: Event, car_id: str | None, colour: str = "marigold", track_id: str = "1"
) -> RaceView:
    racer_id = await add_racer(house, f"Jörg-{colour}", colour=colour)
    new = NewRace(event_id=event.event_id, track_id=track_id, racer_id=racer_id, car_id=car_id)
    return await house.control.create(new, "test")


async def prepared(house: House, event: Event, car_id: str, colour: str) -> QueueEntry:
    """Somebody in line with this colour, and with this car."""
    entry = await house.queue.add(event.event_id, "1", await add_racer(house, colour, colour=colour), "test")
    return await prepare(house, entry.queue_id, car_id, None, "test")


async def test_the_light_is_the_racers_and_at_the_end_white_and_the_car_stops(
    told: Told, house: House, event: Event
) -> None:
    car = await enrol(house)
    race = await ready(house, event, car.car_id)
    await told.until(("Blue 1", *MARIGOLD))
    race = await act(house, race, Kind.START)
    await act(house, race, Kind.END)
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))


async def test_another_car_in_mid_race_takes_the_colour(told: Told, house: House, event: Event) -> None:
    race = await ready(house, event, None, "red")
    car = await enrol(house)
    await act(house, race, Kind.SET_CAR, car_id=car.car_id)
    await told.until(("Blue 1", *RED))


async def test_a_car_named_after_its_race_keeps_its_light(told: Told, house: House, event: Event) -> None:
    race = await act(house, await ready(house, event, None), Kind.END)
    car = await enrol(house)
    await act(house, race, Kind.SET_CAR, car_id=car.car_id, laps_so_far=True)
    await act(house, race, Kind.SUBMIT)
    await act(house, race, Kind.SET_CAR, car_id=car.car_id, laps_so_far=True)
    other = await house.people.register(NewRacer(username="Ada", colour="red"), "test")
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=other.person_id, car_id=car.car_id)
    await house.control.create(new, "test")
    await told.until(("Blue 1", *RED))


@pytest.mark.parametrize("car_id", [None, "sticker-7"])
async def test_a_race_without_a_car_of_this_box_asks_nobody(
    told: Told, house: House, event: Event, car_id: str | None
) -> None:
    await enrol(house)
    race = await ready(house, event, car_id)
    race = await act(house, race, Kind.START)
    await act(house, race, Kind.END)
    assert told.asked == []


async def test_a_car_that_is_away_holds_up_nothing_and_is_told_to_stop(told: Told, house: House, event: Event) -> None:
    car = await enrol(house)
    await house.cars.missed(car.car_id)
    race = await ready(house, event, car.car_id)
    race = await act(house, race, Kind.START)
    assert (await act(house, race, Kind.END)).state == "over"
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))


@pytest.mark.parametrize("before", [(), (Kind.START, Kind.PAUSE)])
async def test_a_discarded_race_lets_its_car_go(
    told: Told, house: House, event: Event, before: tuple[Kind, ...]
) -> None:
    race = await ready(house, event, (await enrol(house)).car_id)
    await told.until(("Blue 1", *MARIGOLD))
    for kind in (*before, Kind.DISCARD):
        race = await act(house, race, kind)
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))


@pytest.mark.parametrize("before", [(), (Kind.START,), (Kind.START, Kind.PAUSE)])
async def test_the_car_that_is_swapped_out_stops_and_turns_white(
    told: Told, house: House, event: Event, before: tuple[Kind, ...]
) -> None:
    one, other = await enrol(house), await enrol(house, "Blue 2")
    race = await ready(house, event, one.car_id)
    await told.until(("Blue 1", *MARIGOLD))
    for kind in before:
        race = await act(house, race, kind)
    await act(house, race, Kind.SET_CAR, car_id=other.car_id)
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE), ("Blue 2", *MARIGOLD))
    await act(house, race, Kind.SET_CAR, car_id=None)
    await told.until(("Blue 2", *STOP), ("Blue 2", *WHITE))


async def test_what_is_mended_after_the_end_asks_no_car(told: Told, house: House, event: Event) -> None:
    one, other = await enrol(house), await enrol(house, "Blue 2")
    race = await ready(house, event, one.car_id)
    await told.until(("Blue 1", *MARIGOLD))
    await act(house, race, Kind.END)
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))
    await act(house, race, Kind.SET_CAR, car_id=other.car_id, laps_so_far=True)
    await act(house, race, Kind.DELETE_RACE)
    await act(house, race, Kind.RESTORE_RACE)
    await act(house, race, Kind.SET_CAR, car_id=one.car_id)
    await act(house, race, Kind.DISCARD)
    await ready(house, event, other.car_id, "red")
    await told.until(("Blue 2", *RED))


async def test_a_car_named_after_the_end_keeps_the_light_it_is_prepared_with(
    told: Told, house: House, event: Event
) -> None:
    one, other = await enrol(house), await enrol(house, "Blue 2")
    race = await ready(house, event, one.car_id)
    await told.until(("Blue 1", *MARIGOLD))
    await prepared(house, event, other.car_id, "red")
    await told.until(("Blue 2", *RED))
    race = await act(house, race, Kind.END)
    await act(house, race, Kind.SET_CAR, car_id=other.car_id, laps_so_far=True)
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))
    await prepared(house, event, one.car_id, "lime")
    await act(house, race, Kind.DELETE_RACE)
    await told.until(("Blue 1", *LIME))


async def test_a_race_that_is_not_over_after_all_has_its_light_again(told: Told, house: House, event: Event) -> None:
    race = await ready(house, event, (await enrol(house)).car_id)
    await told.until(("Blue 1", *MARIGOLD))
    await act(house, race, Kind.END)
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))
    await act(house, race, Kind.CANCEL_END)
    await told.until(("Blue 1", *MARIGOLD))


async def test_another_racer_is_another_colour(told: Told, house: House, event: Event) -> None:
    race = await ready(house, event, (await enrol(house)).car_id)
    await told.until(("Blue 1", *MARIGOLD))
    await act(house, race, Kind.SET_RACER, racer_id=await add_racer(house, "Ada", colour="lime"))
    await told.until(("Blue 1", *LIME))


async def test_a_car_that_drives_in_another_race_is_left_alone(told: Told, house: House, event: Event) -> None:
    car = await enrol(house)
    await act(house, await ready(house, event, car.car_id, "red"), Kind.START)
    await told.until(("Blue 1", *RED))
    wrong = await ready(house, event, car.car_id, "lime", track_id="2")
    await told.until(("Blue 1", *RED))
    await act(house, wrong, Kind.SET_CAR, car_id=(await enrol(house, "Blue 2")).car_id)
    await told.until(("Blue 2", *LIME))


async def test_a_race_from_before_a_restart_lets_its_car_go(told: Told, tmp_path: Path) -> None:
    settings = load(tmp_path, environment={})
    async with opened_house(settings, settings.recorder_socket) as house:
        event = await house.events.create(NewEvent(name="Rehearsal"), "test")
        race = await ready(house, event, (await enrol(house)).car_id)
        await told.until(("Blue 1", *MARIGOLD))
    async with opened_house(settings, settings.recorder_socket) as house:
        await act(house, race, Kind.DISCARD)
        await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))


async def test_a_prepared_car_is_lit_for_the_first_in_line_and_white_for_nobody(
    told: Told, house: House, event: Event
) -> None:
    car = await enrol(house)
    red = await prepared(house, event, car.car_id, "red")
    await told.until(("Blue 1", *RED))
    lime = await prepared(house, event, car.car_id, "lime")
    await prepared(house, event, (await enrol(house, "Blue 2")).car_id, "marigold")
    await told.until(("Blue 2", *MARIGOLD))
    await house.queue.move(lime.queue_id, 1, "test")
    await told.until(("Blue 1", *LIME))
    await prepare(house, lime.queue_id, None, None, "test")
    await told.until(("Blue 1", *RED))
    await house.queue.no_show(red.queue_id, "test")
    await told.until(("Blue 1", *WHITE))


async def test_a_car_turns_to_the_next_racer_once_the_race_before_is_handed_in(
    told: Told, house: House, event: Event
) -> None:
    car = await enrol(house)
    race = await ready(house, event, car.car_id)
    await told.until(("Blue 1", *MARIGOLD))
    await prepared(house, event, car.car_id, "red")
    await act(house, race, Kind.END)
    await told.until(("Blue 1", *STOP), ("Blue 1", *WHITE))
    await act(house, race, Kind.SUBMIT)
    await told.until(("Blue 1", *RED))


async def test_a_car_that_was_away_gets_its_light_when_it_is_found(told: Told, house: House, event: Event) -> None:
    car = await enrol(house)
    await house.cars.missed(car.car_id)
    await prepared(house, event, car.car_id, "red")
    await house.cars.seen(car.car_id)
    await told.until(("Blue 1", *RED))
