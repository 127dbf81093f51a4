"""The pages of the cars: from an empty box to forty cars, one of them flashed and another one copied."""

import pytest

from appliance.host_keys import fingerprint
from cars.car_history import CarNote
from cars.car_structs import Car, Platform, Sighting, Way
from cars.fleet_structs import NewFleet
from tests.cars.car_samples import a_sighting
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from web.house import House


def key(number: int) -> str:
    return f"ssh-ed25519 {'AAAAC3NzaC1lZDI1NTE5AAAA' + f'{number:04d}' * 8}"


def spot(house: House, *sightings: Sighting) -> None:
    """What a look round would have found."""
    for sighting in sightings:
        house.finder._book._sightings[sighting.address] = sighting


async def paired(house: House, number: int = 1, name: str | None = None, **more: str) -> Car:
    return await house.cars.add_enrolled(
        serial=f"AMSS-{number:04d}", name=name or f"Blau {number}", platform=Platform.STOCK_20, username="deepracer",
        host_key=more.get("host_key", key(number)), address=f"10.9.8.{number}", actor="box", core_version="2.1.2.7",
    )  # fmt: skip


async def test_box_without_cars_says_how_to_get_the_first_one(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        text = words(await crew.get("/staff/cars"))
    assert "None is paired yet. The first car" in text
    assert "Switch the car on, and bring it into this box's Wi-Fi" in text
    assert "It is not in the list? Its address" in text


async def test_forty_cars_are_listed_in_the_order_that_people_count_in(site: Site, house: House) -> None:
    cars = [await paired(house, number) for number in range(40, 0, -1)]
    await house.cars.missed(cars[0].car_id)
    fleet = await house.fleets.add(NewFleet(name="Piste links"))
    await house.cars.update(cars[-1].car_id, fleet_id=fleet.fleet_id)
    async with Crew(site, "operator") as crew:
        text = words(await crew.get("/staff/cars"))
    assert "39 of 40 are there." in text
    assert "Blau 1 10.9.8.1 Piste links there Blau 2 10.9.8.2 there Blau 3" in text
    assert "Blau 40 10.9.8.40 away" in text


async def test_flashed_car_is_paired_again_with_one_tap(site: Site, house: House) -> None:
    car = await paired(house)
    await house.cars.missed(car.car_id)
    spot(house, a_sighting("10.9.8.77", host_name="amss-0001.local", host_key=key(99)))
    async with Crew(site, "operator") as crew:
        page = await crew.get("/staff/cars")
        assert "Blau 1 10.9.8.1 flashed anew A machine at 10.9.8.77 has its serial and another host key" in words(page)
        assert 'href="/staff/cars/pair?address=10.9.8.77&amp;name=Blau+1&amp;username=deepracer"' in page.text
        await crew.get(f"/staff/cars/{car.car_id}")
        assert "It was flashed: trust the new key" in words(crew.page)


async def test_a_car_that_is_on_without_ssh_is_not_called_away(site: Site, house: House) -> None:
    car = await paired(house)
    await house.cars.missed(car.car_id)
    spot(house, a_sighting("10.9.8.1", has_ssh=False))
    told = (
        "SSH is off It is on, but its SSH does not answer. If it was flashed anew, pair it again: that switches SSH on."
        " Else wait a minute, or start it again. Pair it again"
    )
    async with Crew(site, "operator") as crew:
        for path in ("/staff/cars", f"/staff/cars/{car.car_id}"):
            page = await crew.get(path)
            assert told in words(page)
            assert 'href="/staff/cars/pair?address=10.9.8.1&amp;name=Blau+1&amp;username=deepracer"' in page.text


async def test_a_new_key_is_trusted_on_the_page_of_the_car_or_leads_to_the_form(site: Site, house: House) -> None:
    car = await house.cars.add_enrolled(
        serial="AMSS-0001", name="Blüte 1", platform=Platform.STOCK_20, username="deepracer", host_key=key(1),
        address="127.0.0.1", port=9, actor="box",
    )  # fmt: skip
    await house.cars.missed(car.car_id)
    spot(house, a_sighting("127.0.0.1", port=9, host_name="amss-0001.local", host_key=key(99)))
    async with Crew(site, "operator") as crew:
        page = await crew.get(f"/staff/cars/{car.car_id}")
        assert f"Host key {fingerprint(key(1))} Shown now {fingerprint(key(99))}" in words(page)
        assert "It was flashed: trust the new key" in words(page)
        page = await crew.send(f"/staff/cars/{car.car_id}/host-key", host_key=key(99))
    assert page.status_code == 503
    assert "127.0.0.1 is on, but nothing answers at its port 9." in words(page)
    assert f'name="trusted_key" value="{key(99)}"' in page.text
    assert 'value="Blüte 1"' in page.text
    assert house.cars.get(car.car_id).host_key == key(1)


async def test_found_machines_lead_to_pairing(site: Site, house: House) -> None:
    await paired(house)
    spot(
        house,
        a_sighting("10.9.8.50", host_name="amss-7d2f.local", has_ssh=False),
        a_sighting("10.9.8.51", host_name="deepracer-2.local", host_key=key(51), ways=(Way.LEASE,), port=2222),
        a_sighting("10.9.8.52", host_name="amss-0002.local", host_key=key(1)),
        a_sighting("10.9.8.53", host_name="annas-laptop.local", host_key=key(53), has_console=False),
    )
    async with Crew(site, "operator") as crew:
        page = await crew.get("/staff/cars")
        text = words(page)
        assert "3 more can be paired." in text
        assert "amss-7d2f 10.9.8.50 Answers to its name. SSH is off: pairing switches it on. Pair" in text
        assert "deepracer-2 10.9.8.51:2222 Has its address from this box. Pair" in text
        assert "It shows the host key of Blau 1, and is another machine: it was copied from it." in text
        assert 'href="/staff/cars/pair?address=10.9.8.50&amp;name=AMSS-7D2F"' in page.text
        assert 'href="/staff/cars/pair?address=10.9.8.51"' in page.text, "deepracer is every car's name, and none"
        assert "1 other machine with SSH Show" in text
        assert "annas-laptop" not in text
        assert "annas-laptop 10.9.8.53" in words(await crew.get("/staff/cars?others=1"))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("red car", "red car is no address of a car. For example: 192.168.1.20"),
        ("10.0.1.1", "10.0.1.1 is the same on every car: it is its USB socket."),
    ],
)
async def test_typed_nonsense_is_refused_beside_its_field(site: Site, typed: str, told: str) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/cars")
        answer = await crew.send("/staff/cars/found", address=typed)
    assert answer.status_code == 400
    assert told in words(answer)
    assert f'value="{typed}"' in answer.text
    assert 'aria-describedby="address-error"' in answer.text


