"""
Pairing cars and releasing them, as the server has it: which run, how far each is, and what came of it.

The work is done by a process of its own for each car; no password is kept, logged or written down. What ended is
remembered until the next start of the box. Event loop only.
"""

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.errors import ApplianceError, Conflict, InvalidInput, NotFound, NotReady
from appliance.facts import Facts
from appliance.ids import new_id
from cars.box_place import place_towards
from cars.car_structs import Car
from cars.cars import Cars
from cars.enrol_wire import STEP_NAMES, Enrol, Enrolled, Failed, Release, Released, Step, StepState, Went
from cars.facts import CarsChanged
from cars.pair_process import news_of
from cars.pairing_structs import NewPairing, PairingView, StepView, checked

KEPT = 50
"""Pairings that have ended and may still be looked at."""
AT_ONCE = 4
"""Each costs 50 MB while it runs; a crew pairs one car after the other."""

log = logging.getLogger("trackside.cars")


@dataclass(slots=True)
class _Pairing:
    pairing_id: str
    new: NewPairing
    actor: str
    went: dict[Step, Went] = field(default_factory=dict)
    car: Car | None = None
    failed: Failed | None = None
    task: "asyncio.Task[None] | None" = None

    @property
    def is_running(self) -> bool:
        return self.car is None and self.failed is None

    def view(self) -> PairingView:
        failed = self.failed
        return PairingView(
            pairing_id=self.pairing_id,
            address=self.new.address,
            name=self.new.name if self.car is None else self.car.name,
            is_running=self.is_running,
            steps=tuple(_step_view(step, self.went.get(step)) for step in Step),
            car_id=None if self.car is None else self.car.car_id,
            message=None if failed is None else failed.message,
            remedy=None if failed is None else failed.remedy,
            field=None if failed is None else failed.field,
        )


