"""
The book of addresses: what was said of each, and what a knock there showed last.

Owns who is knocked at and when a host key is read again; tells the registry of a car that proved itself. Nothing of it
is stored, and it is bounded: a hostile network cannot fill it. Event loop only.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from appliance.clock import mono_ns, now_iso
from appliance.facts import Facts
from cars.car_structs import Car, Sighting, Way
from cars.cars import Cars
from cars.facts import CarsChanged
from cars.finder.addresses import DEFAULT_PORT
from cars.finder.keys import HostKeys
from cars.finder.knock import CONNECT_S, QUICK_S, knock_console, knock_ssh
from cars.liveness import SECOND_NS, Answer
from cars.serials import serial_in_name
from cars.sightings import proven_car

KEY_NS = 300 * SECOND_NS
"""As long as it answers at each look, a machine need not show its key again."""
DULL_NS = 60 * SECOND_NS
"""A phone that answers to its name and to no knock is let be for so long; a car is not."""
BUSY_NS = 3 * SECOND_NS
"""However often it says its name, a machine is not knocked at more often."""
WORD_NS = 600 * SECOND_NS
"""What was said of an address is believed for so long, unless it is said again."""
MAX_ADDRESSES = 2_048
MAX_WAITING = 1_024
AT_ONCE = 40

log = logging.getLogger("trackside.finder")


@dataclass(slots=True)
class Word:
    """What was said of an address without knocking there."""

    host_name: str | None = None
    serial: str | None = None
    port: int = DEFAULT_PORT
    ways: set[Way] = field(default_factory=set)
    heard_ns: int = 0


class Book:
    """`say` what was heard, `check` an address; `sightings` is what is so now. `await close()` at the end."""

    def __init__(self, cars: Cars, facts: Facts, keys: HostKeys) -> None:
        self._cars = cars
        self._facts = facts
        self._keys = keys
        self._words: dict[str, Word] = {}
        self._sightings: dict[str, Sighting] = {}
        self._checked_ns: dict[str, int] = {}
        self._key_ns: dict[str, int] = {}
        self._checking: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Semaphore(AT_ONCE)

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """The newest of each address that answers."""
        return tuple(self._sightings.values())

    def at(self, address: str) -> Sighting | None:
        """What is there."""
        return self._sightings.get(address)

    def say(
        self,
        address: str,
        way: Way,
        *,
        host_name: str | None = None,
        serial: str | None = None,
        port: int | None = None,
    ) -> None:
        """Something was said of this address; a service or a person knows more than a name."""
        word = self._words.get(address)
        if word is None:
            if len(self._words) >= MAX_ADDRESSES:
                del self._words[min(self._words, key=lambda one: self._words[one].heard_ns)]
            word = self._words[address] = Word()
        word.ways.add(way)
        word.heard_ns = mono_ns()
        if host_name is not None:
            kept = word.serial if host_name == word.host_name else None
            word.host_name, word.serial = host_name, serial or serial_in_name(host_name) or kept
        if port is not None:
            word.port = port

    def check(self, address: str, *, force: bool = False) -> "asyncio.Task[None] | None":
        """Knock there; without `force` not when that was just done, or is known to be no use."""
        if address in self._checking:
            return self._checking[address]
        since_ns = mono_ns() - self._checked_ns.get(address, -DULL_NS)
        is_dull = address not in self._sightings and not self._is_promising(address)
        if not force and since_ns < (DULL_NS if is_dull else BUSY_NS):
            return None
        if len(self._checking) >= MAX_WAITING:
            return None
        task = self._checking[address] = asyncio.create_task(self._check(address, force=force))
        task.add_done_callback(lambda _: self._checking.pop(address, None))
        return task

    def _is_promising(self, address: str) -> bool:
        """Whether it is said to be a car: one that has just been switched on may not answer at its first knock."""
        word = self._words.get(address, Word())
        is_named = word.serial is not None or (word.host_name or "").lower().startswith("deepracer")
        return is_named or not word.ways.isdisjoint({Way.SERVICE, Way.TYPED, Way.LEASE})

    async def check_all(self, more: Iterable[str] = (), *, force: bool) -> None:
        """Every address that is known of, and these; who does not answer is taken out."""
        self._forget()
        tasks = [self.check(address, force=force) for address in {*self._words, *self._sightings, *more}]
        await asyncio.gather(*(task for task in tasks if task is not None))

    async def settled(self) -> None:
        """Every knock that is under way has come to its end."""
        await asyncio.gather(*self._checking.values())

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._checking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _check(self, address: str, *, force: bool) -> None:
        try:
            async with self._turn:
                port = self._words.get(address, Word()).port
                within_s = CONNECT_S if address in self._words or address in self._sightings else QUICK_S
                answer, has_console = await asyncio.gather(
                    knock_ssh(address, port, within_s), knock_console(address, within_s=within_s)
                )
            if answer is Answer.SSH or has_console:
                await self._put(address, port, answer is Answer.SSH, has_console, force)
            else:
                self._drop(address)
        except Exception:  # One machine must not keep the others from being found.
            log.exception("check_failed address=%s", address)
            self._drop(address)
        self._checked_ns[address] = mono_ns()

    async def _put(self, address: str, port: int, has_ssh: bool, has_console: bool, force: bool) -> None:
        before = self._sightings.get(address)
        key = await self._key(address, port, before, force) if has_ssh else None
        if before is not None and before.host_key is not None and key != before.host_key:
            self._forget_old_name(address)
        word = self._words.get(address, Word())
        sighting = Sighting(
            address=address,
            port=port,
            host_name=word.host_name,
            serial=word.serial,
            host_key=key,
            has_ssh=has_ssh,
            has_console=has_console,
            ways=tuple(sorted(word.ways or {Way.PROBE})),
            seen_at=now_iso(),
        )
        self._sightings[address] = sighting
        car = proven_car(self._cars.all(), sighting)
        if car is not None and await self._may_move(car, sighting):
            await self._cars.seen(car.car_id, address=address, port=port)
        await self._part(sighting)
        if before is None or _told(before) != _told(sighting):
            self._facts.publish(CarsChanged())

    async def _key(self, address: str, port: int, before: Sighting | None, force: bool) -> str | None:
        is_fresh = mono_ns() - self._key_ns.get(address, -KEY_NS) < KEY_NS
        if before is not None and before.host_key is not None and is_fresh and not force:
            return before.host_key
        key = await self._keys.read(address, port)
        self._key_ns[address] = mono_ns()
        return key

    async def _may_move(self, car: Car, sighting: Sighting) -> bool:
        """A car with two addresses stays at the one where it answers; elsewhere it goes to the new one."""
        if not car.is_online or car.address == sighting.address:
            return True
        answer = await knock_ssh(car.address, car.port)
        return answer is not Answer.SSH or await self._keys.read(car.address, car.port) != car.host_key

    async def _part(self, sighting: Sighting) -> None:
        """A car that was there and is it no longer: flashed, or another machine has its address."""
        place = (sighting.address, sighting.port)
        for car in self._cars.all():
            if car.is_online and (car.address, car.port) == place and sighting.host_key not in (None, car.host_key):
                await self._cars.missed(car.car_id)

    def _forget_old_name(self, address: str) -> None:
        """Another machine is at this address: what was said before it came was said of the one before."""
        word = self._words.get(address)
        if word is not None and word.heard_ns < self._checked_ns.get(address, 0):
            word.host_name = word.serial = None
            word.ways.discard(Way.SERVICE)

    def _forget(self) -> None:
        now_ns = mono_ns()
        old = [address for address, word in self._words.items() if now_ns - word.heard_ns > WORD_NS]
        for address in old:
            if address not in self._sightings:
                del self._words[address]
        self._checked_ns = {
            address: at_ns
            for address, at_ns in self._checked_ns.items()
            if now_ns - at_ns < DULL_NS or address in self._sightings
        }

    def _drop(self, address: str) -> None:
        self._key_ns.pop(address, None)
        if self._sightings.pop(address, None) is not None:
            self._facts.publish(CarsChanged())


def _told(sighting: Sighting) -> tuple[object, ...]:
    """What people would see differ; not when."""
    return (sighting.host_name, sighting.serial, sighting.host_key, sighting.has_ssh, sighting.has_console)
