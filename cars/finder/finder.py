"""
Finding cars: when to look, where, and what came of it.

Everybody is asked by multicast only while somebody looks at the list or a car is missing; address by address is knocked
only when somebody asks for it. What is found is in cars/finder/book.py. Event loop only.
"""

import asyncio
import contextlib
import importlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from appliance.clock import mono_ns, now_iso
from appliance.errors import NotReady
from appliance.facts import Facts
from appliance.health import Check
from cars.car_structs import Sighting, Way
from cars.cars import Cars
from cars.facts import CarLost, CarsChanged
from cars.finder.addresses import CarNetwork, addresses_in, is_inside, near_in, typed_place
from cars.finder.book import Book
from cars.finder.heartbeat import Heartbeat
from cars.finder.keys import HostKeys
from cars.finder.leases import read_leases
from cars.finder.networks import car_networks
from cars.liveness import SECOND_NS
from cars.sightings import Listing, listed

if TYPE_CHECKING:
    from cars.finder.air import Ear
    from cars.finder.mdns import Heard

LOOK_EVERY_NS = 30 * SECOND_NS
WATCHED_NS = 60 * SECOND_NS
"""A page that is open asks every few seconds; so long after the last one somebody looks."""
MISSING_NS = 600 * SECOND_NS
"""So long after a loss, or a start, a missing car is looked for though nobody looks."""
NAMED = 5
"""Silent cars whose names fit on a line."""
TICK_S = 2.0
"""Between two looks at the box's own networks: the kernel is asked, nothing is sent."""

log = logging.getLogger("trackside.finder")


class FinderState(Struct, frozen=True, kw_only=True):
    """What the looking is doing; `problem` is why it is not done as it should be, None when all is well."""

    is_looking: bool
    is_probing: bool
    """Knocking at every address, which somebody asked for."""
    looked_at: str | None
    networks: tuple[str, ...]
    problem: str | None


