"""
The fleets: which there are, and which cars stand in each.

Owns the rows of fleets. A car's own row says its fleet (cars/cars.py); a track's says its fleet by the same id
(timing/structs.py), and an id that is no longer there means none. Event loop only.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import msgspec

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import InvalidInput, NotFound, named_in
from appliance.facts import Facts
from appliance.ids import new_id
from cars.car_structs import Car
from cars.cars import Cars
from cars.facts import CarsChanged
from cars.fleet_structs import Fleet, FleetView, NewFleet
from cars.fleets_schema import LOAD, delete, fleet_of, save

T = TypeVar("T")


class Fleets:
    """All fleets of this box. Reads are from memory; writes are durable when they return. `await load()`."""

    def __init__(self, db: Database, facts: Facts, cars: Cars) -> None:
        self._db = db
        self._facts = facts
        self._cars = cars
        self._fleets: dict[str, Fleet] = {}
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read them; once, at start."""
        for record in await self._db.fetch_all(LOAD):
            fleet = fleet_of(record)
            self._fleets[fleet.fleet_id] = fleet

    # reads

    def all(self) -> list[FleetView]:
        """By name."""
        return [
            self.view(fleet.fleet_id) for fleet in sorted(self._fleets.values(), key=lambda one: one.name.casefold())
        ]

    def view(self, fleet_id: str) -> FleetView:
        """One fleet with its cars. Raises NotFound."""
        fleet = self._fleet(fleet_id)
        return FleetView(fleet_id=fleet_id, name=fleet.name, car_ids=[car.car_id for car in self.cars_of(fleet_id)])

    def cars_of(self, fleet_id: str | None) -> list[Car]:
        """The enrolled cars of a fleet, by name; all of the box for a track without a fleet, or with one that went."""
        cars = self._cars.all()
        return [car for car in cars if car.fleet_id == fleet_id] if fleet_id in self._fleets else cars

    # changes

    async def add(self, new: NewFleet) -> FleetView:
        """Make one. Raises InvalidInput for a name that is empty or taken."""

        async def make() -> Fleet:
            fleet = Fleet(fleet_id=new_id(), name=self._free(new.name), made_at=now_iso())
            await self._keep(fleet)
            return fleet

        return self.view((await self._finished(make())).fleet_id)

    async def rename(self, fleet_id: str, new: NewFleet) -> FleetView:
        """Another name. Raises as `add`, and NotFound."""

        async def change() -> None:
            fleet = self._fleet(fleet_id)
            await self._keep(msgspec.structs.replace(fleet, name=self._free(new.name, but=fleet_id)))

        await self._finished(change())
        return self.view(fleet_id)

    async def remove(self, fleet_id: str) -> None:
        """Its cars are in none from now on. Raises NotFound."""

        async def take_away() -> None:
            self._fleet(fleet_id)
            for car in self.cars_of(fleet_id):
                await self._cars.update(car.car_id, fleet_id=None)
            await self._db.write(lambda connection: delete(connection, fleet_id))
            del self._fleets[fleet_id]

        await self._finished(take_away())

    async def set_cars(self, fleet_id: str, car_ids: Sequence[str]) -> FleetView:
        """
        Exactly these cars are in it from now on; each leaves the fleet that it was in.

        Raises:
            NotFound: there is no such fleet.
            InvalidInput: one of the cars is not enrolled; nothing changed.
        """
        self._fleet(fleet_id)
        with named_in("car_ids"):
            wanted = {self._cars.enrolled(car_id).car_id for car_id in car_ids}

        async def move() -> None:
            self._fleet(fleet_id)
            for car in self._cars.all():
                goal = fleet_id if car.car_id in wanted else None if car.fleet_id == fleet_id else car.fleet_id
                if goal != car.fleet_id:
                    await self._cars.update(car.car_id, fleet_id=goal)

        await self._finished(move())
        return self.view(fleet_id)

    # what the changes are made of

    def _fleet(self, fleet_id: str) -> Fleet:
        try:
            return self._fleets[fleet_id]
        except KeyError:
            raise NotFound("There is no such fleet.", "Choose one from the list of fleets.") from None

    def _free(self, name: str, but: str | None = None) -> str:
        trimmed = " ".join(name.split())
        if not trimmed or not trimmed.isprintable():
            raise InvalidInput("A fleet's name has 1 to 40 characters.", "For example: Track Left.", field="name")
        for fleet in self._fleets.values():
            if fleet.fleet_id != but and fleet.name.casefold() == trimmed.casefold():
                raise InvalidInput(
                    f"There is a fleet called {fleet.name} already.", "Choose another name.", field="name"
                )
        return trimmed

    async def _keep(self, fleet: Fleet) -> None:
        await self._db.write(lambda connection: save(connection, fleet))
        self._fleets[fleet.fleet_id] = fleet

    async def _finished(self, change: Coroutine[Any, Any, T]) -> T:
        """In turn, and whole: a caller who goes away cannot cut a change between the disk and the memory."""
        return await asyncio.shield(asyncio.create_task(self._in_turn(change)))

    async def _in_turn(self, change: Coroutine[Any, Any, T]) -> T:
        async with self._changing:
            done = await change
        self._facts.publish(CarsChanged())
        return done
