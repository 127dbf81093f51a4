"""The clocks of cars, kept right by the box: who is set, who is left alone, and what is written down of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from appliance.clock import wall_ns
from appliance.errors import NotReady
from cars.car_history import CarNote
from cars.car_structs import Car
from cars.clock_rules import LIMIT_NS, SECOND_NS, off_in_words, off_ns
from cars.clocks import AGAIN_NS, AT_ONCE, EVERY_NS, Clocks
from cars.command_rules import Ask
from cars.command_structs import NewCommand, Verb
from cars.commands import Commands
from tests.cars.garage import Garage, enrol_all, garage_in

PATIENCE_S = 60
DAY_NS = 86_400 * SECOND_NS


@dataclass
class Hall:
    """Cars with clocks: by name how far each is off, and whether it keeps what it is set to."""

    off: dict[str, int] = field(default_factory=dict)
    deaf: set[str] = field(default_factory=set)
    stubborn: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    silent: asyncio.Event | None = None
    asked_now: int = 0
    most_at_once: int = 0
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def call(self, car: Car, ask: Ask) -> Mapping[str, object]:
        self.asked.append((car.name, ask.verb))
        self.asked_now += 1
        self.most_at_once = max(self.most_at_once, self.asked_now)
        async with self.news:
            self.news.notify_all()
        try:
            if self.silent is not None and ask.verb == "facts":
                await self.silent.wait()
            return self.answer(car, ask)
        finally:
            self.asked_now -= 1

    def answer(self, car: Car, ask: Ask) -> Mapping[str, object]:
        if car.name in self.deaf:
            raise NotReady(f"{car.name} does not answer.", "Look at its battery.")
        if ask.verb == "facts":
            return {"now_ns": wall_ns() + self.off.get(car.name, 0)}
        if ask.verb == "set-time" and not self.stubborn:
            self.off[car.name] = int(ask.arguments[0]) - wall_ns()
        return {"is_step": True}

    async def until(self, count: int) -> None:
        """Wait until so many questions have been asked."""
        async with asyncio.timeout(PATIENCE_S), self.news:
            await self.news.wait_for(lambda: len(self.asked) >= count)


@dataclass
class Crew:
    garage: Garage
    hall: Hall
    clocks: Clocks
    racing: set[str]
    now_ns: list[int]

    async def found(self, *names: str) -> None:
        """They answer, after they were away."""
        for car in self.garage.cars.all():
            if car.name in names:
                await self.garage.cars.missed(car.car_id)
                await self.garage.cars.seen(car.car_id)

    async def later(self, by_ns: int) -> None:
        """So much time goes by, for the clocks' turn."""
        await self.settled()
        self.now_ns[0] += by_ns
        self.clocks._wake.set()

    async def settled(self) -> None:
        """Wait until no car is being looked at."""
        async with asyncio.timeout(PATIENCE_S):
            while self.clocks._busy or self.clocks._wake.is_set():  # noqa: ASYNC110  the loop goes on, no time does
                await asyncio.sleep(0)

    async def told(self, name: str) -> list[str]:
        """What the car's history has of its clock."""
        car = next(car for car in self.garage.cars.all() if car.name == name)
        lines = await self.garage.cars.history(car.car_id)
        assert {line.actor for line in lines if line.kind is CarNote.COMMAND} <= {"box"}
        return [line.details for line in lines if line.kind is CarNote.COMMAND]


@pytest.fixture
async def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Crew]:
    now_ns = [1_000 * SECOND_NS]
    monkeypatch.setattr("cars.clocks.mono_ns", lambda: now_ns[0])
    racing: set[str] = set()
    async with garage_in(tmp_path) as garage:
        await enrol_all(garage)
        hall = Hall()
        clocks = Clocks(garage.facts, garage.cars, hall, racing.__contains__)
        task = asyncio.create_task(clocks.run())
        yield Crew(garage, hall, clocks, racing, now_ns)
        task.cancel()
        await asyncio.wait([task])


async def test_a_car_that_comes_with_an_old_clock_is_set_and_read_back(crew: Crew) -> None:
    crew.hall.off["Blue 1"] = -DAY_NS
    await crew.found("Blue 1")
    await crew.hall.until(3)
    await crew.settled()
    assert crew.hall.asked == [("Blue 1", "facts"), ("Blue 1", "set-time"), ("Blue 1", "facts")]
    assert abs(crew.hall.off["Blue 1"]) < LIMIT_NS
    assert await crew.told("Blue 1") == ["Its clock was 24 hours behind and is set."]
    assert crew.garage.cars.readings.of(crew.garage.ids[0]).clock_set_at is not None


