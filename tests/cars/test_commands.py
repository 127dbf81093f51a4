"""Commands: asked at once, written down, answered by the car and by nobody else, and never twice."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import pytest

from appliance.errors import InvalidInput, NotReady
from cars.car_history import CarNote
from cars.car_structs import Car
from cars.command_rules import Ask
from cars.command_structs import CommandState, NewCommand, Verb
from cars.commands import Commands
from cars.fleet_structs import NewFleet
from cars.lights import Light
from tests.cars.garage import Garage


@dataclass
class Hall:
    """Answers for the cars: by name what each says, or that it says nothing until it is let."""

    says: dict[str, Mapping[str, object] | Exception] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    silent: asyncio.Event | None = None
    three_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, car: Car, ask: Ask) -> Mapping[str, object]:
        self.asked.append((car.name, ask.verb))
        if len(self.asked) == 3:
            self.three_asked.set()
        if self.silent is not None:
            await self.silent.wait()
        answer = self.says.get(car.name, {})
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def hall() -> Hall:
    return Hall()


@pytest.fixture
async def commands(garage: Garage, hall: Hall) -> AsyncIterator[Commands]:
    commands = Commands(garage.db, garage.facts, garage.cars, garage.fleets, hall)
    await commands.load()
    yield commands
    await commands.stop()


async def test_one_car_says_no_and_the_others_never_notice(commands: Commands, garage: Garage, hall: Hall) -> None:
    hall.says["Blue 2"] = NotReady("Blue 2 does not answer.", "Look at its battery.")
    hall.says["Blue 3"] = ValueError("a fault of ours")
    asked = await commands.ask(NewCommand(verb=Verb.STOP, car_ids=garage.ids), "ann")
    ended = {view.car_id: view for view in await commands.settled(asked[0].command_id)}
    assert [ended[car_id].state for car_id in garage.ids] == ["done", "failed", "failed"]
    assert [ended[car_id].answer for car_id in garage.ids] == [
        "Its software took the stop.",
        "Blue 2 does not answer.",
        "It failed in the box.",
    ]
    assert ended[garage.ids[1]].remedy == "Look at its battery."


async def test_a_restart_after_which_the_software_is_not_up_has_failed(
    commands: Commands, garage: Garage, hall: Hall
) -> None:
    hall.says["Blue 1"] = {"is_stopped": True, "state": "failed"}
    asked = await commands.ask(NewCommand(verb=Verb.RESTART_CORE, car_ids=garage.ids[:1]), "ann")
    (ended,) = await commands.settled(asked[0].command_id)
    assert (ended.state, ended.answer, ended.remedy) == (
        CommandState.FAILED,
        "Stopped, then restarted, but its software is not up: failed.",
        "Wait half a minute, then restart it again; if it stays so, reboot it.",
    )
    (line,) = await garage.cars.history(garage.ids[0], limit=1)
    assert line.details == f"Restart its software: {ended.answer}"


async def test_all_cars_are_asked_at_once(commands: Commands, garage: Garage, hall: Hall) -> None:
    hall.silent = asyncio.Event()
    asked = await commands.ask(NewCommand(verb=Verb.BATTERY, car_ids=garage.ids), "ann")
    await hall.three_asked.wait()
    assert [view.state for view in asked] == [CommandState.ASKED] * 3
    assert [len(commands.open(car_id)) for car_id in garage.ids] == [1, 1, 1]
    hall.silent.set()
    await commands.settled(asked[0].command_id)
    assert commands.open(garage.ids[0]) == []


async def test_the_same_command_again_asks_nobody_twice(commands: Commands, garage: Garage, hall: Hall) -> None:
    command = NewCommand(verb=Verb.REBOOT, command_id="press-0001", car_ids=garage.ids[:1])
    await commands.ask(command, "ann")
    ended = await commands.settled("press-0001")
    assert await commands.ask(command, "ann") == ended
    assert hall.asked == [("Blue 1", "reboot")]


async def test_a_fleet_is_all_its_cars_each_once(commands: Commands, garage: Garage, hall: Hall) -> None:
    fleet = await garage.fleets.add(NewFleet(name="Left"))
    await garage.fleets.set_cars(fleet.fleet_id, garage.ids[:2])
    wanted = NewCommand(verb=Verb.STOP, car_ids=[garage.ids[1], garage.ids[1]], fleet_id=fleet.fleet_id)
    asked = await commands.ask(wanted, "ann")
    await commands.settled(asked[0].command_id)
    assert sorted(hall.asked) == [("Blue 1", "stop"), ("Blue 2", "stop")]


@pytest.mark.parametrize("wanted", [{"car_ids": ["nobody"]}, {"fleet_id": "none"}])
async def test_an_unknown_car_or_fleet_asks_nobody(
    commands: Commands, garage: Garage, hall: Hall, wanted: dict[str, object]
) -> None:
    fields = {"car_ids": garage.ids} | wanted
    if "car_ids" in wanted:
        fields["car_ids"] = [*garage.ids, "nobody"]
    with pytest.raises(InvalidInput) as refused:
        await commands.ask(NewCommand(verb=Verb.STOP, **fields), "ann")  # type: ignore[arg-type]
    assert (refused.value.field, hall.asked) == (next(iter(wanted)), [])


async def test_no_car_at_all_is_refused(commands: Commands) -> None:
    with pytest.raises(InvalidInput, match="No car is chosen"):
        await commands.ask(NewCommand(verb=Verb.STOP), "ann")


async def test_light_and_history_follow_the_cars_answer(commands: Commands, garage: Garage, hall: Hall) -> None:
    hall.says["Blue 2"] = NotReady("Blue 2 does not answer.", "Look at its battery.")
    asked = await commands.ask(NewCommand(verb=Verb.LIGHT, light=Light.RED, car_ids=garage.ids[:2]), "ann")
    await commands.settled(asked[0].command_id)
    assert [garage.cars.get(car_id).light for car_id in garage.ids[:2]] == ["red", None]
    lit, not_lit = [(await garage.cars.history(car_id, limit=1))[0] for car_id in garage.ids[:2]]
    assert (lit.kind, lit.details, lit.actor) == (CarNote.COMMAND, "Light red: Its software took the colour.", "ann")
    assert not_lit.details == "Light red: Blue 2 does not answer."


async def test_a_car_has_its_time_and_no_more(
    commands: Commands, garage: Garage, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall.silent = asyncio.Event()
    monkeypatch.setattr("cars.commands.asks_of", lambda *_: Ask(verb="stop", within_s=0.01))
    asked = await commands.ask(NewCommand(verb=Verb.STOP, car_ids=garage.ids[:1]), "ann")
    (ended,) = await commands.settled(asked[0].command_id)
    assert (ended.state, ended.answer) == (CommandState.FAILED, "Blue 1 did not answer within 0 s.")


async def test_what_was_asked_when_the_box_went_down_was_never_answered(garage: Garage, hall: Hall) -> None:
    hall.silent = asyncio.Event()
    before = Commands(garage.db, garage.facts, garage.cars, garage.fleets, hall)
    asked = await before.ask(NewCommand(verb=Verb.STOP, car_ids=garage.ids[:1]), "ann")
    await before.stop()
    after = Commands(garage.db, garage.facts, garage.cars, garage.fleets, hall)
    await after.load()
    (view,) = await after.of(asked[0].command_id)
    assert (view.state, view.answer) == (CommandState.FAILED, "The box went down before the car answered.")


async def test_a_stop_goes_out_though_the_disk_is_full(
    commands: Commands, garage: Garage, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> None:
        raise NotReady("The disk is full.", "Free some space.")

    monkeypatch.setattr(garage.db, "write", full)
    asked = await commands.ask(NewCommand(verb=Verb.STOP, car_ids=garage.ids), "ann")
    await hall.three_asked.wait()
    with pytest.raises(NotReady):
        await commands.ask(NewCommand(verb=Verb.REBOOT, car_ids=garage.ids), "ann")
    assert len(hall.asked) == 3
    assert len(asked) == 3
