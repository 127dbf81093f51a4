"""Which sighting is which car: every car once, every machine once, whatever names, addresses and keys do."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cars.serials import serial_in_name, serial_of
from cars.sightings import Listing, address_order, listed
from tests.cars.car_samples import Machine, World, a_car, a_sighting

KEY_1, KEY_2, OTHER = "ssh-ed25519 KEY-1", "ssh-ed25519 KEY-2", "ssh-ed25519 OTHER"


def addresses(listing: Listing) -> list[str]:
    """Of all strangers, each by where it was seen last."""
    return [stranger.latest.address for stranger in listing.strangers]


def test_car_is_known_by_its_host_key_at_any_address_and_by_any_name() -> None:
    seen = [a_sighting("10.9.8.7", host_key=KEY_1, host_name="deepracer-2.local")]
    listing = listed([a_car(1)], seen)
    assert listing.cars[0].proven == tuple(seen)
    assert listing.strangers == ()


def test_two_cars_called_deepracer_are_two_cars() -> None:
    seen = [
        a_sighting("10.9.8.7", host_key=KEY_1, host_name="deepracer.local"),
        a_sighting("10.9.8.8", host_key=KEY_2, host_name="deepracer-2.local"),
    ]
    for sightings in (seen, [a_sighting("10.9.8.7", host_key=KEY_2), a_sighting("10.9.8.8", host_key=KEY_1)]):
        listing = listed([a_car(1), a_car(2)], sightings)
        assert [row.proven[0].host_key for row in listing.cars] == [KEY_1, KEY_2]
        assert listing.strangers == ()


def test_same_serial_with_a_new_key_is_the_flashed_car_and_no_second_row() -> None:
    seen = a_sighting("10.9.8.7", host_key=OTHER, host_name="amss-0001.local")
    listing = listed([a_car(1)], [seen])
    assert (listing.cars[0].proven, listing.cars[0].reflashed) == ((), (seen,))
    assert listing.strangers == ()


def test_who_names_a_serial_while_that_car_is_there_is_a_stranger() -> None:
    real = a_sighting("10.9.8.101", host_key=KEY_1, host_name="amss-0001.local")
    other = a_sighting("10.9.8.66", host_key=OTHER, host_name="amss-0001-2.local")
    listing = listed([a_car(1)], [real, other])
    assert (listing.cars[0].proven, listing.cars[0].reflashed) == ((real,), ())
    assert [(one.sightings, one.claims) for one in listing.strangers] == [((other,), a_car(1))]


def test_same_key_with_another_serial_is_a_copied_image_and_not_the_car() -> None:
    copy = a_sighting("10.9.8.7", host_key=KEY_1, host_name="amss-0002.local")
    listing = listed([a_car(1)], [copy])
    assert listing.cars[0].proven == ()
    assert [(one.sightings, one.clone_of) for one in listing.strangers] == [((copy,), a_car(1))]


def test_two_enrolled_cars_with_one_key_are_told_apart_by_serial_or_by_address() -> None:
    twin = a_car(2, host_key=KEY_1)
    named = a_sighting("10.9.8.7", host_key=KEY_1, host_name="amss-0002.local")
    listing = listed([a_car(1), twin], [named])
    assert [row.proven for row in listing.cars] == [(), (named,)]
    assert listing.cars[0].twins == (twin,)
    at_its_place = a_sighting(twin.address, host_key=KEY_1)
    assert listed([a_car(1), twin], [at_its_place]).cars[1].proven == (at_its_place,)
    anywhere = a_sighting("10.9.8.7", host_key=KEY_1)
    unknown = listed([a_car(1), twin], [anywhere])
    assert [row.proven for row in unknown.cars] == [(), ()]
    assert unknown.strangers[0].clone_of == a_car(1)


def test_machine_without_ssh_at_a_cars_last_address_is_that_car_for_now() -> None:
    quiet = a_sighting("10.9.8.101", has_ssh=False)
    listing = listed([a_car(1)], [quiet])
    assert (listing.cars[0].proven, listing.cars[0].named) == ((), (quiet,))
    elsewhere = a_sighting("10.9.8.7", host_key=KEY_1)
    moved = listed([a_car(1)], [quiet, elsewhere])
    assert moved.cars[0].proven == (elsewhere,)
    assert addresses(moved) == ["10.9.8.101"]


def test_stranger_at_two_addresses_is_one_row_with_the_newest_first() -> None:
    old = a_sighting("10.9.8.7", host_key=OTHER, seen_at="2026-11-22T10:00:01.000Z")
    new = a_sighting("10.9.8.8", host_key=OTHER, seen_at="2026-11-22T10:00:02.000Z")
    assert [one.sightings for one in listed([], [old, new]).strangers] == [(new, old)]
    fresh = a_sighting("10.9.8.9", host_name="amss-7777.local", has_ssh=False)
    again = a_sighting("10.9.8.10", host_name="amss-7777-2.local", has_ssh=False)
    assert len(listed([], [fresh, again]).strangers) == 1


def test_cars_without_any_identity_stay_apart() -> None:
    seen = [a_sighting(f"10.9.8.{host}", host_name="deepracer.local", has_ssh=False) for host in (10, 9)]
    assert addresses(listed([], seen)) == ["10.9.8.9", "10.9.8.10"]


@pytest.mark.parametrize(
    ("name", "serial"),
    [
        ("amss-1234.local", "AMSS-1234"),
        ("AMSS-12AB-3.local.", "AMSS-12AB"),
        ("amss-1234", "AMSS-1234"),
        ("deepracer.local", None),
        ("amss-12345.local", None),
        ("xamss-1234", None),
        ("", None),
        (None, None),
    ],
)
def test_serial_in_a_host_name(name: str | None, serial: str | None) -> None:
    assert serial_in_name(name) == serial


@pytest.mark.parametrize(
    ("text", "serial"),
    [
        ("amss-1234\n", "AMSS-1234"),
        ("10000000abcdef01\0", "10000000ABCDEF01"),
        ("Default string", None),
        ("To Be Filled By O.E.M.", None),
        ("None", None),
        ("0" * 16, None),
        ("  ", None),
        ("x" * 65, None),
        ("<b>", None),
    ],
)
def test_placeholders_are_no_serials(text: str, serial: str | None) -> None:
    assert serial_of(text) == serial


def test_addresses_are_in_the_order_of_their_numbers() -> None:
    given_order = ["car.local", "10.0.0.10", "10.0.0.9", "9.0.0.255"]
    assert sorted(given_order, key=address_order) == ["9.0.0.255", "10.0.0.9", "10.0.0.10", "car.local"]


# No ghosts, in whatever order things happen

PLACES = [f"10.9.8.{host}" for host in range(101, 109)]
DEEDS = ("step", "move", "leave", "flash", "enrol", "look", "ssh", "around")
Deed = tuple[str, int, int]


def a_hall() -> World:
    stock = [Machine(f"AMSS-{n:04d}", f"ssh-ed25519 FIRST-{n}", is_stock=True) for n in range(3)]
    plain = [Machine(f"AMSS-{n:04d}", f"ssh-ed25519 FIRST-{n}", is_stock=False) for n in range(3, 6)]
    return World([*stock, *plain])


def happen(world: World, deed: Deed) -> None:
    what, which, where = deed
    machine = world.machines[which]
    match what:
        case "move":
            world.move(machine, PLACES[where])
        case "step":
            world.move(machine, PLACES[where])
            world.look(machine)
        case "leave":
            world.move(machine, None)
        case "flash":
            world.flash(machine)
        case "ssh":
            machine.has_ssh = not machine.has_ssh
        case "enrol" if machine.address is not None and machine.has_ssh:
            world.enrol(machine)
        case "look":
            world.look(machine)
        case "around":
            world.look_around()


deeds = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 5), st.integers(0, 7)), max_size=40)


@given(deeds)
def test_no_sequence_of_sightings_makes_a_ghost(happened: list[Deed]) -> None:
    world = a_hall()
    for deed in happened:
        happen(world, deed)
        listing = listed(world.cars, world.book.values())
        # Every enrolled car is one row, and every sighting has one place.
        assert [row.car for row in listing.cars] == world.cars
        placed = Counter(
            sighting
            for row in (
                *(r.proven + r.named + r.reflashed for r in listing.cars),
                *(s.sightings for s in listing.strangers),
            )
            for sighting in row
        )
        assert placed == Counter(world.book.values())
        # No two strangers have one key or one serial.
        for told in ("host_key", "serial"):
            owners = Counter(
                value
                for stranger in listing.strangers
                for value in {getattr(sighting, told) for sighting in stranger.sightings} - {None}
            )
            assert max(owners.values(), default=1) == 1, (told, owners)


@given(deeds)
def test_after_a_look_around_every_machine_is_exactly_one_row(happened: list[Deed]) -> None:
    world = a_hall()
    for deed in happened:
        happen(world, deed)
    world.look_around()
    listing = listed(world.cars, world.book.values())
    there = [machine for machine in world.machines if machine.address is not None]
    by_serial = {car.serial: car for car in world.cars}
    for row in listing.cars:
        machine = next(one for one in world.machines if one.serial == row.car.serial)
        keeps_its_key = machine in there and machine.has_ssh and machine.key == row.car.host_key
        assert [one.address for one in row.proven] == ([machine.address] if keeps_its_key else [])
    new = {machine.address for machine in there if machine.serial not in by_serial}
    strange = [sighting.address for one in listing.strangers for sighting in one.sightings]
    assert len(strange) == len(listing.strangers), "each of them is one machine, so it was seen once"
    known_by_name = {sighting.address for row in listing.cars for sighting in (*row.named, *row.reflashed)}
    assert new <= {*strange, *known_by_name}
    # Whoever is a stranger though enrolled has lost its key, and has no name that would tell.
    for address in {*strange} - new:
        machine = next(one for one in there if one.address == address)
        car = by_serial[machine.serial]
        assert not machine.is_stock
        assert not machine.has_ssh or machine.key != car.host_key
