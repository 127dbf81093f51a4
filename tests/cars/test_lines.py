"""Commands to real stand-in cars, over lines that are kept open: answered by the car, whatever becomes of the line."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import pytest

from cars.car_structs import Car as EnrolledCar
from cars.command_structs import CommandState, CommandView, NewCommand, Verb
from cars.commands import Commands
from cars.enrolment import enrol
from cars.lights import Light
from cars.lines import Lines
from tests.cars.garage import Garage, garage_in
from tests.cars.hall import Car, Hall, needs_hall
from tests.cars.test_enrolment import order_for

pytestmark = needs_hall
PATIENCE_S = 60
HELPER = "/usr/local/sbin/trackside-car"
FIRST = "/tmp/first-call"
WHAT_TO_LOAD = {Verb.LOAD_MODEL: {"folder": "Sample_single_cam"}}


@dataclass
class Crew:
    """One paired car of a hall, and the box's way to it."""

    car: Car
    garage: Garage
    lines: Lines
    commands: Commands

    @property
    def enrolled(self) -> EnrolledCar:
        return self.garage.cars.all()[0]

    async def ask(self, verb: Verb, **fields: object) -> CommandView:
        """Ask the car, and wait for its answer."""
        command = NewCommand(verb=verb, car_ids=[self.enrolled.car_id], **fields)  # type: ignore[arg-type]
        asked = await self.commands.ask(command, "ann")
        async with asyncio.timeout(PATIENCE_S):
            return (await self.commands.settled(asked[0].command_id))[0]


async def until_asked(crew: Crew, count: int) -> None:
    """Wait until so many commands are on their way to the car or answered."""
    async with asyncio.timeout(PATIENCE_S):
        while len(await crew.commands.of_car(crew.enrolled.car_id)) < count:  # noqa: ASYNC110  no fact says it
            await asyncio.sleep(0.01)


def first_call(car: Car, does: str) -> None:
    """From now on the first call of the helper does this instead; the others are as before."""
    car.path(HELPER).rename(car.path(f"{HELPER}.real"))
    car.path(HELPER).write_text(f'#!/bin/sh\nmkdir {FIRST} 2>/dev/null && {does}\nexec {HELPER}.real "$@"\n')
    car.path(HELPER).chmod(0o755)


@pytest.fixture
async def crew(tmp_path: Path) -> AsyncIterator[Crew]:
    async with Hall() as hall, garage_in(tmp_path) as garage:
        car = await hall.car("community_20")
        found = await enrol(order_for(car, tmp_path), lambda _: None)
        lines = Lines(garage.facts, garage.cars, tmp_path)
        commands = Commands(garage.db, garage.facts, garage.cars, garage.fleets, lines)
        lines.start()
        await garage.cars.add_enrolled(
            serial=found.serial,
            name="Blue 1",
            platform=found.platform,
            username=found.username,
            host_key=found.host_key,
            address=car.address,
            actor="test",
        )
        try:
            yield Crew(car, garage, lines, commands)
        finally:
            await commands.stop()
            await lines.stop()


async def test_what_the_crew_asks_happens_on_the_car_and_its_answer_is_the_cars(crew: Crew) -> None:
    lit = await crew.ask(Verb.LIGHT, light=Light.MARIGOLD)
    assert (lit.state, lit.answer) == (CommandState.DONE, "Its software took the colour.")
    assert await crew.car.get("light") == [9999825, 5097950, 0]
    assert (await crew.ask(Verb.BATTERY)).answer in {f"The drive pack is at {level} of 10." for level in range(4, 11)}
    await crew.car.set("is_driving", True)
    stopped = await crew.ask(Verb.STOP)
    assert stopped.answer == "Its software took the stop."
    assert await crew.car.get("is_driving") is False
    assert " free of " in ((await crew.ask(Verb.DISK)).answer or "")


async def test_a_car_that_went_down_has_done_what_it_was_told(crew: Crew) -> None:
    down = await crew.ask(Verb.REBOOT)
    assert (down.state, down.answer) == (CommandState.DONE, "It took the reboot: it is away for a minute or two.")


