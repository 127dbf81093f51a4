"""Cars are found as they come: untouched ones by name, others by lease, knock or hand; and none of them twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.errors import InvalidInput, NotReady
from cars.car_structs import Way
from cars.facts import CarFound, CarLost
from cars.finder.addresses import CarNetwork
from cars.finder.finder import Finder
from cars.liveness import SECOND_NS
from cars.sightings import Listing, looks_like_car
from tests.appliance.two_machines import needs_avahi
from tests.cars.hall import needs_hall
from tests.cars.street import PATIENCE_S, Street, strangers, street_in

pytestmark = [needs_hall, needs_avahi]


@pytest.fixture
async def street(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Street]:
    """A look takes 1 s instead of 3: nothing is lost on the street's cables, and most tests look until it is so."""
    monkeypatch.setattr("cars.finder.air.ASKED_AT_S", (0.0, 0.3))
    monkeypatch.setattr("cars.finder.air.ANSWERS_S", 0.7)
    async with street_in(tmp_path) as street:
        yield street


async def test_untouched_car_is_found_by_who_has_this_address(street: Street) -> None:
    street.network = CarNetwork(street.hall.name, street.hall.address, 24)
    car = await street.park(220, name="amss-12ab", ssh=False)
    (found,) = (await street.until(lambda listing: bool(strangers(listing)))).strangers
    assert strangers(street.finder.listing()) == [(car.address, "amss-12ab.local", "AMSS-12AB")]
    assert (found.latest.has_ssh, found.latest.has_console, found.latest.host_key) == (False, True, None)


async def test_two_cars_of_one_name_are_two_cars_and_stay_who_they_are(street: Street) -> None:
    first, second = await street.park(20, name="deepracer"), await street.park(21, name="deepracer")
    listing = await street.until(lambda listing: len(strangers(listing)) == 2)
    names = {name for _, name, _ in strangers(listing)}
    assert names == {"deepracer.local", "deepracer-2.local"}
    await street.enrol(first, "AMSS-0001", "Blue 1")
    await street.enrol(second, "AMSS-0002", "Blue 2")
    first.move(f"{street.hall.net}.31")
    second.move(f"{street.hall.net}.30")
    places = {"Blue 1": first.address, "Blue 2": second.address}
    await street.until(
        lambda listing: (
            {row.car.name: row.car.address for row in listing.cars if row.car.is_online} == places
            and listing.strangers == ()
        )
    )


async def test_flashed_car_is_the_same_row_and_says_so(street: Street) -> None:
    machine = await street.park(20, name="amss-0001", ssh=False)
    old = await machine.sshd()
    car = await street.enrol(machine, "AMSS-0001", "Blue 1")
    await street.until(lambda listing: bool(listing.cars[0].proven))
    old.kill()
    machine.new_key()
    await machine.sshd()
    listing = await street.until(lambda listing: bool(listing.cars[0].reflashed))
    assert [(one.host_key, one.serial) for one in listing.cars[0].reflashed] == [(machine.host_key, "AMSS-0001")]
    assert listing.strangers == ()
    await street.until(lambda _: not street.cars.get(car.car_id).is_online)
    await street.enrol(machine, "AMSS-0001", "Blue 1")
    listing = await street.until(lambda listing: bool(listing.cars[0].proven))
    assert [row.car.car_id for row in listing.cars] == [car.car_id]


async def test_copied_image_is_not_taken_for_the_car(street: Street) -> None:
    real = await street.park(20, name="amss-0001", service="AMSS-0001")
    car = await street.enrol(real, "AMSS-0001", "Blue 1")
    copy = await street.park(21, name="amss-0002", service="AMSS-0001", key_of=real)
    listing = await street.until(lambda listing: bool(listing.strangers and listing.cars[0].proven))
    assert strangers(listing) == [(copy.address, "amss-0002.local", "AMSS-0002")]
    assert listing.strangers[0].clone_of is not None
    assert street.cars.get(car.car_id).address == real.address
    assert [one.address for one in listing.cars[0].proven] == [real.address]


async def test_enrolled_car_tells_its_serial_whatever_its_name(street: Street) -> None:
    machine = await street.park(20, name="rennwagen", service="AMSS-0007", console=False)
    listing = await street.until(lambda listing: any(one.latest.serial for one in listing.strangers))
    assert strangers(listing) == [(machine.address, "rennwagen.local", "AMSS-0007")]
    assert Way.SERVICE in listing.strangers[0].latest.ways


