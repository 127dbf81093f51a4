"""All cars at a glance, the stop of a track's cars, and how the crew's stream tells that cars changed."""

import asyncio
from collections.abc import Mapping

import pytest

from cars.car_structs import Car
from cars.command_rules import Ask
from cars.command_structs import NewCommand, Verb
from cars.facts import PushesChanged
from cars.fleet_structs import NewFleet
from cars.lines import Lines
from cars.push_rules import PushState
from cars.push_structs import PushView
from tests.cars.car_samples import a_sighting
from tests.web.car_day import enrol
from tests.web.conftest import Site
from tests.web.crew_hub import hub_of
from tests.web.terminals import seated
from timing.structs import Event, EventPatch, NewTrack
from web import crew_live
from web.house import House

PATIENCE_S = 20
NOW = "/api/cars/now"


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Who is asked what: the way to the cars is cut short, and each has a pack at 7."""
    told: list[tuple[str, str]] = []

    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        told.append((car.name, ask.verb))
        return {"level": 7}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    return told


def push(car: Car, number: int, state: PushState, sent_bytes: int = 0) -> PushView:
    return PushView(
        push_id=f"push-{number}", car_id=car.car_id, car_name=car.name, model_id=f"model-{number}",
        model_name=f"fast-{number}", racer_id=None, folder=None, state=state, size_bytes=200, sent_bytes=sent_bytes,
        bytes_per_s=0, tries=1, reason=None, remedy=None, actor="ann", created_at="", started_at=None, ended_at=None,
        is_cancelling=False,
    )  # fmt: skip


async def give(house: House, event: Event, fleet_id: str) -> None:
    """The fleet belongs to the first track."""
    first, *others = event.tracks
    tracks = [NewTrack(track_id=first.track_id, name=first.name, fleet_id=fleet_id)]
    tracks += [NewTrack(track_id=track.track_id, name=track.name) for track in others]
    await house.events.patch(event.event_id, EventPatch(tracks=tracks), "test")


async def test_every_car_is_told_with_its_fleet_its_reading_and_what_needs_a_hand(site: Site, event: Event) -> None:
    house = site.house
    blue, red = await enrol(house, "Blue 1"), await enrol(house, "Red 2", is_online=False)
    fleet = await house.fleets.add(NewFleet(name="Left"))
    await house.fleets.set_cars(fleet.fleet_id, [blue.car_id])
    await give(house, event, fleet.fleet_id)
    house.finder._book._sightings["10.9.8.77"] = a_sighting(
        "10.9.8.77", host_name="amss-0002.local", host_key="ssh-ed25519 other"
    )
    await house.commands.settled(
        (await house.commands.ask(NewCommand(verb=Verb.BATTERY, car_ids=[blue.car_id]), "ann"))[0].command_id
    )
    told = (await site.send("operator", "GET", f"{NOW}?event_id={event.event_id}")).json()
    first, second = told["cars"]
    assert (first["car_id"], first["name"], first["state"], first["fleet"]) == (blue.car_id, "Blue 1", "there", "Left")
    assert (first["reading"]["battery_level"], first["reading"]["free_bytes"], first["sending"]) == (7, None, None)
    assert (second["car_id"], second["state"], second["notes"]) == (red.car_id, "flashed anew", ["new host key"])
    assert second["warning"].startswith("A machine at 10.9.8.77 has its serial and another host key")
    assert [(one["track_id"], one["fleet_id"]) for one in told["tracks"]] == [("1", fleet.fleet_id), ("2", None)]


async def test_a_fleet_that_went_makes_all_cars_the_tracks_own(site: Site, event: Event) -> None:
    fleet = await site.house.fleets.add(NewFleet(name="Left"))
    await give(site.house, event, fleet.fleet_id)
    await site.house.fleets.remove(fleet.fleet_id)
    told = (await site.send("operator", "GET", f"{NOW}?event_id={event.event_id}")).json()
    assert told["tracks"][0]["fleet_id"] is None
    assert (await site.send("operator", "GET", f"{NOW}?event_id=nothing")).status_code == 404


async def test_the_model_that_is_being_sent_is_told_before_those_that_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = await enrol(site.house, "Blue 1")
    pushes = [push(car, 1, PushState.WAITING), push(car, 2, PushState.SENDING, 90), push(car, 3, PushState.WAITING)]
    monkeypatch.setattr(type(site.house.pushes), "all_open", lambda _: pushes)
    (told,) = (await site.send("operator", "GET", NOW)).json()["cars"]
    assert told["sending"] == {
        "model_name": "fast-2", "state": "sending", "percent": 45, "behind": 2, "reason": None, "remedy": None,
    }  # fmt: skip


async def test_the_cars_of_a_track_are_stopped_and_a_retry_asks_nobody_twice(
    site: Site, event: Event, asked: list[tuple[str, str]]
) -> None:
    house = site.house
    blue, _ = await enrol(house, "Blue 1"), await enrol(house, "Red 2")
    fleet = await house.fleets.add(NewFleet(name="Left"))
    await house.fleets.set_cars(fleet.fleet_id, [blue.car_id])
    await give(house, event, fleet.fleet_id)
    body = {"event_id": event.event_id, "track_id": "1", "command_id": "stop-them-1"}
    for _ in range(2):
        answer = await site.send("operator", "POST", "/api/cars/stop", json=body)
        assert [one["car_id"] for one in answer.json()] == [blue.car_id]
        await asyncio.wait_for(house.commands.settled("stop-them-1"), PATIENCE_S)
    assert asked == [("Blue 1", "stop")]
    await site.send("operator", "POST", "/api/cars/stop", json={**body, "track_id": "2", "command_id": "stop-them-2"})
    await asyncio.wait_for(house.commands.settled("stop-them-2"), PATIENCE_S)
    assert sorted(asked) == [("Blue 1", "stop"), ("Blue 1", "stop"), ("Red 2", "stop")]


@pytest.mark.parametrize("verb", ["reboot", "stop"])
async def test_one_command_sent_twice_at_once_is_asked_once(
    site: Site, asked: list[tuple[str, str]], verb: str
) -> None:
    car = await enrol(site.house, "Blue 1")
    body = {"verb": verb, "command_id": "press-0001", "car_ids": [car.car_id]}
    both = await asyncio.gather(*[site.send("operator", "POST", "/api/cars/commands", json=body) for _ in range(2)])
    await asyncio.wait_for(site.house.commands.settled("press-0001"), PATIENCE_S)
    told = [{**one.json()[0], "state": "", "answer": "", "took_ms": 0} for one in both]
    assert [one.status_code for one in both] == [201, 201]
    assert told[0] == told[1]
    assert asked == [("Blue 1", verb)]


async def test_cars_are_stopped_and_it_is_answered_though_the_disk_hangs(
    site: Site, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await enrol(site.house, "Blue 1")
    monkeypatch.setattr("cars.commands.STORED_WITHIN_S", 0)
    let = asyncio.Event()

    async def hang(*_: object) -> list[object]:
        await let.wait()
        return []

    with monkeypatch.context() as patch:
        patch.setattr(site.house.db, "write", hang)
        patch.setattr(site.house.db, "fetch_all", hang)
        body = {"command_id": "stop-them-1"}
        answer = await asyncio.wait_for(site.send("operator", "POST", "/api/cars/stop", json=body), PATIENCE_S)
        told = await asyncio.wait_for(site.send("operator", "GET", "/api/cars/commands/stop-them-1"), PATIENCE_S)
        let.set()
    assert (answer.status_code, told.status_code) == (201, 200)
    assert asked == [("Blue 1", "stop")]


async def test_where_there_is_no_car_nobody_is_told_to_stop(site: Site, event: Event) -> None:
    body = {"event_id": event.event_id, "track_id": "1"}
    none = await site.send("operator", "POST", "/api/cars/stop", json=body)
    assert (none.status_code, none.json()["message"]) == (409, "No car is paired: there is none to stop.")
    await enrol(site.house, "Blue 1")
    fleet = await site.house.fleets.add(NewFleet(name="Left"))
    await give(site.house, event, fleet.fleet_id)
    empty = await site.send("operator", "POST", "/api/cars/stop", json=body)
    assert empty.json()["message"] == "No car is in the fleet of this track: there is none to stop."


async def test_a_terminal_is_told_of_many_changes_at_once(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_live, "CARS_EVERY_S", 3600.0)
    house: House = site.house
    async with seated(site, event) as terminal:
        await enrol(house, "Blue 1")
        red = await enrol(house, "Red 2")
        await house.cars.missed(red.car_id)
        for _ in range(100):
            house.facts.publish(PushesChanged(push_ids=("push-1",)))
        await terminal.beat()
        assert terminal.names == ["snapshot"]
        hub_of(site)._cars_now()  # The time is over.
        await terminal.until(lambda: "cars" in terminal.names)
        assert (terminal.paired, terminal.online) == (2, 1)
        await terminal.beat()
    assert terminal.names == ["snapshot", "cars"]


async def test_a_commentator_hears_that_cars_changed_and_is_shown_none(site: Site, event: Event) -> None:
    async with seated(site, event, "commentator") as terminal:
        await enrol(site.house, "Blue 1")
        await terminal.until(lambda: "cars" in terminal.names)
    assert (await site.send("commentator", "GET", NOW)).status_code == 403
    assert (await site.send("commentator", "POST", "/api/cars/stop", json={})).status_code == 403
