"""
Commands to cars: one, many or a fleet at once, each with the car's real answer, a timeout and a history.

Owns the rows of commands. A command is written down before it is asked, and what became of it before anybody is told;
a stop waits for nothing, not even for the disk. How a car is reached is `Calls`' (the worker's process). Event loop
only.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from appliance.clock import mono_ns, now_iso, wall_ns
from appliance.database import Database
from appliance.errors import ApplianceError, InvalidInput, NotFound, NotReady
from appliance.facts import Facts
from appliance.ids import new_id
from cars.car_history import CarNote
from cars.car_structs import Car
from cars.cars import Cars
from cars.command_rules import Ask, answer_in_words, asks_of, words_of
from cars.command_schema import FORGET_OPEN, OF_CAR, OF_COMMAND, save, view_of
from cars.command_structs import CommandState, CommandView, NewCommand, Verb
from cars.facts import CommandsChanged
from cars.fleets import Fleets
from cars.lines import Lines

LATEST = 50
START_ONE = "Look at the track, then start each car by itself."
NOTED = frozenset(Verb) - {Verb.BATTERY, Verb.DISK, Verb.VERSIONS, Verb.DELETE_MODELS}
"""Verbs that a car's history has as commands; the battery and deleting have notes of their own."""
NS_PER_MS = 1_000_000

log = logging.getLogger("trackside.cars")


@contextlib.asynccontextmanager
async def opened_commands(
    db: Database, facts: Facts, *, cars: Cars, fleets: Fleets, data_dir: Path
) -> AsyncIterator["Commands"]:
    """The commands of a box with the lines they go over; all is let go at the end."""
    lines = Lines(facts, cars, data_dir)
    commands = Commands(db, facts, cars, fleets, lines)
    await commands.load()
    lines.start()
    try:
        yield commands
    finally:
        await commands.stop()
        await lines.stop()


class Calls(Protocol):
    """Whoever can call the helper on a car."""

    async def call(self, car: Car, ask: Ask) -> Mapping[str, object]:
        """
        The helper's answer; an empty one where the connection broke and that was to be.

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
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Once, at start: what was asked when the box went down was never answered."""
        words = ("The box went down before the car answered.", "Look at the car, then ask again.")
        await self._db.write(lambda connection: connection.execute(FORGET_OPEN, words) and None)

    async def stop(self) -> None:
        """Wait for nothing more; what is asked still stands as asked, until the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # reads

    async def of(self, command_id: str) -> list[CommandView]:
        """A command on each of its cars. Raises NotFound."""
        rows = [view_of(row) for row in await self._db.fetch_all(OF_COMMAND, (command_id,))]
        if not rows:
            raise NotFound("There is no such command.", "Look at the car's page.")
        return rows

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

        The same `command_id` again answers what became of it, and asks nobody twice.

        Raises:
            InvalidInput: no cars, or fields that do not fit the verb.
            NotFound: a car or the fleet is not there; nobody was asked.
        """
        ask = asks_of(command, wall_ns())
        cars = self._cars_of(command)
        command_id = command.command_id or new_id()
        before = await self._db.fetch_all(OF_COMMAND, (command_id,))
        if before:
            return [view_of(row) for row in before]
        views = [self._new(command, command_id, car, actor) for car in cars]
        if command.verb is Verb.STOP:
            self._begin(command, ask, cars, views)
            with contextlib.suppress(NotReady):  # A full disk stops no car from stopping.
                await self._db.write(lambda connection: _save_new(connection, views))
        else:
            await self._db.write(lambda connection: _save_new(connection, views))
            self._begin(command, ask, cars, views)
        self._tell(views)
        return views

    def ask_soon(self, command: NewCommand, actor: str) -> None:
        """Ask without waiting for anything; what goes wrong is logged."""
        task = asyncio.create_task(self._ask_later(command, actor))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self, command_id: str) -> list[CommandView]:
        """What became of it, once every car has answered or had its time. Raises NotFound."""
        while any(key[0] == command_id for key in self._open):
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        return await self.of(command_id)

    # what they are made of

    async def _ask_later(self, command: NewCommand, actor: str) -> None:
        try:
            await self.ask(command, actor)
        except ApplianceError as error:
            log.warning("car_not_asked verb=%s error=%s", command.verb, error.message)

    def _cars_of(self, command: NewCommand) -> list[Car]:
        wanted = [self._cars.enrolled(car_id) for car_id in dict.fromkeys(command.car_ids)]
        if command.fleet_id is not None:
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
            task = asyncio.create_task(self._asked(command, ask, car, view), name=f"car-command-{view.verb}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _asked(self, command: NewCommand, ask: Ask, car: Car, view: CommandView) -> None:
        began_ns = mono_ns()
        state, answer, remedy = await self._answer(command, ask, car)
        took_ms = (mono_ns() - began_ns) // NS_PER_MS
        ended = msgspec.structs.replace(view, state=state, answer=answer, remedy=remedy, took_ms=took_ms)
        try:
            await self._db.write(lambda connection: save(connection, ended))
            await self._note(command, car, ended)
            if command.verb is Verb.LIGHT and state is CommandState.DONE:
                await self._cars.update(car.car_id, light=command.light)
        except ApplianceError as error:
            log.warning("car_command_not_kept command_id=%s error=%s", view.command_id, error.message)
        finally:
            del self._open[view.command_id, view.car_id]
            self._tell([ended])

    async def _answer(self, command: NewCommand, ask: Ask, car: Car) -> tuple[CommandState, str, str | None]:
        try:
            async with asyncio.timeout(ask.within_s):
                told = await self._calls.call(car, ask)
        except TimeoutError:
            return CommandState.FAILED, f"{car.name} did not answer within {ask.within_s:.0f} s.", _LOOK
        except ApplianceError as error:
            return CommandState.FAILED, error.message, error.remedy
        except Exception:  # The boundary of the task: this car failed, the others never notice.
            log.exception("car_command_failed car_id=%s verb=%s", car.car_id, command.verb)
            return CommandState.FAILED, "It failed in the box.", "Try again; the box's log says more."
        self._cars.readings.answered(car.car_id, command.verb, told, now_iso())
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


def _save_new(connection: sqlite3.Connection, views: Sequence[CommandView]) -> None:
    for view in views:
        save(connection, view)