class Pairings:
    """`await stop()` at the end."""

    def __init__(self, cars: Cars, facts: Facts, data_dir: Path) -> None:
        self._cars = cars
        self._facts = facts
        self._data_dir = data_dir
        self._pairings: OrderedDict[str, _Pairing] = OrderedDict()

    def get(self, pairing_id: str) -> PairingView:
        """How far it is. Raises NotFound."""
        try:
            return self._pairings[pairing_id].view()
        except KeyError:
            raise NotFound(
                "This pairing is not known here any more.", "Look whether the car is in the list; else pair it again."
            ) from None

    def start(self, new: NewPairing, actor: str) -> PairingView:
        """
        Begin to pair a car; `get` says how far it is.

        Raises:
            InvalidInput: something typed cannot be.
            Conflict: this car is being paired, or too many others are.
        """
        new = checked(new)
        running = [pairing for pairing in self._pairings.values() if pairing.is_running]
        if any(pairing.new.address == new.address for pairing in running):
            raise Conflict("This car is being paired right now.", "Wait until that has ended.")
        if len(running) >= AT_ONCE:
            raise Conflict(f"{AT_ONCE} cars are being paired right now.", "Wait until one of them has ended.")
        pairing = _Pairing(new_id(), new, actor)
        self._pairings[pairing.pairing_id] = pairing
        while len(self._pairings) > KEPT:
            self._pairings.popitem(last=False)
        pairing.task = asyncio.create_task(self._pair(pairing), name=f"pair-{new.address}")
        return pairing.view()

    async def release(self, car_id: str, actor: str, *, is_forced: bool = False) -> Car:
        """
        Undo on the car what pairing changed there, then let it go.

        Args:
            is_forced: Let it go also when it is away, or something there cannot be undone.

        Raises:
            NotFound: there is no such car, or it was released already.
            NotReady: it cannot be reached, or something cannot be undone; it stays paired.
        """
        return await asyncio.shield(asyncio.create_task(self._release(self._cars.enrolled(car_id), actor, is_forced)))

    async def stop(self) -> None:
        """End those that run; what they did so far stays on the cars, and may be done again."""
        tasks = [pairing.task for pairing in self._pairings.values() if pairing.task is not None]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # what they are made of

    async def _pair(self, pairing: _Pairing) -> None:
        log.info("car_pairing_started address=%s", pairing.new.address)
        try:
            pairing.car = await self._paired(pairing)
            log.info("car_paired car_id=%s address=%s", pairing.car.car_id, pairing.new.address)
        except ApplianceError as error:
            pairing.failed = _failed(error)
        except Exception:  # The boundary of the task: the person who waits is told.
            log.exception("car_pairing_failed address=%s", pairing.new.address)
            pairing.failed = Failed(message="Pairing failed.", remedy="Try again; the box's log says more.")
        except asyncio.CancelledError:
            pairing.failed = Failed(message="The box is stopping.", remedy="Pair the car again when it is back.")
            raise
        finally:
            pairing.new = _without_passwords(pairing.new)
            self._end_open_step(pairing)
            self._facts.publish(CarsChanged())

    async def _paired(self, pairing: _Pairing) -> Car:
        new = pairing.new
        box_address, subnet = await asyncio.to_thread(place_towards, new.address)
        order = Enrol(
            address=new.address,
            port=new.port,
            console_port=new.console_port,
            username=new.username,
            console_password=new.console_password,
            password=new.password,
            new_password=new.new_password,
            subnet=subnet,
            box_address=box_address,
            data_dir=str(self._data_dir),
        )
        async with contextlib.aclosing(news_of(order)) as told:
            async for news in told:
                match news:
                    case Went():
                        pairing.went[news.step] = news
                        self._facts.publish(CarsChanged())
                    case Enrolled():
                        return await self._recorded(pairing, news)
                    case Failed():
                        raise InvalidInput(news.message, news.remedy, field=news.field)
        raise _gone()

    async def _recorded(self, pairing: _Pairing, found: Enrolled) -> Car:
        new = pairing.new
        before = self._cars.by_serial(found.serial.upper())
        name = new.name or (before.name if before is not None else found.host_name or found.serial)
        car = await self._cars.add_enrolled(
            serial=found.serial,
            name=name,
            platform=found.platform,
            username=found.username,
            host_key=found.host_key,
            address=new.address,
            port=new.port,
            fleet_id=new.fleet_id,
            core_version=found.core_version,
            os_version=found.os_version,
            actor=pairing.actor,
        )
        text = f"As {car.name}."
        if before is not None and before.host_key != car.host_key:
            text = f"As {car.name}, with a new host key: its system was flashed since."
        twins = self._cars.twins(car.car_id)
        if twins:
            text = f"As {car.name}. Warning: {twins[0].name} shows the same host key, as cars from one copied image do."
        pairing.went[Step.RECORD] = Went(step=Step.RECORD, state=StepState.DONE, text=text)
        return car

    def _end_open_step(self, pairing: _Pairing) -> None:
        """Where the process died or the record was refused, a step would be "doing" for ever."""
        failed = pairing.failed
        if failed is None or any(went.state is StepState.FAILED for went in pairing.went.values()):
            return
        doing = [step for step, went in pairing.went.items() if went.state is StepState.DOING]
        step = doing[-1] if doing else Step.RECORD if pairing.went else Step.CONSOLE
        text = f"{failed.message} {failed.remedy}"
        pairing.went[step] = Went(step=step, state=StepState.FAILED, text=text)

    async def _release(self, car: Car, actor: str, is_forced: bool) -> Car:
        order = Release(
            address=car.address,
            port=car.port,
            username=car.username,
            host_key=car.host_key,
            is_forced=is_forced,
            data_dir=str(self._data_dir),
        )
        details = "Released; everything that was changed on it is undone."
        try:
            problems = (await _released(order)).problems
            if problems:
                details = f"Released, but not undone: {'; '.join(problems)}"
        except ApplianceError as error:
            if not is_forced:
                raise
            details = f"Released without reaching it, so this box's key is still there: {error.message}"
        log.info("car_released car_id=%s", car.car_id)
        return await self._cars.release(car.car_id, actor=actor, details=details)


@contextlib.asynccontextmanager
async def opened_pairings(cars: Cars, facts: Facts, *, data_dir: Path) -> AsyncIterator[Pairings]:
    """Pairings for as long as the box runs."""
    pairings = Pairings(cars, facts, data_dir)
    try:
        yield pairings
    finally:
        await pairings.stop()


async def _released(order: Release) -> Released:
    async with contextlib.aclosing(news_of(order)) as told:
        async for news in told:
            if isinstance(news, Released):
                return news
            if isinstance(news, Failed):
                raise NotReady(news.message, news.remedy)
    raise _gone()


def _gone() -> NotReady:
    return NotReady("It ended before it was done.", "Try again; the box's log says more.")


def _failed(error: ApplianceError) -> Failed:
    return Failed(message=error.message, remedy=error.remedy, field=error.field)


def _without_passwords(new: NewPairing) -> NewPairing:
    return NewPairing(
        address=new.address,
        name=new.name,
        username=new.username,
        port=new.port,
        console_port=new.console_port,
        fleet_id=new.fleet_id,
    )


def _step_view(step: Step, went: Went | None) -> StepView:
    return StepView(
        step=step,
        name=STEP_NAMES[step],
        state=None if went is None else went.state,
        text="" if went is None else went.text,
    )