@pytest.mark.parametrize("off_by_ns", [0, LIMIT_NS // 2, -LIMIT_NS // 2])
async def test_a_clock_that_is_right_is_left_alone_and_not_spoken_of(crew: Crew, off_by_ns: int) -> None:
    crew.hall.off["Blue 1"] = off_by_ns
    await crew.found("Blue 1")
    await crew.hall.until(1)
    await crew.settled()
    assert crew.hall.asked == [("Blue 1", "facts")]
    assert await crew.told("Blue 1") == []


async def test_it_is_looked_at_again_every_hour_while_the_car_is_there(crew: Crew) -> None:
    await crew.found("Blue 1", "Blue 2")
    await crew.hall.until(2)
    await crew.settled()
    for car_id in crew.garage.ids[1:]:
        await crew.garage.cars.missed(car_id)
    crew.hall.off["Blue 1"] = 5 * SECOND_NS
    await crew.later(EVERY_NS - 1)
    await crew.settled()
    assert len(crew.hall.asked) == 2
    await crew.later(1)
    await crew.hall.until(5)
    await crew.settled()
    assert crew.hall.asked[2:] == [("Blue 1", "facts"), ("Blue 1", "set-time"), ("Blue 1", "facts")]
    assert await crew.told("Blue 1") == ["Its clock was 5 seconds ahead and is set."]


async def test_a_car_in_a_race_is_set_when_the_race_is_handed_in(crew: Crew) -> None:
    crew.hall.off["Blue 1"] = -DAY_NS
    crew.racing.add(crew.garage.ids[0])
    await crew.found("Blue 1")
    await crew.hall.until(1)
    await crew.later(AGAIN_NS)
    await crew.hall.until(2)
    await crew.settled()
    assert {verb for _, verb in crew.hall.asked} == {"facts"}
    crew.racing.clear()
    await crew.later(AGAIN_NS)
    await crew.hall.until(5)
    await crew.settled()
    assert await crew.told("Blue 1") == ["Its clock was 24 hours behind and is set."]


async def test_a_car_that_does_not_answer_is_asked_again_and_holds_nobody_up(crew: Crew) -> None:
    crew.hall.deaf = {"Blue 1"}
    crew.hall.off = {"Blue 1": -DAY_NS, "Blue 2": -DAY_NS}
    await crew.found("Blue 1", "Blue 2")
    await crew.hall.until(4)
    await crew.settled()
    assert await crew.told("Blue 2") == ["Its clock was 24 hours behind and is set."]
    crew.hall.deaf.clear()
    await crew.later(AGAIN_NS)
    await crew.hall.until(7)
    await crew.settled()
    assert await crew.told("Blue 1") == ["Its clock was 24 hours behind and is set."]


async def test_a_clock_that_does_not_stay_set_is_not_said_to_be_right(crew: Crew) -> None:
    crew.hall.off["Blue 1"] = -DAY_NS
    crew.hall.stubborn = True
    await crew.found("Blue 1")
    await crew.hall.until(6)
    await crew.settled()
    assert [verb for _, verb in crew.hall.asked] == ["facts", "set-time"] * 3
    assert await crew.told("Blue 1") == []


async def test_cars_that_come_together_are_looked_at_a_few_at_a_time_and_all_of_them(crew: Crew) -> None:
    crew.hall.silent = asyncio.Event()
    await crew.found("Blue 1", "Blue 2", "Blue 3")
    await crew.hall.until(AT_ONCE)
    await asyncio.sleep(0)
    assert crew.hall.asked_now == AT_ONCE < 3
    crew.hall.silent.set()
    await crew.hall.until(3)
    await crew.settled()
    assert crew.hall.most_at_once == AT_ONCE
    assert sorted(name for name, _ in crew.hall.asked) == ["Blue 1", "Blue 2", "Blue 3"]


async def test_a_stop_goes_out_while_clocks_wait_for_their_cars(crew: Crew) -> None:
    garage = crew.garage
    crew.hall.silent = asyncio.Event()
    await crew.found("Blue 1", "Blue 2")
    await crew.hall.until(2)
    commands = Commands(garage.db, garage.facts, garage.cars, garage.fleets, crew.hall)
    asked = await commands.ask(NewCommand(verb=Verb.STOP, car_ids=garage.ids), "box")
    ended = await commands.settled(asked[0].command_id)
    assert {view.state for view in ended} == {"done"}
    assert crew.hall.asked_now == 2, "the clocks still wait"
    crew.hall.silent.set()
    await commands.stop()


@pytest.mark.parametrize(
    ("car_ns", "off_by_ns"), [(99, -1), (100, 0), (150, 0), (200, 0), (201, 1), (0, -100), (1_000, 800)]
)
def test_a_clock_is_off_by_what_the_way_does_not_explain(car_ns: int, off_by_ns: int) -> None:
    assert off_ns(car_ns, asked_ns=100, answered_ns=200) == off_by_ns


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-2, "2 seconds behind"),
        (119, "119 seconds ahead"),
        (-5_400, "90 minutes behind"),
        (86_400, "24 hours ahead"),
        (-63_000_000, "729 days behind"),
    ],
)
def test_how_far_a_clock_is_off_in_words(seconds: int, words: str) -> None:
    assert off_in_words(seconds * SECOND_NS) == words
