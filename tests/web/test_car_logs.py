"""Logs of races over HTTP and on the pages: asked for, fetched from a real sshd, for the racer and nobody else."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import msgspec
import pytest

from appliance.permissions import Role
from cars.car_structs import Platform
from cars.facts import LogsChanged
from cars.log_structs import OPEN, LogState, LogView
from tests.cars.log_box import record
from tests.cars.small_car import SmallCar
from tests.timing.sshd import needs_root, needs_sshd
from tests.web.conftest import Site
from tests.web.racing_day import act, add_racer
from timing.journal import Kind
from timing.structs import Event, NewRace, RaceView
from web.car_logs import fetch_logs
from web.house import House

OPERATOR, RACER = Role.OPERATOR.value, Role.RACER.value
SETTLED_S = 60
NAME = "the-racer-fast-20260101-120000"


@pytest.fixture
def car(tmp_path: Path, house: House) -> Iterator[SmallCar]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (house.settings.data_dir / "ssh.key").write_bytes(key.export_private_key())
    with SmallCar(tmp_path / "car", key) as car:
        yield car


async def enrolled(house: House, car: SmallCar | None = None) -> str:
    """A car of the box; one that nobody reaches without a `car`."""
    added = await house.cars.add_enrolled(
        serial="AMSS-0404" if car is None else car.serial,
        name="Blau 1",
        platform=Platform.COMMUNITY_20,
        username="deepracer" if car is None else car.user,
        host_key="ssh-ed25519 AAAA" if car is None else car.pin,
        address="127.0.0.1" if car is None else car.host,
        port=1 if car is None else car.port,
        actor="test",
    )
    if car is None:
        await house.cars.missed(added.car_id)
    return added.car_id


async def race_of(house: House, event: Event, racer_id: str, car_id: str | None) -> RaceView:
    """A race that is running."""
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=racer_id, car_id=car_id)
    return await act(house, await house.control.create(new, "test"), Kind.START)


async def handed_in(house: House, race: RaceView) -> RaceView:
    return await act(house, await act(house, race, Kind.END), Kind.SUBMIT)


async def until(house: House, race_id: str, is_it: Callable[[LogView], bool]) -> LogView:
    """The newest logs of a race, once they are so."""
    changed = asyncio.Event()
    end = house.facts.subscribe(LogsChanged, lambda _: changed.set())
    try:
        async with asyncio.timeout(SETTLED_S):
            while not (found := await house.logs.find(race_id=race_id)) or not is_it(found[0]):
                await changed.wait()
                changed.clear()
            return found[0]
    finally:
        end()


async def press(site: Site, page: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str]:
    """Send a form of a page; answers where it leads, or what is shown."""
    async with site.browser(OPERATOR) as browser:
        shown = (await browser.get(page)).text
        assert f'action="{path}"' in shown
        token = re.search(r'name="_csrf" value="([^"]+)"', shown)
        assert token is not None
        answer = await browser.post(path, data={"_csrf": token[1], **(fields or {})})
        return answer.status_code, answer.headers.get("location", answer.text)


@needs_root
@needs_sshd
async def test_the_crew_presses_and_the_racer_downloads(site: Site, event: Event, car: SmallCar) -> None:
    house = site.house
    car_id = await enrolled(house, car)
    race = await race_of(house, event, site.person_ids[RACER], car_id)
    bag = record(car, NAME, b"what the camera saw")
    page = f"/staff/races/{race.race_id}"
    assert "Fetch logs" not in (await site.send(OPERATOR, "GET", page)).text, "the race goes on"
    race = await handed_in(house, race)
    assert await press(site, page, f"{page}/logs") == (303, f"{page}#logs")
    log = await until(house, race.race_id, lambda log: log.state not in OPEN)
    assert (log.state, log.names, log.racer_id) == (LogState.STORED, [NAME], site.person_ids[RACER])
    shown = (await site.send(OPERATOR, "GET", page)).text
    assert f'href="/api/logs/{log.log_id}/file"' in shown
    assert "Fetch logs" not in shown
    assert f'href="/api/logs/{log.log_id}/file"' in (await site.send(RACER, "GET", "/me")).text
    file = await site.send(RACER, "GET", f"/api/logs/{log.log_id}/file")
    assert file.headers["content-disposition"].startswith('attachment; filename="logs-Blau-1-2')
    assert file.headers["content-type"] == "application/x-tar"
    assert bag.read_bytes() in file.content
    assert len(file.content) == log.size_bytes
    listed = (await site.send(OPERATOR, "GET", f"/staff/cars/{car_id}/logs")).text
    assert NAME in listed
    assert "the-racer" in (await site.send(OPERATOR, "GET", "/staff/logs")).text
    back = {"next": page}
    status, asked = await press(site, page, f"/staff/logs/{log.log_id}/delete", back)
    assert (status, "Delete these logs of Blau 1 from the box?" in asked) == (200, True)
    assert (await site.send(RACER, "GET", f"/api/logs/{log.log_id}/file")).status_code == 200
    assert await press(site, page, f"/staff/logs/{log.log_id}/delete", {**back, "sure": "1"}) == (303, page)
    assert (await site.send(RACER, "GET", f"/api/logs/{log.log_id}/file")).status_code == 409
    assert "Deleted." in (await site.send(OPERATOR, "GET", page)).text


async def test_nobody_elses_logs_are_there(site: Site, event: Event) -> None:
    house = site.house
    other = await add_racer(house, "somebody")
    race = await handed_in(house, await race_of(house, event, other, await enrolled(house)))
    made = await site.send(OPERATOR, "POST", "/api/logs", json={"race_id": race.race_id})
    log_id = made.json()["log_id"]
    for role in (Role.RACER, Role.COMMENTATOR, Role.REGISTRATION):
        assert (await site.send(role.value, "GET", "/api/logs")).json() == []
        for path in (f"/api/logs/{log_id}", f"/api/logs/{log_id}/file"):
            assert (await site.send(role.value, "GET", path)).status_code == 404
    assert [log["log_id"] for log in (await site.send(OPERATOR, "GET", "/api/logs")).json()] == [log_id]
    commentators = (await site.send(Role.COMMENTATOR.value, "GET", f"/staff/races/{race.race_id}")).text
    assert 'id="logs"' not in commentators


async def test_a_race_given_to_another_racer_takes_its_logs_along(site: Site, event: Event) -> None:
    house = site.house
    other = await add_racer(house, "somebody")
    race = await handed_in(house, await race_of(house, event, other, await enrolled(house)))
    await site.send(OPERATOR, "POST", "/api/logs", json={"race_id": race.race_id})
    await act(house, race, Kind.SET_RACER, racer_id=site.person_ids[RACER])
    log = await until(house, race.race_id, lambda log: log.racer_id == site.person_ids[RACER])
    assert (await site.send(RACER, "GET", f"/api/logs/{log.log_id}")).status_code == 200


async def test_a_car_that_is_away_is_waited_for_and_that_is_said(site: Site, event: Event) -> None:
    house = site.house
    race = await handed_in(house, await race_of(house, event, site.person_ids[RACER], await enrolled(house)))
    page = f"/staff/races/{race.race_id}"
    await press(site, page, f"{page}/logs")
    await until(house, race.race_id, lambda log: log.reason is not None)
    shown = (await site.send(OPERATOR, "GET", page)).text
    assert "Blau 1 is out of reach." in shown
    assert 'hx-trigger="every 2s"' in shown
    again = (await site.send(OPERATOR, "POST", "/api/logs", json={"race_id": race.race_id})).json()
    assert [again["log_id"]] == [log.log_id for log in await house.logs.find()]


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        ({}, 400, "Give a race_id, or a car_id with a recording."),
        ({"race_id": "a", "car_id": "b", "recording": "c"}, 400, "Give a race_id, or a car_id with a recording."),
        ({"car_id": "nobody", "recording": "a"}, 400, "There is no such car."),
    ],
)
async def test_what_nobody_can_fetch_is_refused(site: Site, data: dict[str, str], status: int, message: str) -> None:
    answer = await site.send(OPERATOR, "POST", "/api/logs", json=data)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


async def test_a_race_that_goes_on_or_had_no_car_has_no_logs(site: Site, event: Event) -> None:
    house = site.house
    race = await race_of(house, event, site.person_ids[RACER], await enrolled(house))
    ask = {"race_id": race.race_id}
    answer = await site.send(OPERATOR, "POST", "/api/logs", json=ask)
    assert (answer.status_code, answer.json()["message"]) == (409, "This race goes on.")
    await handed_in(house, race)
    bare = await handed_in(house, await race_of(house, event, site.person_ids[RACER], None))
    answer = await site.send(OPERATOR, "POST", "/api/logs", json={"race_id": bare.race_id})
    assert answer.json()["message"] == "No car of this box is known to have driven this race."
    assert 'id="logs"' not in (await site.send(OPERATOR, "GET", f"/staff/races/{bare.race_id}")).text


async def test_with_the_setting_logs_are_asked_for_after_the_hand_in_and_not_before(house: House, event: Event) -> None:
    by_itself = msgspec.structs.replace(house.settings, fetch_logs=True)
    fetch_logs(House(**{name: getattr(house, name) for name in House.__slots__} | {"settings": by_itself}))
    racer_id = await add_racer(house, "somebody")
    race = await race_of(house, event, racer_id, await enrolled(house))
    race = await act(house, race, Kind.END)
    assert await house.logs.find() == []
    await act(house, race, Kind.SUBMIT)
    log = await until(house, race.race_id, lambda _: True)
    assert (log.actor, log.racer_id) == ("box", racer_id)


async def test_without_it_nothing_is_asked_for(house: House, event: Event) -> None:
    racer_id = await add_racer(house, "somebody")
    await handed_in(house, await race_of(house, event, racer_id, await enrolled(house)))
    assert await house.logs.find() == []


async def test_logs_of_a_car_that_is_away_are_listed_with_why_it_could_not_be_read(site: Site) -> None:
    car_id = await enrolled(site.house)
    answer = await site.send(OPERATOR, "GET", f"/staff/cars/{car_id}/logs")
    assert answer.status_code == 503
    assert "Nothing of this car yet." in answer.text
    assert "Check that it is on" in answer.text or "switch SSH on" in answer.text