class Finder:
    """`run` until cancelled. Reads are from memory and quick."""

    def __init__(
        self,
        cars: Cars,
        facts: Facts,
        *,
        networks: Callable[[], tuple[CarNetwork, ...]] = car_networks,
        leases_root: Path = Path("/"),
        is_quiet: bool = False,
    ) -> None:
        """`is_quiet`: nothing is asked of everybody (the setting `announce` is off); the rest is done as ever."""
        self._cars = cars
        self._facts = facts
        self._find_networks = networks
        self._leases_root = leases_root
        self._is_quiet = is_quiet
        self._keys = HostKeys()
        self._book = Book(cars, facts, self._keys)
        self._heartbeat = Heartbeat(cars, facts, self._keys, self._doubt)
        self._networks: tuple[CarNetwork, ...] = ()
        self._problem: str | None = None
        self._wake = asyncio.Event()
        self._is_asked = self._is_probe_asked = False
        self._watched_ns = -WATCHED_NS
        self._looked_ns = -LOOK_EVERY_NS
        self._missing_ns = mono_ns()
        self._looked_at: str | None = None
        self._is_looking = self._is_probing = False

    # reads

    def listing(self) -> Listing:
        """Every enrolled car with what is seen of it, then the machines that are none."""
        return listed(self._cars.all(), self._book.sightings)

    def state(self) -> FinderState:
        """What the looking is doing."""
        return FinderState(
            is_looking=self._is_looking,
            is_probing=self._is_probing,
            looked_at=self._looked_at,
            networks=tuple(f"{network.address}/{network.prefix}" for network in self._networks),
            problem=self._problem,
        )

    def check(self) -> Check:
        """The probe "cars": a car that does not answer is a warning, and races go on."""
        cars = self._cars.all()
        silent = [car.name for car in cars if not car.is_online]
        if self._problem is not None:
            return Check(ok=True, message=self._problem, remedy="Add a car by its address meanwhile, under Cars.")
        if not cars:
            return Check(ok=True, message="No car is paired yet.")
        if not silent:
            return Check(ok=True, message="The car answers." if len(cars) == 1 else f"All {len(cars)} cars answer.")
        named = ", ".join(silent[:NAMED]) + (f" and {len(silent) - NAMED} more" if len(silent) > NAMED else "")
        message = f"{len(cars) - len(silent)} of {len(cars)} cars answer. Silent: {named}."
        return Check(ok=True, message=message, remedy="Look at their power and the Wi-Fi.")

    # what people ask for

    def watch(self) -> None:
        """Somebody is looking at the list: look around now and then."""
        is_new = mono_ns() - self._watched_ns > WATCHED_NS
        self._watched_ns = mono_ns()
        if is_new:
            self._wake.set()

    def look_again(self, *, everywhere: bool = False) -> None:
        """Look around at once; `everywhere` also knocks at every address nearby, one after the other."""
        self._is_asked = True
        self._is_probe_asked = self._is_probe_asked or everywhere
        self._wake.set()

    async def add_typed(self, text: str) -> Sighting:
        """
        Look at one address that somebody typed.

        Raises:
            InvalidInput: it is no address of a car.
            NotReady: neither SSH nor a car's console answers there.
        """
        address, port = typed_place(text)
        self._book.say(address, Way.TYPED, port=port)
        task = self._book.check(address, force=True)
        if task is not None:
            await asyncio.shield(task)
        sighting = self._book.at(address)
        if sighting is None:
            raise NotReady(
                f"No car answers at {address}.",
                "Check that it is on and in this network: its own page shows its address.",
            )
        return sighting

    # the work

    async def run(self) -> None:
        """Look, listen and feel every car's pulse."""
        end = self._facts.subscribe(CarLost, lambda _: self._miss())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._heartbeat.run())
                tasks.create_task(self._look_when_due())
        finally:
            end()
            await self._book.close()
            await self._keys.close()

    async def _look_when_due(self) -> None:
        ear: Ear | None = None
        try:
            while True:
                try:
                    self._networks = await asyncio.to_thread(self._find_networks)
                    ear = ear or await self._open_ear()
                    if ear is not None:
                        await ear.listen(self._networks)
                    self._problem = None
                    if self._is_due():
                        await self._look()
                except Exception as error:  # Races go on, and it is tried again.
                    self._fail(error)
                self._wake.clear()
                if not self._is_asked:
                    # Not wait_for(): before Python 3.12 it may lose a cancellation that comes with the event.
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(TICK_S):
                            await self._wake.wait()
        finally:
            if ear is not None:
                ear.close()

    def _is_due(self) -> bool:
        if self._is_asked:
            return True
        now_ns = mono_ns()
        is_watched = now_ns - self._watched_ns < WATCHED_NS
        is_missed = now_ns - self._missing_ns < MISSING_NS and any(not car.is_online for car in self._cars.all())
        return (is_watched or is_missed) and now_ns - self._looked_ns >= LOOK_EVERY_NS

    async def _look(self) -> None:
        is_probing, is_forced = self._is_probe_asked, self._is_asked
        self._is_asked = self._is_probe_asked = False
        self._is_looking, self._is_probing, self._looked_ns = True, is_probing, mono_ns()
        self._facts.publish(CarsChanged())
        try:
            for lease in await asyncio.to_thread(read_leases, self._leases_root):
                if is_inside(lease.address, self._networks):
                    self._book.say(lease.address, Way.LEASE, host_name=lease.host_name)
            near = [address for network in self._networks for address in near_in(network)] if is_probing else []
            await asyncio.gather(self._ask_everybody(), self._book.check_all(near, force=is_forced))
            await self._book.settled()
        finally:
            self._is_looking = self._is_probing = False
            self._looked_at = now_iso()
            self._facts.publish(CarsChanged())

    async def _ask_everybody(self) -> None:
        if self._is_quiet:
            return
        from cars.finder.air import ask
        from cars.finder.mdns import questions

        await asyncio.gather(
            *(ask(network, questions(addresses), self._hear) for network in self._networks
              if (addresses := addresses_in(network)))
        )  # fmt: skip

    async def _open_ear(self) -> "Ear | None":
        """In a thread: the first call loads zeroconf, where the box does not announce itself."""
        if self._is_quiet:
            return None
        air = await asyncio.to_thread(importlib.import_module, "cars.finder.air")
        ear: Ear = air.Ear(self._hear)
        return ear

    def _hear(self, heard: "Heard") -> None:
        if not is_inside(heard.address, self._networks):
            return
        self._book.say(heard.address, heard.way, host_name=heard.host_name, serial=heard.serial)
        self._book.check(heard.address)

    def _doubt(self, address: str) -> None:
        """A car is lost, or another machine answers at its address."""
        self._book.check(address, force=True)

    def _miss(self) -> None:
        self._missing_ns = mono_ns()
        self._looked_ns = min(self._looked_ns, mono_ns() - LOOK_EVERY_NS)
        self._wake.set()

    def _fail(self, error: Exception) -> None:
        why = getattr(error, "strerror", None) or error
        problem = f"The network cannot be asked for cars: {why}. It is tried again by itself."
        if problem != self._problem:
            log.warning("looking_failed error=%r", error)
        self._problem = problem
