"""
The registry of the cars: which are enrolled, where each was last reached, and what happened to it.

Owns the rows of cars and their history. A car is its chassis serial, for ever: enrolled again after a flash, or after
it was released, it is the same car with the same id and history. Whether one is online is told to it (`seen`,
`missed`); it never asks the network. Event loop only.
"""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from sqlite3 import Connection
from typing import Any, TypeVar

import msgspec

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import InvalidInput, NotFound
from appliance.facts import Facts
from appliance.ids import new_id
from cars.car_history import CarHistoryLine, CarNote
from cars.car_names import checked_name, free_name, name_order
from cars.car_structs import Car, Platform
from cars.cars_schema import HISTORY, LOAD, car_of, line_of, save, write_down
from cars.facts import CarFound, CarLost, CarsChanged
from cars.readings import Readings
from cars.serials import serial_of

CHANGEABLE = frozenset(
    {"name", "platform", "username", "address", "port", "fleet_id", "light", "core_version", "os_version"}
)
"""What `update` takes. Serial and host key are who the car is: only enrolling it again changes a key."""
NEWEST = 2**63 - 1
"""An entry of the history that no other comes after."""

T = TypeVar("T")
log = logging.getLogger("trackside.cars")


class Cars:
    """All cars of this box. Reads are from memory and quick; writes are durable when they return. `await load()`."""

    def __init__(self, db: Database, facts: Facts) -> None:
        self._db = db
        self._facts = facts
        self.readings = Readings()
        self._cars: dict[str, Car] = {}
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read the registry; once, at start."""
        for record in await self._db.fetch_all(LOAD):
            car = car_of(record)
            self._cars[car.car_id] = car

    # reads

    def get(self, car_id: str) -> Car:
        """A car, released or not. Raises NotFound."""
        try:
            return self._cars[car_id]
        except KeyError:
            raise NotFound("There is no such car.", "Choose one from the list of cars.") from None

    def enrolled(self, car_id: str) -> Car:
        """A car that is enrolled now. Raises NotFound."""
        car = self.get(car_id)
        if car.released_at is not None:
            raise NotFound(f"{car.name} was released.", "Pair it again under Cars.")
        return car

    def all(self, *, with_released: bool = False) -> list[Car]:
        """Those that are enrolled, by name; on demand the others too."""
        wanted = [car for car in self._cars.values() if with_released or car.released_at is None]
        return sorted(wanted, key=lambda car: (name_order(car.name), car.serial))

    def by_serial(self, serial: str) -> Car | None:
        """The car with this chassis serial, released or not."""
        return next((car for car in self._cars.values() if car.serial == serial), None)

    def twins(self, car_id: str) -> list[Car]:
        """Other enrolled cars with the same host key: made from one image, so that the key tells none of them apart."""
        car = self.get(car_id)
        return [other for other in self.all() if other.car_id != car_id and other.host_key == car.host_key]

    async def history(self, car_id: str, *, limit: int = 100, before: int | None = None) -> list[CarHistoryLine]:
        """What happened to it, newest first; `before` is the entry that ended the page before."""
        serial = self.get(car_id).serial
        rows = await self._db.fetch_all(
            HISTORY, (serial, NEWEST if before is None else max(0, min(before, NEWEST)), limit)
        )
        return [line_of(row) for row in rows]

    # changes

    async def add_enrolled(
        self,
        *,
        serial: str,
        name: str,
        platform: Platform,
        username: str,
        host_key: str,
        address: str,
        actor: str,
        port: int = 22,
        fleet_id: str | None = None,
        core_version: str | None = None,
        os_version: str | None = None,
    ) -> Car:
        """
        A car was enrolled: for the first time, again, or again with a new host key after a flash.

        It is online from now on. A name that another car has gets a number.

        Args:
            serial: As read from its board in the same session that showed `host_key`.

        Raises:
            InvalidInput: the serial is a placeholder, or the name is no name.
        """
        real = serial_of(serial)
        if real is None:
            raise InvalidInput(
                f"Its board gives {serial.strip() or 'nothing'!r} for a serial, which many boards do.",
                "Give it a serial of its own, then pair it again.",
                field="serial",
            )
        told = checked_name(name)

        async def add() -> Car:
            before, now = self.by_serial(real), now_iso()
            car_id = new_id() if before is None else before.car_id
            car = Car(
                car_id=car_id,
                serial=real,
                name=free_name(told, [other.name for other in self.all() if other.car_id != car_id]),
                platform=platform,
                username=username,
                host_key=host_key,
                address=address,
                port=port,
                fleet_id=fleet_id if before is None or fleet_id is not None else before.fleet_id,
                light=None if before is None else before.light,
                core_version=core_version,
                os_version=os_version,
                enrolled_at=now,
                released_at=None,
                last_seen_at=now,
                is_online=True,
            )
            await self._keep(car, *self._enrolment_lines(before, car, actor))
            return car

        car = await self._finished(add())
        self._facts.publish(CarFound(car_id=car.car_id))
        return car

    async def update(self, car_id: str, *, actor: str = "box", **changes: Any) -> Car:
        """
        Change fields of CHANGEABLE; a new name is written into the history.

        Raises:
            InvalidInput: the name is no name, or another car has it.
            NotFound: there is no such car.
        """
        unknown = changes.keys() - CHANGEABLE
        if unknown:
            raise TypeError(f"not changeable: {', '.join(sorted(unknown))}")

        async def change() -> Car:
            old = self.get(car_id)
            car: Car = msgspec.structs.replace(old, **changes)
            if car.name == old.name:
                await self._keep(car)
                return car
            car = msgspec.structs.replace(car, name=checked_name(car.name))
            self._refuse_taken(car)
            await self._keep(car, _line(car, CarNote.RENAMED, actor, f"Was {old.name}, is {car.name}."))
            return car

        return await self._finished(change())

    async def release(self, car_id: str, *, actor: str, details: str = "Released.") -> Car:
        """It is no longer this box's; its history stays, and enrolled again it is the same car. Raises NotFound."""

        async def let_go() -> Car:
            car = msgspec.structs.replace(self.enrolled(car_id), released_at=now_iso(), is_online=False, fleet_id=None)
            await self._keep(car, _line(car, CarNote.RELEASED, actor, details))
            return car

        return await self._finished(let_go())

    async def note(self, car_id: str, kind: CarNote, actor: str, details: str, *, at: str | None = None) -> None:
        """Write into its history, as of `at` or now. Raises NotFound."""
        line = _line(self.get(car_id), kind, actor, details, at)
        await self._db.write(lambda connection: write_down(connection, [line]))

    # what the network tells

    async def seen(self, car_id: str, *, address: str | None = None, port: int | None = None) -> None:
        """It has just proven itself, at this address if one is given: online. Nothing for a car that is released."""
        old = self._cars.get(car_id)
        if old is None or old.released_at is not None:
            return
        place = (address or old.address, port or old.port)
        if old.is_online and place == (old.address, old.port):
            # Its last sign of life is for people: it goes to the disk when the car is lost, not every few seconds.
            self._cars[car_id] = msgspec.structs.replace(old, last_seen_at=now_iso())
            return
        await self._finished(self._met(car_id, place))
        if not old.is_online:
            log.info("car_found car_id=%s address=%s", car_id, place[0])
            self._facts.publish(CarFound(car_id=car_id))

    async def missed(self, car_id: str) -> None:
        """It no longer answers: offline."""
        old = self._cars.get(car_id)
        if old is None or not old.is_online:
            return
        await self._finished(self._lost(car_id))
        log.info("car_lost car_id=%s", car_id)
        self._facts.publish(CarLost(car_id=car_id))

    async def settle(self) -> None:
        """Before the end: write down when those that are online were last seen."""
        online = [car for car in self._cars.values() if car.is_online]

        def write(connection: Connection) -> None:
            for car in online:
                save(connection, car)

        await self._db.write(write)

    # what the changes are made of

    async def _met(self, car_id: str, place: tuple[str, int]) -> None:
        address, port = place
        changes = {"address": address, "port": port, "is_online": True, "last_seen_at": now_iso()}
        await self._keep(msgspec.structs.replace(self.get(car_id), **changes))

    async def _lost(self, car_id: str) -> None:
        await self._keep(msgspec.structs.replace(self.get(car_id), is_online=False))

    async def _finished(self, change: Coroutine[Any, Any, T]) -> T:
        """In turn, and whole: a caller who goes away cannot cut a change between the disk and the memory."""
        return await asyncio.shield(asyncio.create_task(self._in_turn(change)))

    async def _in_turn(self, change: Coroutine[Any, Any, T]) -> T:
        async with self._changing:
            done = await change
        self._facts.publish(CarsChanged())
        return done

    async def _keep(self, car: Car, *lines: CarHistoryLine) -> None:
        def write(connection: Connection) -> None:
            save(connection, car)
            write_down(connection, lines)

        await self._db.write(write)
        self._cars[car.car_id] = car

    def _enrolment_lines(self, before: Car | None, car: Car, actor: str) -> Sequence[CarHistoryLine]:
        if before is None or before.host_key == car.host_key:
            lines = [_line(car, CarNote.ENROLLED, actor, f"Paired as {car.name}, at {car.address}.")]
        else:
            lines = [
                _line(
                    car, CarNote.REFLASHED, actor, f"Paired again with a new host key, as {car.name}, at {car.address}."
                )
            ]
        for twin in self.all():
            if twin.host_key == car.host_key and twin.car_id != car.car_id:
                lines.append(_line(car, CarNote.CLONED, actor, f"Shows the host key of {twin.name} ({twin.serial})."))
                lines.append(_line(twin, CarNote.CLONED, actor, f"{car.name} ({car.serial}) shows its host key."))
        return lines

    def _refuse_taken(self, car: Car) -> None:
        for other in self.all():
            if other.car_id != car.car_id and other.name.casefold() == car.name.casefold():
                raise InvalidInput(f"There is a car called {other.name} already.", "Choose another name.", field="name")


def _line(car: Car, kind: CarNote, actor: str, details: str, at: str | None = None) -> CarHistoryLine:
    return CarHistoryLine(
        entry=0, car_id=car.car_id, serial=car.serial, at=at or now_iso(), actor=actor, kind=kind, details=details
    )
