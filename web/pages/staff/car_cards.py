"""What people see of cars and of machines that may be cars: states, places and warnings as words; makes no page."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

from msgspec import Struct

from appliance.host_keys import fingerprint
from cars.car_structs import Car, Platform, Sighting, Way
from cars.sightings import ListedCar, Listing, Stranger, looks_like_car
from web.given import House

PLATFORMS = {
    Platform.STOCK_16: "DeepRacer, Ubuntu 16.04",
    Platform.STOCK_20: "DeepRacer, Ubuntu 20.04",
    Platform.COMMUNITY_20: "DeepRacer, community software on Ubuntu 20.04",
    Platform.COMMUNITY_24: "DeepRacer, community software on Ubuntu 24.04",
    Platform.PI: "Raspberry Pi",
    Platform.UNKNOWN: "unknown",
}
WAYS = {
    Way.SERVICE: "says that it is a car",
    Way.NAME: "answers to its name",
    Way.LEASE: "has its address from this box",
    Way.PROBE: "answers when knocked at",
    Way.TYPED: "was typed in",
}


class CarCard(Struct, frozen=True, kw_only=True):
    """
    An enrolled car. `look` is the colour of its state: ok, warn, bad or "".

    `warning` is a sentence that needs a hand, with what to do, `notes` the same in a few words; `again` is where it is
    paired again, None when it need not be.
    """

    car: Car
    look: str
    state: str
    place: str
    platform: str
    fleet: str | None
    warning: str | None
    notes: tuple[str, ...]
    again: str | None


class FoundCard(Struct, frozen=True, kw_only=True):
    """A machine that is not enrolled; `pair` is where pairing it begins."""

    name: str
    places: tuple[str, ...]
    serial: str | None
    has_ssh: bool
    fingerprint: str | None
    ways: str
    warning: str | None
    pair: str


class CarPicture(Struct, frozen=True, kw_only=True):
    """All of it: the cars, what looks like one, and what else has SSH."""

    cars: list[CarCard]
    found: list[FoundCard]
    others: list[FoundCard]

    @property
    def online(self) -> int:
        """How many cars answer."""
        return sum(card.car.is_online for card in self.cars)


def picture(house: House) -> CarPicture:
    """The list as it is now."""
    listing = house.finder.listing()
    strangers = [(looks_like_car(one.latest) or _has_to_do_with_one(one), _found(one)) for one in listing.strangers]
    fleets = _fleet_names(house)
    return CarPicture(
        cars=[_card(row, fleets) for row in listing.cars],
        found=[card for is_car, card in strangers if is_car],
        others=[card for is_car, card in strangers if not is_car],
    )


def car_card(house: House, car_id: str, listing: Listing | None = None) -> CarCard:
    """One car, released or not. Raises NotFound."""
    car = house.cars.get(car_id)
    rows = (listing or house.finder.listing()).cars
    row = next((row for row in rows if row.car.car_id == car_id), None)
    return _card(row or ListedCar(car=car, proven=(), named=(), reflashed=(), twins=()), _fleet_names(house))


def place_of(sighting: Sighting) -> str:
    """The address, with the port where it is not SSH's usual one."""
    return sighting.address if sighting.port == 22 else f"{sighting.address}:{sighting.port}"


def pair_address(address: str, name: str | None = None, username: str | None = None) -> str:
    """Where pairing begins, with what is known filled in."""
    known = {"address": address, "name": name, "username": username}
    return "/staff/cars/pair?" + urlencode({key: value for key, value in known.items() if value})


def _fleet_names(house: House) -> dict[str, str]:
    return {fleet.fleet_id: fleet.name for fleet in house.fleets.all()}


def _card(row: ListedCar, fleets: Mapping[str, str]) -> CarCard:
    car = row.car
    look, state = _state(row)
    place = car.address if car.port == 22 else f"{car.address}:{car.port}"
    is_again = bool(row.reflashed) or car.released_at is not None or _is_without_ssh(row)
    at = row.reflashed[0].address if row.reflashed else car.address
    return CarCard(
        car=car,
        look=look,
        state=state,
        place=place,
        platform=PLATFORMS[car.platform],
        fleet=fleets.get(car.fleet_id or ""),
        warning=_warning(row),
        notes=tuple(_notes(row)),
        again=pair_address(at, car.name, car.username) if is_again else None,
    )


def _state(row: ListedCar) -> tuple[str, str]:
    if row.car.released_at is not None:
        return "", "released"
    if row.car.is_online:
        return "ok", "there"
    if row.reflashed:
        return "warn", "flashed anew"
    return ("warn", "SSH is off") if row.named else ("bad", "away")


def _warning(row: ListedCar) -> str | None:
    if row.car.released_at is not None:
        return None
    if row.reflashed:
        return (
            f"A machine at {row.reflashed[0].address} has its serial and another host key: so it looks after it was"
            " flashed. Nothing is sent to it until it is paired again."
        )
    if row.twins:
        names = ", ".join(twin.name for twin in row.twins)
        return (
            f"It has the same host key as {names}: one was copied from the other. Flash one of them anew, then pair it."
        )
    if _is_without_ssh(row):
        return (
            "It is on, but its SSH does not answer. If it was flashed anew, pair it again: that switches SSH on. Else"
            " wait a minute, or start it again."
        )
    return None


def _notes(row: ListedCar) -> Iterator[str]:
    if row.reflashed:
        yield "new host key"
    if row.twins:
        yield f"same key as {row.twins[0].name}"
    if _is_without_ssh(row):
        yield "SSH is off"


def _is_without_ssh(row: ListedCar) -> bool:
    return bool(row.named) and not row.car.is_online


def _found(stranger: Stranger) -> FoundCard:
    latest = stranger.latest
    names = [one.host_name for one in stranger.sightings if one.host_name]
    name = names[0].removesuffix(".local") if names else latest.address
    ways = dict.fromkeys(WAYS[way] for one in stranger.sightings for way in one.ways)
    # A name that all fresh cars have would be none; the serial on the sticker is.
    given = latest.serial or (None if name.startswith("deepracer") or name == latest.address else name)
    return FoundCard(
        name=name,
        places=tuple(place_of(one) for one in stranger.sightings),
        serial=latest.serial,
        has_ssh=latest.has_ssh,
        fingerprint=None if latest.host_key is None else fingerprint(latest.host_key),
        ways=", ".join(ways),
        warning=_strange(stranger),
        pair=pair_address(latest.address, given),
    )


def _strange(stranger: Stranger) -> str | None:
    if stranger.clone_of is not None:
        name = stranger.clone_of.name
        return f"It shows the host key of {name}, and is another machine: it was copied from it. Flash it anew first."
    if stranger.claims is not None:
        return f"It says that it is {stranger.claims.name}, which answers elsewhere. Look which car this is."
    return None


def _has_to_do_with_one(stranger: Stranger) -> bool:
    return stranger.clone_of is not None or stranger.claims is not None
