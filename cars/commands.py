"""
Commands to cars: one, many or a fleet at once, each with the car's real answer, a timeout and a history.

Owns the rows of commands. A command is written down before it is asked, and what became of it before anybody is told;
a stop waits for nothing: it is asked first and written down after. One `command_id` is asked once, however often and
however close together it comes. How a car is reached is `Calls`' (the worker's process). Event loop only.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from appliance.clock import mono_ns, now_iso, wall_ns
from appliance.database import Database
from appliance.errors import ApplianceError, InvalidInput, NotFound, named_in
from appliance.facts import Facts
from appliance.ids import new_id
from cars.car_history import CarNote
from cars.car_structs import Car
from cars.cars import Cars
from cars.command_rules import Ask, answer_in_words, asks_of, problem_in, words_of
from cars.command_schema import FORGET_OPEN, OF_CAR, OF_COMMAND, save, save_new, view_of
from cars.command_structs import CommandState, CommandView, NewCommand, Verb
from cars.facts import CommandsChanged
from cars.fleets import Fleets
from cars.latest_stops import LatestStops

LATEST = 50
START_ONE = "Look at the track, then start each car by itself."
NOTED = frozenset(Verb) - {Verb.BATTERY, Verb.DISK, Verb.VERSIONS, Verb.DELETE_MODELS}
"""Verbs that a car's history has as commands; the battery and deleting have notes of their own."""
STORED_WITHIN_S = 1.0
"""How long whoever stops a car is kept waiting for the disk; the car never is."""
NS_PER_MS = 1_000_000

T = TypeVar("T")

log = logging.getLogger("trackside.cars")


class Calls(Protocol):
    """Whoever can call the helper on a car."""

    async def call(self, car: Car, ask: Ask) -> Mapping[str, object]:
        """
        The helper's answer.

        Raises:
            ApplianceError: the car said no, or nothing within `ask.within_s`; in words, with what to do.
        """