async def test_looking_again_is_asked_for(site: Site, house: House) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/cars")
        assert "Looking again." in words(await crew.send("/staff/cars/look"))
        assert not house.finder._is_probe_asked
        text = words(await crew.send("/staff/cars/look", everywhere="1"))
    assert "Knocking at every address nearby: this takes about ten seconds." in text
    assert house.finder._is_probe_asked


async def test_car_has_a_page_with_its_history(site: Site, house: House) -> None:
    car = await paired(house)
    operator = site.person_ids["operator"]
    for number in range(60):
        await house.cars.note(car.car_id, CarNote.COMMAND, operator, f"Tail light no. {number}.")
    async with Crew(site, "operator") as crew:
        page = await crew.get(f"/staff/cars/{car.car_id}")
        text = words(page)
        assert "Blau 1 AMSS-0001 Now there Address 10.9.8.1 Kind DeepRacer, Ubuntu 20.04" in text
        assert "Tail light no. 59. the-operator" in text
        assert "Tail light no. 9." not in text
        older = page.text.partition("?before=")[2].partition("#")[0]
        text = words(await crew.get(f"/staff/cars/{car.car_id}?before={older}"))
    assert "Tail light no. 9." in text
    assert "Paired as Blau 1, at 10.9.8.1." in text
    assert "Tail light no. 10." not in text


async def test_car_is_renamed_and_a_taken_name_is_refused(site: Site, house: House) -> None:
    car, _ = await paired(house), await paired(house, 2)
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/cars/{car.car_id}")
        assert "Saved." in words(await crew.send(f"/staff/cars/{car.car_id}", name="Grün 7"))
        answer = await crew.send(f"/staff/cars/{car.car_id}", name="BLAU 2")
        assert answer.status_code == 400
        assert "There is a car called Blau 2 already. Choose another name." in words(answer)
    assert house.cars.get(car.car_id).name == "Grün 7"
    (line, *_) = await house.cars.history(car.car_id)
    assert (line.actor, line.details) == (site.person_ids["operator"], "Was Blau 1, is Grün 7.")


async def test_released_car_keeps_its_page(site: Site, house: House) -> None:
    car = await paired(house)
    await house.cars.release(car.car_id, actor="box")
    async with Crew(site, "operator") as crew:
        assert "None is paired yet." in words(await crew.get("/staff/cars"))
        text = words(await crew.get(f"/staff/cars/{car.car_id}"))
        assert "Now released Pair it again" in text
        assert (await crew.send(f"/staff/cars/{car.car_id}", name="Grün 7")).status_code == 404
