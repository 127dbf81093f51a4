"""Pushes over HTTP: a racer's model from the box to a real sshd with the real helper, and what is refused."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from cars.car_structs import Platform
from cars.facts import ModelChanged, PushesChanged
from cars.model_structs import ModelStatus
from tests.cars.model_samples import model_archive
from tests.cars.small_car import SmallCar
from tests.timing.sshd import needs_root, needs_sshd
from tests.web.conftest import Site
from web.house import House

NOWHERE = "0190a000-0000-7000-8000-000000000000"
SETTLED_S = 60


@pytest.fixture
def car(tmp_path: Path, house: House) -> Iterator[SmallCar]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (house.settings.data_dir / "ssh.key").write_bytes(key.export_private_key())
    with SmallCar(tmp_path / "car", key) as car:
        yield car


@pytest.fixture
async def model_id(site: Site) -> str:
    """A model of the racer, looked into."""
    archive = model_archive()
    changed = asyncio.Event()
    end = site.house.facts.subscribe(ModelChanged, lambda _: changed.set())
    new = {"file_name": "fast.tar.gz", "size_bytes": len(archive)}
    upload = (await site.send("racer", "POST", "/api/uploads", json=new)).json()
    sent = await site.send("racer", "PUT", f"/api/uploads/{upload['upload_id']}?offset=0", content=archive)
    model_id: str = sent.json()["model_id"]
    async with asyncio.timeout(SETTLED_S):
        while (await site.house.models.get(model_id)).status is ModelStatus.UPLOADED:
            await changed.wait()
            changed.clear()
    end()
    assert (await site.house.models.get(model_id)).status is ModelStatus.AVAILABLE
    return model_id


async def enrolled(site: Site, car: SmallCar | None) -> str:
    """A car of the box; one that nobody reaches without a `car`."""
    added = await site.house.cars.add_enrolled(
        serial="AMSS-1234" if car is None else car.serial,
        name="blue-1",
        platform=Platform.STOCK_20,
        username="deepracer" if car is None else car.user,
        host_key="ssh-ed25519 AAAA" if car is None else car.pin,
        address="127.0.0.1" if car is None else car.host,
        port=1 if car is None else car.port,
        actor="test",
    )
    return added.car_id


async def until(site: Site, push_id: str, *states: str) -> dict[str, object]:
    """The push once it is in one of these states."""
    changed = asyncio.Event()
    end = site.house.facts.subscribe(PushesChanged, lambda _: changed.set())
    try:
        async with asyncio.timeout(SETTLED_S):
            while True:
                push: dict[str, object] = (await site.send("operator", "GET", f"/api/pushes/{push_id}")).json()
                if push["state"] in states and (push["state"] != "waiting" or push["reason"]):
                    return push
                await changed.wait()
                changed.clear()
    finally:
        end()


@needs_root
@needs_sshd
async def test_a_racers_model_goes_onto_a_car_and_is_found_there(site: Site, car: SmallCar, model_id: str) -> None:
    car_id = await enrolled(site, car)
    asked = await site.send("operator", "POST", "/api/pushes", json={"car_ids": [car_id], "model_ids": [model_id]})
    assert asked.status_code == 201
    (push,) = asked.json()
    assert (push["car_name"], push["model_name"], push["folder"]) == ("blue-1", "fast", "the-racer-fast")
    done = await until(site, push["push_id"], "done", "failed")
    assert (done["state"], done["reason"]) == ("done", None)
    assert (await site.send("operator", "GET", "/api/pushes?open=true")).json() == []
    held = (await site.send("operator", "GET", f"/api/cars/{car_id}/models")).json()
    assert [(model["folder"], model["model_id"]) for model in held["models"]] == [("the-racer-fast", model_id)]
    async with site.browser("operator") as browser:
        shown = (await browser.get(f"/staff/cars/{car_id}/models")).text
    assert "the-racer-fast" in shown
    assert "the-racer</span>" in shown
    assert sorted(car.held("the-racer-fast") or {}) == ["checksum.txt", "model.pb", "model_metadata.json"]


async def test_a_push_to_a_car_that_is_away_waits_and_is_cancelled(site: Site, model_id: str) -> None:
    car_id = await enrolled(site, None)
    body = {"car_ids": [car_id], "model_ids": [model_id]}
    (push,) = (await site.send("operator", "POST", "/api/pushes", json=body)).json()
    (twin,) = (await site.send("operator", "POST", "/api/pushes", json=body)).json()
    assert twin["push_id"] == push["push_id"]
    waiting = await until(site, push["push_id"], "waiting")
    assert waiting["reason"] == "blue-1 is out of reach: connection refused."
    cancelled = await site.send("operator", "DELETE", f"/api/pushes/{push['push_id']}")
    assert cancelled.status_code == 200
    ended = await until(site, push["push_id"], "cancelled")
    assert ended["ended_at"] is not None
    again = await site.send("operator", "DELETE", f"/api/pushes/{push['push_id']}")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


async def test_the_models_of_a_car_that_is_away_cannot_be_read(site: Site) -> None:
    car_id = await enrolled(site, None)
    answer = await site.send("operator", "GET", f"/api/cars/{car_id}/models")
    assert answer.status_code == 503
    assert answer.json()["message"] == "blue-1 is out of reach: connection refused."
    async with site.browser("operator") as browser:
        shown = await browser.get(f"/staff/cars/{car_id}/models")
    assert (shown.status_code, "blue-1 is out of reach: connection refused." in shown.text) == (503, True)


async def test_a_push_of_nothing_or_of_too_much_is_refused(site: Site, model_id: str) -> None:
    car_id = await enrolled(site, None)
    for body in ({"car_ids": [], "model_ids": [model_id]}, {"car_ids": [car_id], "model_ids": ["x"] * 201}):
        assert (await site.send("operator", "POST", "/api/pushes", json=body)).status_code == 400
    gone = await site.send("operator", "POST", "/api/pushes", json={"car_ids": [car_id], "model_ids": [NOWHERE]})
    assert (gone.status_code, gone.json()["field"]) == (400, "model_ids")
    await site.house.models.delete(model_id, "test")
    body = {"car_ids": [car_id], "model_ids": [model_id]}
    deleted = await site.send("operator", "POST", "/api/pushes", json=body)
    assert (deleted.status_code, deleted.json()["message"]) == (409, "fast was deleted.")
    assert (await site.send("operator", "GET", "/api/pushes")).json() == []


async def test_a_released_car_gets_nothing(site: Site, model_id: str) -> None:
    car_id = await enrolled(site, None)
    await site.house.cars.release(car_id, actor="test")
    body = {"car_ids": [car_id], "model_ids": [model_id]}
    answer = await site.send("operator", "POST", "/api/pushes", json=body)
    assert (answer.status_code, answer.json()["message"]) == (400, "blue-1 was released.")


async def test_the_page_offers_models_and_cars_and_shows_what_waits(site: Site, model_id: str) -> None:
    car_id = await enrolled(site, None)
    async with site.browser("operator") as browser:
        empty = (await browser.get("/staff/pushes")).text
        assert "Nothing is on its way." in empty
        assert f'value="{model_id}"' in empty
        assert f'value="{car_id}" checked' in empty
        found = (await browser.get("/staff/pushes?find=nobody")).text
        assert "No model or racer is called “nobody”." in found
        token = browser.cookies["csrftoken"]
        sent = await browser.post("/staff/pushes", data={"_csrf": token, "car": car_id})
        assert (sent.status_code, "No model is ticked." in sent.text) == (400, True)
        sent = await browser.post("/staff/pushes", data={"_csrf": token, "car": car_id, "model": model_id})
        assert (sent.status_code, sent.headers["location"]) == (303, "/staff/pushes?done=asked")
        (push,) = await site.house.pushes.find()
        await until(site, push.push_id, "waiting")
        shown = (await browser.get("/staff/pushes")).text
        assert "blue-1 is out of reach: connection refused." in shown
        cancelled = await browser.post(f"/staff/pushes/{push.push_id}/cancel", data={"_csrf": token})
        assert cancelled.status_code == 303
        await until(site, push.push_id, "cancelled")
        again = await browser.post(f"/staff/pushes/{push.push_id}/again", data={"_csrf": token})
        assert again.status_code == 303
        (newest, _) = await site.house.pushes.find()
        while (await until(site, newest.push_id, "waiting", "cancelled"))["state"] == "waiting":
            await browser.post("/staff/pushes/waiting/cancel", data={"_csrf": token})


async def test_the_live_page_tells_what_waits_and_each_end(site: Site, model_id: str) -> None:
    car_id = await enrolled(site, None)
    heard = ""
    async with site.browser("operator") as browser, browser.stream("GET", "/staff/pushes/stream") as stream:
        texts = stream.aiter_text()

        async def until_told(words: str) -> None:
            nonlocal heard
            async with asyncio.timeout(SETTLED_S):
                while words not in heard:
                    heard += await anext(texts)

        await until_told("Nothing is on its way.")
        body = {"car_ids": [car_id], "model_ids": [model_id]}
        (push,) = (await site.send("operator", "POST", "/api/pushes", json=body)).json()
        await until_told("blue-1 is out of reach: connection refused.")
        await site.send("operator", "DELETE", f"/api/pushes/{push['push_id']}")
        await until_told("Cancelled")