class Commands:
    """All commands of this box. `await load()`, and `await stop()` at the end."""

    def __init__(self, db: Database, facts: Facts, cars: Cars, fleets: Fleets, calls: Calls) -> None:
        self._db = db
        self._facts = facts
        self._cars = cars
        self._fleets = fleets
        self._calls = calls
        self._open: dict[tuple[str, str], CommandView] = {}
        self._asking: dict[str, asyncio.Task[list[CommandView]]] = {}
        self._stops = LatestStops()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lights: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By car: a light takes seconds there, and of two the one that was asked for last has to stay."""

    async def load(self) -> None:
        """Once, at start: what was asked when the box went down was never answered."""
        words = ("The box went down before the car answered.", "Look at the car, then ask again.")
        await self._db.write(lambda connection: connection.execute(FORGET_OPEN, words) and None)

    async def stop(self) -> None:
        """Wait for nothing more; what is asked still stands as asked, until the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def calls(self) -> Calls:
        """The way to the cars, for what the box asks them by itself."""
        return self._calls

    # reads

    async def of(self, command_id: str) -> list[CommandView]:
        """A command on each of its cars. Raises NotFound."""
        views = self._stops.of(command_id) or await self._stored(command_id)
        if not views:
            raise NotFound("There is no such command.", "Look at the car's page.")
        return views

    async def of_car(self, car_id: str, limit: int = LATEST) -> list[CommandView]:
        """The newest commands of a car, newest first."""
        self._cars.get(car_id)
        return [view_of(row) for row in await self._db.fetch_all(OF_CAR, (car_id, limit))]

    def open(self, car_id: str) -> list[CommandView]:
        """What a car is asked at this moment."""
        return [view for view in self._open.values() if view.car_id == car_id]

    # changes

    async def ask(self, command: NewCommand, actor: str) -> list[CommandView]:
        """
        Ask all its cars at once; returns when it is written down, not when they have answered.

        The same `command_id` again answers what became of it, and asks nobody twice, however soon it comes.

        Raises:
            InvalidInput: no cars, one that is not enrolled, no such fleet, or fields that do not fit the verb; nobody
                was asked.
        """
        ask = asks_of(command, wall_ns())
        cars = self._cars_of(command)
        command_id = command.command_id or new_id()
        views = [self._new(command, command_id, car, actor) for car in cars]
        if command.verb is Verb.STOP:
            return self._stops.of(command_id) or await self._ask_stop(command, ask, cars, views)
        going = self._asking.get(command_id)
        if going is None:
            going = self._asking[command_id] = self._do(self._ask_once(command, ask, cars, views), f"ask-{command_id}")
            going.add_done_callback(lambda _: self._asking.pop(command_id))
        return await asyncio.shield(going)

    def ask_soon(self, command: NewCommand, actor: str) -> None:
        """Ask without waiting for anything; what goes wrong is logged."""
        self._do(self._ask_later(command, actor), "ask-soon")

    async def settled(self, command_id: str) -> list[CommandView]:
        """What became of it, once every car has answered or had its time. Raises NotFound."""
        while any(key[0] == command_id for key in self._open):
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        return await self.of(command_id)

    # what they are made of

    async def _ask_once(
        self, command: NewCommand, ask: Ask, cars: Sequence[Car], views: Sequence[CommandView]
    ) -> list[CommandView]:
        before = await self._stored(views[0].command_id)
        if before:
            return before
        await self._db.write(lambda connection: save_new(connection, views))
        self._begin(command, ask, cars, views)
        self._tell(views)
        return list(views)

    async def _ask_stop(
        self, command: NewCommand, ask: Ask, cars: Sequence[Car], views: Sequence[CommandView]
    ) -> list[CommandView]:
        """Asked before anything is waited for, and kept in memory; the disk follows, full or slow as it may be."""
        self._stops.begun(views)
        self._begin(command, ask, cars, views)
        storing = self._do(self._store_stop(views), "store-stop")
        await asyncio.wait([storing], timeout=STORED_WITHIN_S)
        self._tell(views)
        return list(views)

    async def _store_stop(self, views: Sequence[CommandView]) -> None:
        try:
            await self._db.write(lambda connection: save_new(connection, views))
        except ApplianceError as error:
            log.warning("car_stop_not_kept command_id=%s error=%s", views[0].command_id, error.message)

    async def _stored(self, command_id: str) -> list[CommandView]:
        return [view_of(row) for row in await self._db.fetch_all(OF_COMMAND, (command_id,))]

    def _do(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _ask_later(self, command: NewCommand, actor: str) -> None:
        try:
            await self.ask(command, actor)
        except ApplianceError as error:
            log.warning("car_not_asked verb=%s error=%s", command.verb, error.message)

    def _cars_of(self, command: NewCommand) -> list[Car]:
        with named_in("car_ids"):
            wanted = [self._cars.enrolled(car_id) for car_id in dict.fromkeys(command.car_ids)]
        if command.fleet_id is not None:
            with named_in("fleet_id"):
                self._fleets.view(command.fleet_id)
            wanted += [car for car in self._fleets.cars_of(command.fleet_id) if car not in wanted]
        if not wanted:
            raise InvalidInput("No car is chosen.", "Choose at least one.", field="car_ids")
        if command.verb is Verb.START_DRIVING and len(wanted) > 1:
            raise InvalidInput("Only one car is started at a time.", START_ONE, field="car_ids")
        return wanted

    def _new(self, command: NewCommand, command_id: str, car: Car, actor: str) -> CommandView:
        return CommandView(
            command_id=command_id,
            car_id=car.car_id,
            verb=command.verb,
            words=words_of(command),
            actor=actor,
            asked_at=now_iso(),
            state=CommandState.ASKED,
        )

    def _begin(self, command: NewCommand, ask: Ask, cars: Sequence[Car], views: Sequence[CommandView]) -> None:
        for car, view in zip(cars, views, strict=True):
            self._open[view.command_id, view.car_id] = view
            self._do(self._asked(command, ask, car, view), f"car-command-{view.verb}")

    async def _asked(self, command: NewCommand, ask: Ask, car: Car, view: CommandView) -> None:
        began_ns = mono_ns()
        state, answer, remedy = await self._answer(command, ask, car)
        took_ms = (mono_ns() - began_ns) // NS_PER_MS
        ended = msgspec.structs.replace(view, state=state, answer=answer, remedy=remedy, took_ms=took_ms)
        self._stops.ended(ended)
        try:
            await self._db.write(lambda connection: save(connection, ended))
            await self._note(command, car, ended)
            if command.verb is Verb.LIGHT and state is CommandState.DONE:
                await self._cars.update(car.car_id, light=command.light)
        except ApplianceError as error:
            log.warning("car_command_not_kept command_id=%s error=%s", view.command_id, error.message)
        finally:
            self._open.pop((view.command_id, view.car_id), None)
            self._tell([ended])

    async def _answer(self, command: NewCommand, ask: Ask, car: Car) -> tuple[CommandState, str, str | None]:
        turn = self._lights[car.car_id] if command.verb is Verb.LIGHT else contextlib.nullcontext()
        try:
            async with turn, asyncio.timeout(ask.within_s):
                told = await self._calls.call(car, ask)
        except TimeoutError:
            return CommandState.FAILED, f"{car.name} did not answer within {ask.within_s:.0f} s.", _LOOK
        except ApplianceError as error:
            return CommandState.FAILED, error.message, error.remedy
        except Exception:  # The boundary of the task: this car failed, the others never notice.
            log.exception("car_command_failed car_id=%s verb=%s", car.car_id, command.verb)
            return CommandState.FAILED, "It failed in the box.", "Try again; the box's log says more."
        self._cars.readings.answered(car.car_id, command.verb, told, now_iso())
        problem = problem_in(command, told)
        if problem is not None:
            return CommandState.FAILED, *problem
        return CommandState.DONE, answer_in_words(command, told), None

    async def _note(self, command: NewCommand, car: Car, ended: CommandView) -> None:
        is_done = ended.state is CommandState.DONE
        text = f"{ended.words}: {ended.answer}"
        if command.verb in NOTED:
            await self._cars.note(car.car_id, CarNote.COMMAND, ended.actor, text)
        elif command.verb is Verb.DELETE_MODELS:
            await self._cars.note(car.car_id, CarNote.DELETED, ended.actor, text)
        elif command.verb is Verb.BATTERY and is_done:
            await self._cars.note(car.car_id, CarNote.BATTERY, ended.actor, ended.answer or "")

    def _tell(self, views: Sequence[CommandView]) -> None:
        self._facts.publish(CommandsChanged(car_ids=tuple(view.car_id for view in views)))


_LOOK = "Look whether it is on and in reach of the Wi-Fi, then ask again."
