"""Pairing as the server has it: a process for each car, steps as they go, the registry, release."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.database import Database
from appliance.errors import ApplianceError, Conflict, InvalidInput, NotFound
from appliance.facts import Facts
from appliance.host_keys import fingerprint
from cars import cars_schema
from cars.box_place import network_towards
from cars.car_history import CarNote
from cars.car_structs import Platform
from cars.cars import Cars
from cars.enrol_wire import Step, StepState
from cars.facts import CarsChanged
from cars.finder.addresses import is_findable
from cars.pairing_structs import NewPairing, PairingView, checked
from cars.pairings import Pairings
from tests.cars.hall import Car, Hall, needs_hall

SETTLED_S = 60
BEFORE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA"


class Crew:
    """A registry, and whoever pairs; `news` wakes whoever waits."""

    def __init__(self, db: Database, data_dir: Path) -> None:
        self.facts = Facts()
        self.news = asyncio.Event()
        self.facts.subscribe(CarsChanged, lambda _: self.news.set())
        self.cars = Cars(db, self.facts)
        self.pairings = Pairings(self.cars, self.facts, data_dir)

    async def ended(self, pairing_id: str) -> PairingView:
        async with asyncio.timeout(SETTLED_S):
            while (view := self.pairings.get(pairing_id)).is_running:
                self.news.clear()
                await self.news.wait()
        return view


@pytest.fixture
async def crew(tmp_path: Path) -> AsyncIterator[Crew]:
    db = await Database.open(tmp_path / "trackside.db", (cars_schema.MIGRATIONS,))
    made = Crew(db, tmp_path)
    await made.cars.load()
    yield made
    await made.pairings.stop()
    await db.close()


def typed(car: Car) -> NewPairing:
    return NewPairing(address=car.address, console_password=car.console_password, name="Blue 3")


@needs_hall
async def test_a_car_is_paired_listed_and_released(crew: Crew) -> None:
    async with Hall() as hall:
        car = await hall.car("community_20", password="Known-to-us-2026")
        before = await crew.cars.add_enrolled(
            serial=car.serial, name="Blüte 3", platform=Platform.STOCK_20, username="deepracer",
            host_key=BEFORE, address="10.9.8.7", actor="anna",
        )  # fmt: skip
        begun = crew.pairings.start(
            NewPairing(address=car.address, console_password=car.console_password, password="Known-to-us-2026"), "anna"
        )
        assert begun.is_running
        assert [step.state for step in begun.steps] == [None] * len(Step)
        with pytest.raises(Conflict, match="This car is being paired right now"):
            crew.pairings.start(typed(car), "bob")
        view = await crew.ended(begun.pairing_id)
        assert (view.message, view.remedy, view.car_id) == (None, None, None)
        assert view.asks is not None
        assert (view.asks.car_id, view.asks.name, view.asks.serial) == (before.car_id, "Blüte 3", car.serial)
        assert (view.asks.known, view.asks.shown) == (fingerprint(BEFORE), fingerprint(car.host_key))
        assert crew.cars.get(before.car_id) == before, "nothing is written down before somebody says that it is right"
        view = await crew.pairings.trust(begun.pairing_id, "bob")
        assert (await crew.pairings.trust(begun.pairing_id, "bob")) == view
        assert [step.state for step in view.steps] == [StepState.DONE] * len(Step)
        paired = crew.cars.get(view.car_id or "")
        assert (paired.serial, paired.platform, paired.host_key) == (car.serial, Platform.COMMUNITY_20, car.host_key)
        assert (paired.car_id, paired.address, paired.name) == (before.car_id, car.address, "Blüte 3")
        assert view.steps[-1].text == "As Blüte 3, with a new host key: its system was flashed since."
        assert "Known-to-us-2026" not in repr(crew.pairings._pairings)
        trusted = f"Its new host key is trusted: {fingerprint(car.host_key)} instead of {fingerprint(BEFORE)}."
        (line, *_) = await crew.cars.history(paired.car_id)
        assert (line.kind, line.actor, line.details) == (CarNote.REFLASHED, "bob", trusted)
        await one_that_still_knows_the_box_is_trusted_with_one_tap(crew, car)
        await another_car_is_not_trusted_for_it(crew, car)

        released = await crew.pairings.release(paired.car_id, "anna")
        assert released.released_at is not None
        assert not car.path("/usr/local/sbin/trackside-car").exists()
        history = await crew.cars.history(paired.car_id)
        assert history[0].details == "Released; everything that was changed on it is undone."


async def one_that_still_knows_the_box_is_trusted_with_one_tap(crew: Crew, car: Car) -> None:
    (paired,) = crew.cars.all()
    await car.call("new_host_keys")
    await car.call("restart_sshd")
    assert car.host_key != paired.host_key
    trusted = await crew.pairings.trust_key(paired.car_id, car.host_key, (car.address, 22), "anna")
    assert (trusted.car_id, trusted.host_key, trusted.name) == (paired.car_id, car.host_key, paired.name)
    assert (await crew.cars.history(paired.car_id))[0].kind is CarNote.REFLASHED


async def another_car_is_not_trusted_for_it(crew: Crew, car: Car) -> None:
    other = await crew.cars.add_enrolled(
        serial="AMSS-9999", name="Blue 9", platform=Platform.STOCK_20, username="deepracer",
        host_key=BEFORE, address=car.address, actor="anna",
    )  # fmt: skip
    with pytest.raises(Conflict) as refused:
        await crew.pairings.trust_key(other.car_id, car.host_key, (car.address, 22), "anna")
    assert refused.value.message == f"What answers at {car.address} is {car.serial}, not Blue 9 (AMSS-9999)."
    assert crew.cars.get(other.car_id) == other


async def test_a_pairing_that_fails_says_why_and_at_which_step(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cars.pairings.checked", lambda new, **_: new)
    begun = crew.pairings.start(NewPairing(address="127.0.0.1", port=9, console_port=9, console_password="x"), "anna")
    view = await crew.ended(begun.pairing_id)
    assert view.car_id is None
    assert (view.message or "").startswith("No console of a car answers at 127.0.0.1: ")
    assert [step.step for step in view.steps if step.state is StepState.FAILED] == [Step.CONSOLE]
    assert view.steps[0].text == f"{view.message} {view.remedy}"


async def test_a_process_that_dies_ends_the_pairing(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cars.pairings.checked", lambda new, **_: new)
    monkeypatch.setattr("sys.executable", "/bin/false")
    begun = crew.pairings.start(NewPairing(address="127.0.0.1"), "anna")
    view = await crew.ended(begun.pairing_id)
    assert (view.message, view.steps[0].state) == ("It ended before it was done.", StepState.FAILED)


async def test_a_car_that_is_away_is_let_go_only_when_forced(crew: Crew) -> None:
    car = await crew.cars.add_enrolled(
        serial="AMSS-1234", name="Blue 3", platform=Platform.STOCK_20, username="deepracer",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", address="127.0.0.1", port=9, actor="anna",
    )  # fmt: skip
    with pytest.raises(ApplianceError) as caught:
        await crew.pairings.release(car.car_id, "anna")
    assert caught.value.message == "127.0.0.1 is on, but nothing answers at its port 9."
    assert crew.cars.get(car.car_id).released_at is None
    released = await crew.pairings.release(car.car_id, "anna", is_forced=True)
    assert released.released_at is not None
    assert (await crew.cars.history(car.car_id))[0].details == (
        "Released without reaching it, so this box's key is still there:"
        " 127.0.0.1 is on, but nothing answers at its port 9."
    )
    with pytest.raises(NotFound, match="was released"):
        await crew.pairings.release(car.car_id, "anna")


@pytest.mark.parametrize("address", ["10.0.0.2", "10.0.0.3", "10.0.1.2"])
def test_every_address_at_which_cars_are_found_can_be_paired(address: str) -> None:
    assert is_findable(address)
    assert checked(NewPairing(address=address)).address == address


@pytest.mark.parametrize("address", ["10.0.0.1", "10.0.1.1"])
def test_the_address_of_every_cars_usb_port_is_refused(address: str) -> None:
    assert not is_findable(address)
    with pytest.raises(InvalidInput) as refused:
        checked(NewPairing(address=address))
    assert str(refused.value) == (
        "Every car has this address at its USB port. Use the one that it has in this network."
    )


def test_the_box_knows_its_network_towards_a_car() -> None:
    assert network_towards("127.0.0.5") == "127.0.0.0/8"


async def test_a_pairing_of_before_a_restart_is_not_known(crew: Crew) -> None:
    with pytest.raises(NotFound, match="not known here any more"):
        crew.pairings.get("gone")
