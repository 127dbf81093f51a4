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
from pathlib import Path
from typing import TypeVar

from appliance.clock import mono_ns
from appliance.errors import ApplianceError, Conflict, InvalidInput, NotFound, NotReady
from appliance.facts import Facts
from appliance.host_keys import fingerprint
from appliance.ids import new_id
from cars.box_place import network_towards
from cars.car_history import CarNote
from cars.car_structs import Car
from cars.cars import Cars
from cars.enrol_wire import (
    Enrol,
    Enrolled,
    Failed,
    News,
    Order,
    Recognise,
    Release,
    Released,
    Step,
    StepState,
    Went,
)
from cars.facts import CarsChanged
from cars.one_pairing import Pairing, without_passwords
from cars.pair_process import news_of
from cars.pairing_structs import KeyQuestion, NewPairing, PairingView, checked
from cars.serials import serial_of
from cars.wrong_passwords import REMEDY as SHUT_OUT
from cars.wrong_passwords import WrongPasswords

KEPT = 50
"""Pairings that have ended and may still be looked at."""
AT_ONCE = 4
"""Each costs 50 MB while it runs; a crew pairs one car after the other."""

T = TypeVar("T", bound=News)
log = logging.getLogger("trackside.cars")


class Pairings:
    """`await stop()` at the end."""

    def __init__(self, cars: Cars, facts: Facts, data_dir: Path, *, with_stand_ins: bool = False) -> None:
        """`with_stand_ins`: this machine's own addresses are cars' too."""
        self._with_stand_ins = with_stand_ins
        self._cars = cars
        self._facts = facts
        self._data_dir = data_dir
        self._pairings: OrderedDict[str, Pairing] = OrderedDict()
        self._wrong = WrongPasswords()

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
        new = checked(new, with_stand_ins=self._with_stand_ins)
        running = [pairing for pairing in self._pairings.values() if pairing.is_running]
        if any(pairing.new.address == new.address for pairing in running):
            raise Conflict("This car is being paired right now.", "Wait until that has ended.")
        if len(running) >= AT_ONCE:
            raise Conflict(f"{AT_ONCE} cars are being paired right now.", "Wait until one of them has ended.")
        pairing = Pairing(new_id(), new, actor)
        self._pairings[pairing.pairing_id] = pairing
        while len(self._pairings) > KEPT:
            self._pairings.popitem(last=False)
        pairing.task = asyncio.create_task(self._pair(pairing), name=f"pair-{new.address}")
        return pairing.view()

    async def trust(self, pairing_id: str, actor: str) -> PairingView:
        """
        Yes, it was flashed: write the car down with its new host key. A second time changes nothing.

        Raises:
            NotFound: the pairing is not known here any more.
            Conflict: it asks nothing.
        """
        self.get(pairing_id)
        pairing = self._pairings[pairing_id]
        found, pairing.found, pairing.asks = pairing.found, None, None
        if found is not None:
            pairing.actor = actor
            pairing.task = asyncio.create_task(self._write_down(pairing, found), name=f"pair-{pairing.new.address}")
            await asyncio.shield(pairing.task)
        elif pairing.car is None:
            raise Conflict("This pairing asks nothing.", "Look at its page.")
        return pairing.view()

    async def trust_key(self, car_id: str, host_key: str, place: tuple[str, int], actor: str) -> Car:
        """
        A paired car shows a new host key, still knows this box, and somebody says that this is right.

        Args:
            place: Address and port where the key was seen.

        Raises:
            NotFound: there is no such car, or it was released.
            NotReady: it cannot be reached there, shows yet another key, or does not know this box any more.
            Conflict: it is another car.
        """
        car = self._cars.enrolled(car_id)
        if host_key == car.host_key:
            return car
        address, port = place
        order = Recognise(
            address=address, port=port, username=car.username, host_key=host_key, data_dir=str(self._data_dir)
        )
        found = await _one_of(Enrolled, order)
        if serial_of(found.serial) != car.serial:
            raise Conflict(
                f"What answers at {address} is {found.serial or 'a car without a serial'}, not {car.name}"
                f" ({car.serial}).",
                "Look which car this is, and pair it as what it is.",
            )
        return await self._kept(found, car.name, place, actor, fleet_id=None)

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

    async def _pair(self, pairing: Pairing) -> None:
        log.info("car_pairing_started address=%s", pairing.new.address)
        try:
            found = await self._paired(pairing)
            pairing.asks = self._question(found, pairing.new.trusted_key)
            if pairing.asks is None:
                await self._record(pairing, found)
            else:
                pairing.found = found
        except ApplianceError as error:
            pairing.failed = self._refusal(pairing.new.address, error)
        except Exception:  # The boundary of the task: the person who waits is told.
            log.exception("car_pairing_failed address=%s", pairing.new.address)
            pairing.failed = Failed(message="Pairing failed.", remedy="Try again; the box's log says more.")
        except asyncio.CancelledError:
            pairing.failed = Failed(message="The box is stopping.", remedy="Pair the car again when it is back.")
            raise
        finally:
            pairing.new = without_passwords(pairing.new)
            pairing.end_open_step()
            self._facts.publish(CarsChanged())

    def _refusal(self, address: str, error: ApplianceError) -> Failed:
        """Why it ended; where nothing answers after too many wrong passwords, that is said too."""
        if error.field == "password":
            self._wrong.note(address, mono_ns())
        is_shut_out = error.field is None and self._wrong.is_shut_out(address, mono_ns())
        return Failed(message=error.message, remedy=SHUT_OUT if is_shut_out else error.remedy, field=error.field)

    async def _write_down(self, pairing: Pairing, found: Enrolled) -> None:
        try:
            await self._record(pairing, found)
        except ApplianceError as error:
            pairing.failed = self._refusal(pairing.new.address, error)
        finally:
            pairing.end_open_step()
            self._facts.publish(CarsChanged())

    def _question(self, found: Enrolled, trusted_key: str) -> KeyQuestion | None:
        """A machine that tells the serial of a paired car and shows another key: flashed, or somebody else."""
        car = self._cars.by_serial(serial_of(found.serial) or "")
        if car is None or car.released_at is not None or found.host_key in (car.host_key, trusted_key):
            return None
        return KeyQuestion(
            car_id=car.car_id,
            name=car.name,
            serial=car.serial,
            known=fingerprint(car.host_key),
            shown=fingerprint(found.host_key),
        )

    async def _paired(self, pairing: Pairing) -> Enrolled:
        new = pairing.new
        subnet = await asyncio.to_thread(network_towards, new.address)
        order = Enrol(
            address=new.address,
            port=new.port,
            console_port=new.console_port,
            username=new.username,
            console_password=new.console_password,
            password=new.password,
            new_password=new.new_password,
            subnet=subnet,
            data_dir=str(self._data_dir),
        )
        async with contextlib.aclosing(news_of(order)) as told:
            async for news in told:
                match news:
                    case Went():
                        pairing.went[news.step] = news
                        self._facts.publish(CarsChanged())
                    case Enrolled():
                        return news
                    case Failed():
                        raise InvalidInput(news.message, news.remedy, field=news.field)
        raise _gone()

    async def _record(self, pairing: Pairing, found: Enrolled) -> None:
        new = pairing.new
        before = self._cars.by_serial(serial_of(found.serial) or "")
        name = new.name or (before.name if before is not None else found.host_name or found.serial)
        car = await self._kept(found, name, (new.address, new.port), pairing.actor, fleet_id=new.fleet_id)
        text = f"As {car.name}."
        if before is not None and before.host_key != car.host_key:
            text = f"As {car.name}, with a new host key: its system was flashed since."
        twins = self._cars.twins(car.car_id)
        if twins:
            text = f"As {car.name}. Warning: {twins[0].name} shows the same host key, as cars from one copied image do."
        pairing.went[Step.RECORD] = Went(step=Step.RECORD, state=StepState.DONE, text=text)
        pairing.car = car
        log.info("car_paired car_id=%s address=%s", car.car_id, new.address)

    async def _kept(
        self, found: Enrolled, name: str, place: tuple[str, int], actor: str, *, fleet_id: str | None
    ) -> Car:
        before = self._cars.by_serial(serial_of(found.serial) or "")
        car = await self._cars.add_enrolled(
            serial=found.serial,
            name=name,
            platform=found.platform,
            username=found.username,
            host_key=found.host_key,
            address=place[0],
            port=place[1],
            fleet_id=fleet_id,
            core_version=found.core_version,
            os_version=found.os_version,
            actor=actor,
        )
        if before is not None and before.released_at is None and before.host_key != car.host_key:
            told = f"{fingerprint(car.host_key)} instead of {fingerprint(before.host_key)}"
            await self._cars.note(car.car_id, CarNote.REFLASHED, actor, f"Its new host key is trusted: {told}.")
        return car

    async def _release(self, car: Car, actor: str, is_forced: bool) -> Car:
        order = Release(
            serial=car.serial,
            address=car.address,
            port=car.port,
            username=car.username,
            host_key=car.host_key,
            is_forced=is_forced,
            data_dir=str(self._data_dir),
        )
        details = "Released; everything that was changed on it is undone."
        try:
            problems = (await _one_of(Released, order)).problems
            if problems:
                details = f"Released, but not undone: {'; '.join(problems)}"
        except ApplianceError as error:
            if not is_forced:
                raise
            details = f"Released without reaching it, so this box's key is still there: {error.message}"
        log.info("car_released car_id=%s", car.car_id)
        return await self._cars.release(car.car_id, actor=actor, details=details)


@contextlib.asynccontextmanager
async def opened_pairings(
    cars: Cars, facts: Facts, *, data_dir: Path, with_stand_ins: bool = False
) -> AsyncIterator[Pairings]:
    """Pairings for as long as the box runs."""
    pairings = Pairings(cars, facts, data_dir, with_stand_ins=with_stand_ins)
    try:
        yield pairings
    finally:
        await pairings.stop()


async def _one_of(kind: type[T], order: Order) -> T:
    """What the process answers; raises NotReady with its words where it is something else."""
    async with contextlib.aclosing(news_of(order)) as told:
        async for news in told:
            if isinstance(news, kind):
                return news
            if isinstance(news, Failed):
                raise NotReady(news.message, news.remedy)
    raise _gone()


def _gone() -> NotReady:
    return NotReady("It ended before it was done.", "Try again; the box's log says more.")
