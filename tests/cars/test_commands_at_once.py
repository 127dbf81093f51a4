"""One command that comes twice at once, and a stop whose box has no disk to wait for."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from appliance.database import Database
from appliance.errors import NotReady
from cars.car_structs import Car
from cars.command_rules import Ask
from cars.command_structs import CommandState, CommandView, NewCommand, Verb
from cars.commands import Commands
from cars.latest_stops import KEPT, LatestStops
from cars.lights import Light
from tests.cars.garage import Garage


@dataclass
class Street:
    """Answers for the cars once it is let; who was asked what."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    any_asked: asyncio.Event = field(default_factory=asyncio.Event)
    let: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, car: Car, ask: Ask) -> Mapping[str, object]:
        self.asked.append((car.name, ask.verb))
        self.any_asked.set()
        await self.let.wait()
        return {}


class HungDisk:
    """Makes a database answer nothing until it is let; `two_wait` once two jobs wait to be written."""

    def __init__(self, patch: pytest.MonkeyPatch, db: Database) -> None:
        self.let, self.two_wait = asyncio.Event(), asyncio.Event()
        self.jobs = 0
        write, fetch_all = db.write, db.fetch_all

        async def slow_write(job: object) -> object:
            self.jobs += 1
            if self.jobs == 2:
                self.two_wait.set()
            await self.let.wait()
            return await write(job)  # type: ignore[arg-type]

        async def slow_fetch(*query: object) -> object:
            await self.let.wait()
            return await fetch_all(*query)  # type: ignore[arg-type]

        patch.setattr(db, "write", slow_write)
        patch.setattr(db, "fetch_all", slow_fetch)


@pytest.fixture
def street() -> Street:
    return Street()


@pytest.fixture
async def commands(garage: Garage, street: Street) -> AsyncIterator[Commands]:
    commands = Commands(garage.db, garage.facts, garage.cars, garage.fleets, street)
    await commands.load()
    yield commands
    await commands.stop()


@pytest.mark.parametrize("verb", [Verb.REBOOT, Verb.STOP])
async def test_twice_at_once_is_asked_once_and_both_are_told_the_same(
    commands: Commands, garage: Garage, street: Street, verb: Verb
) -> None:
    command = NewCommand(verb=verb, command_id="press-0001", car_ids=garage.ids[:1])
    first, second = await asyncio.gather(commands.ask(command, "ann"), commands.ask(command, "ann"))
    await street.any_asked.wait()
    street.let.set()
    (ended,) = await commands.settled("press-0001")
    assert street.asked == [("Blue 1", verb.value)]
    assert first == second
    assert first[0].state is CommandState.ASKED
    assert ended.state is CommandState.DONE
    assert await commands.of_car(garage.ids[0]) == [ended]
    assert commands.open(garage.ids[0]) == []


async def test_a_light_waits_for_the_one_before_and_a_stop_for_neither(
    commands: Commands, garage: Garage, street: Street
) -> None:
    car_ids = garage.ids[:1]
    await commands.ask(NewCommand(verb=Verb.LIGHT, light=Light.RED, car_ids=car_ids), "ann")
    (second,) = await commands.ask(NewCommand(verb=Verb.LIGHT, light=Light.WHITE, car_ids=car_ids), "ann")
    await commands.ask(NewCommand(verb=Verb.STOP, car_ids=car_ids), "ann")
    while ("Blue 1", "stop") not in street.asked:
        street.any_asked.clear()
        await street.any_asked.wait()
    assert street.asked == [("Blue 1", "light"), ("Blue 1", "stop")]
    street.let.set()
    await commands.settled(second.command_id)
    assert street.asked[2:] == [("Blue 1", "light")]
    assert garage.cars.get(car_ids[0]).light == "white"


async def test_both_are_told_when_it_cannot_be_written_down(
    commands: Commands, garage: Garage, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise NotReady("The disk is full.", "Free some space.")

    command = NewCommand(verb=Verb.REBOOT, command_id="press-0001", car_ids=garage.ids[:1])
    with monkeypatch.context() as patch:
        patch.setattr(garage.db, "write", full)
        told = await asyncio.gather(commands.ask(command, "ann"), commands.ask(command, "ann"), return_exceptions=True)
    assert [str(one) for one in told] == ["The disk is full. Free some space."] * 2
    assert street.asked == []
    await commands.ask(command, "ann")
    await street.any_asked.wait()


async def test_one_who_gives_up_takes_nothing_from_the_other(
    commands: Commands, garage: Garage, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = NewCommand(verb=Verb.REBOOT, command_id="press-0001", car_ids=garage.ids[:1])
    with monkeypatch.context() as patch:
        disk = HungDisk(patch, garage.db)
        first = asyncio.create_task(commands.ask(command, "ann"))
        second = asyncio.create_task(commands.ask(command, "ann"))
        await asyncio.wait([first], timeout=0)
        first.cancel()
        disk.let.set()
        (view,) = await second
    assert first.cancelled()
    assert view.state is CommandState.ASKED
    await street.any_asked.wait()


async def test_a_stop_waits_for_no_disk_and_is_found_again_without_one(
    commands: Commands, garage: Garage, street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cars.commands.STORED_WITHIN_S", 0)
    street.let.set()
    command = NewCommand(verb=Verb.STOP, command_id="stop-0001", car_ids=garage.ids[:1])
    with monkeypatch.context() as patch:
        disk = HungDisk(patch, garage.db)
        (asked,) = await commands.ask(command, "ann")
        await disk.two_wait.wait()
        assert street.asked == [("Blue 1", "stop")]
        assert asked.state is CommandState.ASKED
        (again,) = await commands.ask(command, "ann")
        assert again.state is CommandState.DONE
        assert await commands.of("stop-0001") == [again]
        assert street.asked == [("Blue 1", "stop")]
        disk.let.set()
        await commands.settled("stop-0001")
    assert await commands.of_car(garage.ids[0]) == [again]


async def test_a_stop_that_comes_again_after_a_restart_is_asked_once_more(garage: Garage, street: Street) -> None:
    command = NewCommand(verb=Verb.STOP, command_id="stop-0001", car_ids=garage.ids[:1])
    before = Commands(garage.db, garage.facts, garage.cars, garage.fleets, street)
    await before.ask(command, "ann")
    await before.stop()
    after = Commands(garage.db, garage.facts, garage.cars, garage.fleets, street)
    await after.load()
    (lost,) = await after.of("stop-0001")
    assert lost.answer == "The box went down before the car answered."
    street.let.set()
    await after.ask(command, "ann")
    (ended,) = await after.settled("stop-0001")
    assert street.asked == [("Blue 1", "stop")] * 2
    assert await after.of_car(garage.ids[0]) == [ended]
    assert ended.state is CommandState.DONE


def test_of_many_stops_the_oldest_is_forgotten() -> None:
    stops = LatestStops()
    for number in range(KEPT + 1):
        stops.begun([_view(f"stop-{number:04d}")])
    assert stops.of("stop-0000") == []
    assert [view.command_id for view in stops.of("stop-0001")] == ["stop-0001"]


def _view(command_id: str) -> CommandView:
    return CommandView(
        command_id=command_id, car_id="car", verb=Verb.STOP, words="Stop", actor="ann", asked_at="",
        state=CommandState.ASKED,
    )  # fmt: skip
