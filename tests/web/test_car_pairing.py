"""Pairing a car on the crew's pages and through the API: the form, the steps as they go, releasing it."""

import asyncio
import re

import pytest

from appliance.permissions import Role
from cars.car_structs import Car, Platform
from cars.enrol_wire import Step
from cars.facts import CarsChanged
from cars.pairing_structs import NewPairing
from tests.cars.hall import Hall, needs_hall
from tests.web.conftest import Site

OPERATOR = Role.OPERATOR.value
SETTLED_S = 60


async def post(site: Site, path: str, **fields: str) -> tuple[int, str]:
    """Send a form as a browser without script does; answers where it leads, or the page."""
    async with site.browser(OPERATOR) as browser:
        shown = await browser.get(path)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', shown.text))
        answer = await browser.post(path, data=hidden | fields)
        return answer.status_code, answer.headers.get("location", answer.text)


async def ended(site: Site, path: str) -> str:
    """The page of a pairing, once nothing runs any more."""
    news = asyncio.Event()
    site.house.facts.subscribe(CarsChanged, lambda _: news.set())
    async with asyncio.timeout(SETTLED_S):
        while "Look again" in (shown := (await site.send(OPERATOR, "GET", path)).text):
            await news.wait()
            news.clear()
    return shown


async def away(site: Site) -> Car:
    return await site.house.cars.add_enrolled(
        serial="AMSS-1234",
        name="Blüte 3",
        platform=Platform.STOCK_20,
        username="deepracer",
        host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA",
        address="127.0.0.1",
        port=9,
        actor="test",
    )


async def test_the_form_takes_the_address_of_a_car_that_was_seen(site: Site) -> None:
    shown = await site.send(OPERATOR, "GET", "/staff/cars/pair?address=192.168.1.42&name=Bl%C3%BCte")
    assert 'value="192.168.1.42"' in shown.text
    assert 'value="Blüte"' in shown.text
    assert 'value="deepracer"' in shown.text


async def test_what_was_typed_wrong_is_said_beside_its_field_and_no_password_is_shown_again(site: Site) -> None:
    status, text = await post(site, "/staff/cars/pair", address="10.0.0.1", console_password="geheim-42")
    assert status == 400
    assert "Every car has this address at its USB port. Use the one that it has in this network." in text
    assert 'id="address-error"' in text
    assert "geheim-42" not in text
    status, text = await post(site, "/staff/cars/pair", address="")
    assert (status, "Type its address, for example 192.168.1.42." in text) == (400, True)


@needs_hall
async def test_a_car_is_paired_on_the_page_and_released(site: Site) -> None:
    async with Hall() as hall:
        car = await hall.car("stock_20")
        status, path = await post(
            site,
            "/staff/cars/pair",
            address=car.address,
            console_password=car.console_password,
            new_password="Trackside-2026-hall",
            name="Blüte 3",
        )
        assert status == 303
        shown = await ended(site, path)
        assert "Blüte 3 is paired." in shown
        assert shown.count('class="pill ok"') == len(Step)
        assert "Trackside-2026-hall" not in shown
        (found,) = site.house.cars.all()
        assert f'href="/staff/cars/{found.car_id}"' in shown
        told = await site.send(OPERATOR, "GET", f"/api/cars/pairings/{path.rpartition('/')[2]}")
        assert told.json()["car_id"] == found.car_id

        status, path = await post(site, f"/staff/cars/{found.car_id}/release")
        assert (status, path) == (303, "/staff/cars?done=released")
        assert site.house.cars.all() == []
        assert not car.path("/etc/sudoers.d/trackside-car").exists()


async def test_a_pairing_that_failed_says_what_to_do_and_offers_another_try(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cars.pairings.checked", lambda new, **_: new)
    new = NewPairing(address="127.0.0.1", port=9, console_port=9, console_password="x", name="Blüte")
    begun = site.house.pairings.start(new, "test")
    shown = await ended(site, f"/staff/cars/pair/{begun.pairing_id}")
    assert "No console of a car answers at 127.0.0.1" in shown
    assert "Check the address, and that the car is on: it takes two minutes to start." in shown
    assert shown.count('class="pill bad"') == 1
    assert "hx-trigger" not in shown.partition('id="pairing"')[2].partition(">")[0]
    assert 'href="/staff/cars/pair?address=127.0.0.1&amp;name=Bl%C3%BCte"' in shown


async def test_a_car_that_is_away_is_released_only_when_one_insists(site: Site) -> None:
    car = await away(site)
    path = f"/staff/cars/{car.car_id}/release"
    status, text = await post(site, path)
    assert status == 503
    assert "127.0.0.1 is on, but nothing answers at its port 9." in text
    assert "Release it anyway." in text
    assert site.house.cars.get(car.car_id).released_at is None
    status, path = await post(site, path, anyway="1")
    assert (status, path) == (303, "/staff/cars?done=released")
    assert site.house.cars.get(car.car_id).released_at is not None


async def test_the_api_names_what_is_wrong_and_releases_on_demand(site: Site) -> None:
    wrong = await site.send(OPERATOR, "POST", "/api/cars", json={"address": "car.local"})
    assert (wrong.status_code, wrong.json()) == (
        400,
        {"message": "That is no address of a car.", "remedy": "For example: 192.168.1.42.", "field": "address"},
    )
    car = await away(site)
    kept = await site.send(OPERATOR, "DELETE", f"/api/cars/{car.car_id}")
    assert (kept.status_code, kept.json()["message"]) == (503, "127.0.0.1 is on, but nothing answers at its port 9.")
    gone = await site.send(OPERATOR, "DELETE", f"/api/cars/{car.car_id}?anyway=true")
    assert (gone.status_code, gone.json()["released_at"] is not None) == (200, True)
