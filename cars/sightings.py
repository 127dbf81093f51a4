"""
Which sighting is which car: one row per machine, whatever its names and addresses do. Pure.

A host key is proof, for a machine shows it by signing with it. A serial that a machine tells of itself is a claim: it
joins and it warns, and nothing is sent to a machine on the strength of it. A name as mDNS has it is nothing at all,
for two cars called `deepracer` swap theirs at each boot.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cars.car_structs import Car, Sighting, Way


@dataclass(frozen=True, slots=True)
class ListedCar:
    """
    An enrolled car and what was seen of it, each newest first.

    `proven` shows its host key. `named` only says that it is this car, or is where it last was, and shows no key.
    `reflashed` names its serial and shows another key, while nothing shows the known one. `twins`: other enrolled cars
    with the very same key, made from one image.
    """

    car: Car
    proven: tuple[Sighting, ...]
    named: tuple[Sighting, ...]
    reflashed: tuple[Sighting, ...]
    twins: tuple[Car, ...]


@dataclass(frozen=True, slots=True)
class Stranger:
    """
    A machine that is not enrolled, at one address or more, newest sighting first.

    `clone_of` is a car whose host key it shows, though it is another machine: a copied image. `claims` is a car whose
    serial it names, though that car is proven elsewhere.
    """

    sightings: tuple[Sighting, ...]
    clone_of: Car | None
    claims: Car | None

    @property
    def latest(self) -> Sighting:
        """What was seen of it last."""
        return self.sightings[0]


@dataclass(frozen=True, slots=True)
class Listing:
    """The whole list: `cars` in the order given, `strangers` by address."""

    cars: tuple[ListedCar, ...]
    strangers: tuple[Stranger, ...]


def listed(cars: Sequence[Car], sightings: Iterable[Sighting]) -> Listing:
    """
    Put every sighting to the car or the stranger that it is of.

    Args:
        cars: The enrolled ones, each serial once.
        sightings: The newest one of each address.

    Returns:
        Each car once; each sighting with exactly one car or stranger.
    """
    newest_first = sorted(sightings, key=lambda one: (one.seen_at, one.address), reverse=True)
    proven: dict[str, list[Sighting]] = {car.car_id: [] for car in cars}
    named: dict[str, list[Sighting]] = {car.car_id: [] for car in cars}
    reflashed: dict[str, list[Sighting]] = {car.car_id: [] for car in cars}
    strange: list[Sighting] = []
    rest: list[Sighting] = []
    for sighting in newest_first:
        car = proven_car(cars, sighting)
        (rest if car is None else proven[car.car_id]).append(sighting)
    missing = [car for car in cars if not proven[car.car_id]]
    for sighting in rest:
        car = None if _owners(cars, sighting) else _meant_car(missing, sighting)
        if car is None:
            strange.append(sighting)
        elif sighting.host_key is None:
            named[car.car_id].append(sighting)
        elif all(other.host_key == sighting.host_key for other in reflashed[car.car_id]):
            reflashed[car.car_id].append(sighting)
        else:
            strange.append(sighting)
    rows = tuple(
        ListedCar(
            car=car,
            proven=tuple(proven[car.car_id]),
            named=tuple(named[car.car_id]),
            reflashed=tuple(reflashed[car.car_id]),
            twins=tuple(other for other in cars if other is not car and other.host_key == car.host_key),
        )
        for car in cars
    )
    return Listing(cars=rows, strangers=tuple(_strangers(cars, strange)))


def proven_car(cars: Sequence[Car], sighting: Sighting) -> Car | None:
    """
    The car that this machine is, by its host key; None when it proves nothing, or only that it was copied.

    Where several machines may have the key, the serial decides, and without one the address where the car last was.
    """
    owners = _owners(cars, sighting)
    if sighting.serial is not None:
        return next((car for car in owners if car.serial == sighting.serial), None)
    if len(owners) == 1:
        return owners[0]
    return next((car for car in owners if car.address == sighting.address), None)


def _owners(cars: Sequence[Car], sighting: Sighting) -> list[Car]:
    if sighting.host_key is None:
        return []
    return [car for car in cars if car.host_key == sighting.host_key]


def _meant_car(cars: Sequence[Car], sighting: Sighting) -> Car | None:
    """The car that it says it is; without a word and a key, the one that was last reached there."""
    if sighting.serial is not None:
        return next((car for car in cars if car.serial == sighting.serial), None)
    if sighting.host_key is None:
        return next((car for car in cars if car.address == sighting.address), None)
    return None


def _strangers(cars: Sequence[Car], strange: Sequence[Sighting]) -> list[Stranger]:
    """One for each machine, as far as it can be told: by serial, else by host key, else by address."""
    serial_of_key: dict[str, str] = {}
    for sighting in strange:
        if sighting.host_key is not None and sighting.serial is not None:
            serial_of_key.setdefault(sighting.host_key, sighting.serial)
    groups: dict[tuple[str, str], list[Sighting]] = {}
    for sighting in strange:
        groups.setdefault(_identity(sighting, serial_of_key), []).append(sighting)
    found = [_stranger(cars, group) for group in groups.values()]
    return sorted(found, key=lambda one: address_order(one.latest.address))


def _identity(sighting: Sighting, serial_of_key: dict[str, str]) -> tuple[str, str]:
    key = sighting.host_key
    serial = sighting.serial or (None if key is None else serial_of_key.get(key))
    if serial is not None:
        return "serial", serial
    return ("address", sighting.address) if key is None else ("key", key)


def _stranger(cars: Sequence[Car], group: list[Sighting]) -> Stranger:
    owners = [car for sighting in group for car in _owners(cars, sighting)]
    serials = {sighting.serial for sighting in group}
    return Stranger(
        sightings=tuple(group),
        clone_of=owners[0] if owners else None,
        claims=next((car for car in cars if car.serial in serials), None),
    )


def looks_like_car(sighting: Sighting) -> bool:
    """Whether it is worth showing to somebody who looks for cars: a phone or a printer with SSH is not."""
    told = {Way.SERVICE, Way.TYPED}.intersection(sighting.ways) or sighting.serial is not None
    return bool(told) or sighting.has_console or (sighting.host_name or "").lower().startswith("deepracer")


def address_order(address: str) -> tuple[int, ...]:
    """A key by which 10.0.0.9 comes before 10.0.0.10; whatever is no IPv4 address comes last."""
    parts = address.split(".")
    if len(parts) == 4 and all(part.isdecimal() for part in parts):
        return tuple(int(part) for part in parts)
    return (256, *map(ord, address))