async def test_car_without_mdns_is_found_by_a_lease_by_a_knock_and_by_hand(street: Street) -> None:
    by_lease = await street.park(20)
    leases = street.directory / "root/var/lib/misc/dnsmasq.leases"
    leases.parent.mkdir(parents=True)
    leases.write_text(f"1795000000 02:00:00:00:00:20 {by_lease.address} deepracer *\n")
    listing = await street.look()
    assert strangers(listing) == [(by_lease.address, "deepracer", None)]
    assert listing.strangers[0].latest.ways == (Way.LEASE,)
    by_hand = await street.park(22)
    sighting = await street.finder.add_typed(f" {by_hand.address} ")
    assert (sighting.address, sighting.host_key, sighting.ways) == (by_hand.address, by_hand.host_key, (Way.TYPED,))
    by_knock = await street.park(21, console=False)
    street.finder.look_again(everywhere=True)
    listing = await street.until(lambda listing: len(listing.strangers) == 3, looking=False)
    found = next(one for one in listing.strangers if one.latest.address == by_knock.address).latest
    assert (found.ways, found.host_key, found.has_console) == ((Way.PROBE,), by_knock.host_key, False)


async def test_what_is_no_car_is_not_taken_for_one(street: Street) -> None:
    await street.park(20, name="annas-phone", ssh=False, console=False)
    laptop = await street.park(21, name="laptop", console=False)
    await laptop.console("router.example")
    car = await street.park(22, name="amss-0001", ssh=False)
    car.add_address("10.0.0.1")
    await street.until(lambda listing: len(listing.strangers) == 2)
    listing = await street.look()
    assert strangers(listing) == [
        (laptop.address, "laptop.local", None), (car.address, "amss-0001.local", "AMSS-0001"),
    ]  # fmt: skip
    assert [looks_like_car(one.latest) for one in listing.strangers] == [False, True]


async def test_car_that_vanishes_is_lost_and_found_at_its_new_address(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cars.liveness.SILENT_MISSES", 1)
    monkeypatch.setattr("cars.liveness.ONLINE_NS", SECOND_NS)
    machine = await street.park(20, name="deepracer")
    car = await street.enrol(machine, "AMSS-0001", "Blue 1")
    lost, found = asyncio.Event(), asyncio.Event()
    await street.until(lambda listing: bool(listing.cars[0].proven))
    street.facts.subscribe(CarLost, lambda fact: fact == CarLost(car_id=car.car_id) and lost.set())
    street.facts.subscribe(CarFound, lambda fact: fact == CarFound(car_id=car.car_id) and found.set())
    machine.pull()
    async with asyncio.timeout(PATIENCE_S):
        await lost.wait()
    listing = street.finder.listing()
    assert (listing.cars[0].car.is_online, len(listing.cars)) == (False, 1)
    machine.move(f"{street.hall.net}.33")
    machine.plug()
    async with asyncio.timeout(PATIENCE_S):
        await found.wait()
    assert street.cars.get(car.car_id).address == machine.address
    await street.until(lambda listing: listing.strangers == (), looking=False)


async def test_typed_address_without_a_car_says_what_to_do(street: Street) -> None:
    nobody = f"{street.hall.net}.99"
    with pytest.raises(NotReady, match=rf"No car answers at {nobody}\. Check that it is on and in this network"):
        await street.finder.add_typed(nobody)
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.1 is the same on every car: it is its USB socket\."):
        await street.finder.add_typed("10.0.0.1")
    with pytest.raises(InvalidInput, match=r"red car is no address of a car\. For example: 192\.168\.1\.20"):
        await street.finder.add_typed("red car")


async def test_quiet_box_asks_nobody_and_finds_what_is_typed(street: Street) -> None:
    machine = await street.park(20, name="amss-0001")
    street.finder = Finder(street.cars, street.facts, networks=lambda: (street.network,), is_quiet=True)
    finding = asyncio.create_task(street.finder.run())
    try:
        assert (await street.look()).strangers == ()
        await street.finder.add_typed(machine.address)
        assert strangers(street.finder.listing()) == [(machine.address, None, None)]
    finally:
        finding.cancel()
        await asyncio.wait([finding])


async def test_every_kind_of_car_is_found_and_not_banned_for_being_looked_at(street: Street) -> None:
    kinds = ("stock_20", "stock_20_drem", "community_20", "community_24", "pi")
    cars = await asyncio.gather(*(street.hall.car(kind) for kind in kinds))
    with_avahi = {car.address for car in cars if car.profile.has_avahi}
    without = {car.address for car in cars} - with_avahi
    assert with_avahi
    assert without
    await street.until(lambda listing: {address for address, _, _ in strangers(listing)} == with_avahi)
    await street.look()
    await street.until(lambda listing: len(listing.strangers) == len(cars), everywhere=True)
    for _ in range(3):  # the sixth time that each shows its key: a car bans whoever fails five times
        await street.look()
    has_ssh = {car.address: car.profile.name != "stock_20" for car in cars}
    expected = {
        car.address: (True, has_ssh[car.address], car.host_key if has_ssh[car.address] else None) for car in cars
    }
    listing = await street.until(lambda listing: seen(listing) == expected)
    assert all(looks_like_car(one.latest) for one in listing.strangers)


def seen(listing: Listing) -> dict[str, tuple[bool, bool, str | None]]:
    """Whether a console and an SSH server answer at each address, and the key that was shown."""
    every = [one.latest for one in listing.strangers]
    return {one.address: (one.has_console, one.has_ssh, one.host_key) for one in every}
