"""The cars follow the races: lit for the racer, white and stopped at the end; no race waits for a car."""

import asyncio
from collections.abc import Mapping

import pytest

from appliance.people import NewRacer
from cars.car_structs import Car, Platform
from cars.command_rules import Ask
from cars.lines import Lines
from tests.web.racing_day import act
from timing.journal import Kind
from timing.structs import Event, NewRace, RaceView
from web.house import House

PATIENCE_S = 20


class Told:
    """What the cars are asked, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.changed = asyncio.Event()

    async def until(self, *asked: tuple[str, ...]) -> None:
        """Wait until exactly these were asked, in whatever order."""
        async with asyncio.timeout(PATIENCE_S):
            while sorted(self.asked) != sorted(asked):
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """The way to the cars, cut short: what matters here is who is asked what."""
    told = Told()

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        told.asked.append((car.name, ask.verb, *ask.arguments))
        told.changed.set()
        return {}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return told


async def enrol(house: House, name: str = "Blue 1") -> Car:
    return await house.cars.add_enrolled(
        serial="AMSS-0001",
        name=name,
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key="ssh-ed25519 1",
        address="10.9.8.1",
        actor="test",
    )


async def ready(house: House, event: Event, car_id: str | None, colour: str = "marigold") -> RaceView:
    racer = await house.people.register(NewRacer(username="Jörg", colour=colour), "test")  # type: ignore[arg-type]
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=racer.person_id, car_id=car_id)
    return await house.control.create(new, "test")


async def test_the_light_is_the_racers_and_at_the_end_white_and_the_car_stops(
    told: Told, house: House, event: Event
) -> None:
    car = await enrol(house)
    race = await ready(house, event, car.car_id)
    await told.until(("Blue 1", "light", "255", "130", "0"))
    told.asked.clear()
    race = await act(house, race, Kind.START)
    await act(house, race, Kind.END)
    await told.until(("Blue 1", "stop"), ("Blue 1", "light", "255", "255", "255"))


async def test_another_car_in_mid_race_takes_the_colour(told: Told, house: House, event: Event) -> None:
    race = await ready(house, event, None, "red")
    car = await enrol(house)
    await act(house, race, Kind.SET_CAR, car_id=car.car_id)
    await told.until(("Blue 1", "light", "255", "0", "0"))


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
    await told.until(("Blue 1", "stop"), ("Blue 1", "light", "255", "255", "255"))