async def test_a_line_that_breaks_before_the_car_has_answered_is_no_success(crew: Crew) -> None:
    assert (await crew.ask(Verb.BATTERY)).state is CommandState.DONE
    # The helper ends the line it came over, before it has done or said anything: as the Wi-Fi does.
    crew.car.path(HELPER).write_text("#!/bin/sh\nexec pkill -KILL -f 'sshd: deepracer'\n")
    down = await crew.ask(Verb.REBOOT)
    assert (down.state, down.answer, down.remedy) == (
        CommandState.FAILED,
        "The line to Blue 1 broke before it answered.",
        "Look whether it goes down. If it does not, ask again.",
    )
    assert await crew.car.get("is_off") is False


async def test_a_line_that_was_cut_is_made_anew(crew: Crew) -> None:
    assert (await crew.ask(Verb.BATTERY)).state is CommandState.DONE
    await crew.car.run("pkill -KILL -f 'sshd: deepracer'")
    assert (await crew.ask(Verb.BATTERY)).state is CommandState.DONE


async def cut_by_the_car(crew: Crew, asking: Coroutine[object, object, CommandView]) -> CommandView:
    first_call(crew.car, "exec pkill -KILL -f 'sshd: deepracer'")
    return await asking


async def lost_with_the_worker(crew: Crew, asking: Coroutine[object, object, CommandView]) -> CommandView:
    first_call(crew.car, "sleep 600")
    asked = asyncio.create_task(asking)
    async with asyncio.timeout(PATIENCE_S):
        while not crew.car.path(FIRST).exists():  # noqa: ASYNC110  no fact says it
            await asyncio.sleep(0.01)
    assert crew.lines.worker.pid is not None
    os.kill(crew.lines.worker.pid, signal.SIGKILL)
    return await asked


@pytest.mark.parametrize("broken", [cut_by_the_car, lost_with_the_worker])
@pytest.mark.parametrize(("verb", "state"), [(Verb.STOP, CommandState.DONE), (Verb.LOAD_MODEL, CommandState.FAILED)])
async def test_a_stop_whose_line_breaks_under_it_is_asked_once_more(
    crew: Crew,
    broken: Callable[[Crew, Coroutine[object, object, CommandView]], Awaitable[CommandView]],
    verb: Verb,
    state: CommandState,
) -> None:
    await crew.car.set("is_driving", True)
    asked = await broken(crew, crew.ask(verb, **WHAT_TO_LOAD.get(verb, {})))
    assert asked.state is state, asked
    assert await crew.car.get("is_driving") is (verb is not Verb.STOP)


async def test_a_car_that_is_away_is_said_to_be_away(crew: Crew) -> None:
    assert (await crew.ask(Verb.BATTERY)).state is CommandState.DONE
    await crew.car.end()
    gone = await crew.ask(Verb.STOP)
    assert gone.state is CommandState.FAILED
    assert gone.remedy


async def test_a_car_that_is_taken_for_away_meanwhile_answers_all_that_it_was_asked(crew: Crew) -> None:
    assert (await crew.ask(Verb.BATTERY)).state is CommandState.DONE
    await crew.car.run("pkill -STOP -o -x sshd")  # whoever connects waits
    await crew.car.run("pkill -KILL -f 'sshd: deepracer'")
    asked = [asyncio.create_task(crew.ask(verb)) for verb in (Verb.BATTERY, Verb.STOP)]
    await until_asked(crew, 3)
    await crew.garage.cars.missed(crew.enrolled.car_id)
    assert not crew.enrolled.is_online, "no line is to be kept to it"
    await crew.car.run("pkill -CONT -o -x sshd")
    assert [one.state for one in await asyncio.gather(*asked)] == [CommandState.DONE] * 2


async def test_a_worker_that_is_killed_is_started_again(crew: Crew) -> None:
    assert (await crew.ask(Verb.BATTERY)).state is CommandState.DONE
    pid = crew.lines.worker.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert (await crew.ask(Verb.BATTERY)).state is CommandState.DONE
    assert crew.lines.worker.pid not in (None, pid)
