"""The next three racers to the cars of their track, by one tap: from the page, from a program, and live."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from cars.car_structs import Platform
from cars.command_structs import CommandState, NewCommand, Verb
from cars.fleet_structs import NewFleet
from cars.models import Sought
from cars.push_rules import PushState
from tests.cars.small_car import SmallCar
from tests.timing.sshd import needs_root, needs_sshd
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.panels import stream
from tests.web.racing_day import add_racer, start_race
from timing.structs import Event, EventPatch, NewTrack
from web.house import House

DONE_S = 60
SOUGHT = Sought()
HTMX = {"hx-request": "true"}


def base(event: Event, track_id: str = "1") -> str:
    return f"/staff/events/{event.event_id}/tracks/{track_id}"


async def lined_up(site: Site, event: Event, *names: str, with_models: bool = True) -> list[str]:
    """These racers in line; answers the entries' ids."""
    queue_ids = []
    for name in names:
        racer_id = await add_racer(site.house, name)
        if with_models:
            await upload(site, racer_id, f"model-of-{name}")
        queue_ids.append((await site.house.queue.add(event.event_id, "1", racer_id, "test")).queue_id)
    return queue_ids


async def send_next(site: Site, event: Event, track_id: str = "1") -> list[dict[str, object]]:
    address = f"/api/events/{event.event_id}/tracks/{track_id}/queue/send-next"
    answer = await site.send("operator", "POST", address)
    assert answer.status_code == 200, answer.text
    sent: list[dict[str, object]] = answer.json()
    return sent


async def given(house: House, event: Event) -> list[tuple[str, str | None, str | None]]:
    """Racer, car and model of everybody in line, by name."""
    models = {model.model_id: model.name for model in await house.models.find(SOUGHT)}
    cars = {car.car_id: car.name for car in house.cars.all(with_released=True)}
    line = house.queue.next(event.event_id, "1", 100)
    return [(entry.username, cars.get(entry.car_id or ""), models.get(entry.model_id or "")) for entry in line]


async def test_one_tap_gives_the_next_three_their_cars_and_sends_the_models(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna", "bo", "cem", "dora")
    for name in ("Blue 1", "Red 2"):
        await enrol(site.house, name)

    sent = await send_next(site, event)

    assert await given(site.house, event) == [
        ("anna", "Blue 1", "model-of-anna"),
        ("bo", "Red 2", "model-of-bo"),
        ("cem", "Blue 1", "model-of-cem"),
        ("dora", None, None),
    ]
    pushes = site.house.pushes.all_open()
    assert [(push.car_name, push.model_name) for push in pushes] == [
        ("Blue 1", "model-of-anna"),
        ("Red 2", "model-of-bo"),
        ("Blue 1", "model-of-cem"),
    ]
    assert [one["push"]["push_id"] for one in sent] == [push.push_id for push in pushes]  # type: ignore[index]

    again = await send_next(site, event)
    assert [one["push"]["push_id"] for one in again] == [push.push_id for push in pushes]  # type: ignore[index]
    assert len(await site.house.pushes.find()) == 3


async def test_two_devices_that_tap_at_once_send_everything_once(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna", "bo")
    await enrol(site.house, "Blue 1")

    await asyncio.gather(*(send_next(site, event) for _ in range(3)))

    assert len(await site.house.pushes.find()) == 2


async def test_the_car_that_races_now_comes_last(site: Site, event: Event) -> None:
    blue, _ = await enrol(site.house, "Blue 1"), await enrol(site.house, "Red 2")
    await lined_up(site, event, "anna")
    zoe = await add_racer(site.house, "zoe")
    entry = await site.house.queue.add(event.event_id, "1", zoe, "test")
    await site.house.queue.prepare(entry.queue_id, blue.car_id, None, "test")
    await site.house.queue.move(entry.queue_id, 1, "test")
    body = {"event_id": event.event_id, "track_id": "1", "racer_id": zoe}
    race = (await site.send("operator", "POST", "/api/races", json=body)).json()
    assert race["car_id"] == blue.car_id

    await send_next(site, event)

    assert await given(site.house, event) == [("anna", "Red 2", "model-of-anna")]


async def test_a_track_has_the_cars_of_its_fleet_and_another_track_the_rest(site: Site, event: Event) -> None:
    house = site.house
    left = await house.fleets.add(NewFleet(name="Left"))
    cars = [await enrol(house, name) for name in ("Blue 1", "Red 2", "Green 3")]
    await house.fleets.set_cars(left.fleet_id, [cars[1].car_id])
    tracks = [NewTrack(track_id="1", name="Left", fleet_id=left.fleet_id), NewTrack(track_id="2", name="Right")]
    await house.events.patch(event.event_id, EventPatch(tracks=tracks), "test")
    await lined_up(site, event, "anna")
    (zoe,) = [await add_racer(house, "zoe")]
    await upload(site, zoe, "model-of-zoe")
    entry = await house.queue.add(event.event_id, "2", zoe, "test")

    await send_next(site, event)
    await send_next(site, event, "2")

    assert await given(house, event) == [("anna", "Red 2", "model-of-anna")]
    assert house.queue.get(entry.queue_id).car_id == cars[0].car_id


async def test_what_is_missing_is_said_and_the_others_go_on(site: Site, event: Event) -> None:
    await enrol(site.house, "Blue 1")
    await lined_up(site, event, "anna")
    await lined_up(site, event, "bo", "cem", with_models=False)
    bo = site.house.queue.next(event.event_id, "1")[1].racer_id
    await upload(site, bo, "broken", is_good=False)

    anna_, bo_, cem_ = await send_next(site, event)

    assert anna_["why"] is None
    assert str(bo_["why"]).startswith("broken cannot be used: ")
    assert (cem_["why"], cem_["remedy"]) == (
        "No model yet, and the box has none for walk-ups.",
        "Upload one under Models, or let the racer do it under My models.",
    )
    assert [one["push"] is None for one in (anna_, bo_, cem_)] == [False, True, True]

    await upload(site, None, "walk-up")
    await send_next(site, event)
    assert (await given(site.house, event))[2] == ("cem", "Blue 1", "walk-up")


async def test_without_a_car_that_is_there_it_is_said(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna")
    (sent,) = await send_next(site, event)
    assert (sent["why"], sent["remedy"]) == ("No car is paired yet.", "Pair one under Cars.")

    await enrol(site.house, "Blue 1", is_online=False)
    (sent,) = await send_next(site, event)
    assert (sent["why"], sent["remedy"]) == (
        "No car of Left is online.",
        "Switch one on, or prepare another car by hand.",
    )
    assert await given(site.house, event) == [("anna", None, None)]


async def test_a_car_that_is_away_for_a_moment_keeps_its_racer(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna")
    blue = await enrol(site.house, "Blue 1")
    await send_next(site, event)
    await site.house.cars.missed(blue.car_id)
    await enrol(site.house, "Red 2")

    await send_next(site, event)

    assert await given(site.house, event) == [("anna", "Blue 1", "model-of-anna")]


async def test_the_page_shows_what_a_tap_would_do_then_what_it_did(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna")
    blue = await enrol(site.house, "Blue 1")
    async with Crew(site, "operator") as crew:
        before = words(await crew.get(f"{base(event)}/queue"))
        assert "Send the next one to a car" in before
        assert "model-of-anna → Blue 1 Not sent yet" in before
        answer = await crew.send(f"{base(event)}/queue/send-next")
        assert answer.url.path == f"{base(event)}/queue"
        await crew.send(f"{base(event)}/queue/send-next", headers=HTMX)
        (push,) = site.house.pushes.all_open()
        assert (push.car_id, push.model_name) == (blue.car_id, "model-of-anna")
        await site.house.pushes.cancel(push.push_id, "test")
        after = words(await crew.get(f"{base(event)}/queue"))

    assert "model-of-anna → Blue 1 Cancel" in after


async def test_a_box_without_cars_shows_nothing_of_this(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna", with_models=False)
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(f"{base(event)}/queue"))

    assert "anna" in text
    assert "Car…" not in text
    assert "to a car" not in text


async def test_the_line_follows_the_push_live(site: Site, event: Event) -> None:
    (anna,) = await lined_up(site, event, "anna")
    await enrol(site.house, "Blue 1")
    async with stream(site, event) as panels:
        assert f'id="sent-{anna}"' in await panels.next()
        await send_next(site, event)
        told = await panels.until("Blue 1 is out of reach: connection refused.")
        assert f'hx-target="#sent-{anna}"' in told or f'id="sent-{anna}"' in told
        (push,) = site.house.pushes.all_open()
        await site.house.pushes.cancel(push.push_id, "test")
        told = await panels.until("Cancelled")

    assert f'hx-target="#sent-{anna}"' in told
    assert 'hx-target="#queue"' not in told


async def test_by_hand_any_car_and_model_of_theirs_is_prepared_sent_and_taken_back(site: Site, event: Event) -> None:
    (anna,) = await lined_up(site, event, "anna")
    blue, red = await enrol(site.house, "Blue 1"), await enrol(site.house, "Red 2", is_online=False)
    entry = site.house.queue.get(anna)
    await upload(site, entry.racer_id, "broken", is_good=False)
    walk_up = await upload(site, None, "walk-up")
    address = f"{base(event)}/queue/{anna}/prepare"
    async with Crew(site, "operator") as crew:
        shown = await crew.get(address)
        assert f'name="car_id" value="{blue.car_id}" checked' in shown.text
        assert "broken" in words(shown)
        assert "Red 2 not seen now" in words(shown)

        answer = await crew.send(address, car_id=red.car_id, model_id=walk_up)
        assert answer.url.path == f"{base(event)}/queue"
        assert await given(site.house, event) == [("anna", "Red 2", "walk-up")]
        assert [push.car_name for push in site.house.pushes.all_open()] == ["Red 2"]

        nothing = await crew.send(address)
        assert nothing.status_code == 400
        assert "Nothing is chosen. Choose a car and a model." in words(nothing)

        await crew.send(address, do="clear")
    assert await given(site.house, event) == [("anna", None, None)]


async def test_who_has_gone_on_the_track_can_no_longer_be_prepared(site: Site, event: Event) -> None:
    (anna,) = await lined_up(site, event, "anna")
    blue = await enrol(site.house, "Blue 1")
    await start_race(site.house, event, site.house.queue.get(anna).racer_id)
    await site.house.queue.settle()
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/queue")
        answer = await crew.send(f"{base(event)}/queue/{anna}/prepare", car_id=blue.car_id)

    assert answer.status_code == 409
    assert "anna no longer stands in line. Look at the line again." in words(answer)


async def test_what_the_box_went_down_with_before_it_was_sent_goes_with_the_next_tap(site: Site, event: Event) -> None:
    (anna,) = await lined_up(site, event, "anna")
    blue = await enrol(site.house, "Blue 1")
    (model,) = await site.house.models.find(SOUGHT)
    await site.house.queue.prepare(anna, blue.car_id, model.model_id, "test")
    async with Crew(site, "operator") as crew:
        assert "model-of-anna → Blue 1 Not sent yet" in words(await crew.get(f"{base(event)}/queue"))

    await send_next(site, event)

    assert [push.car_id for push in site.house.pushes.all_open()] == [blue.car_id]


@pytest.fixture
def car(tmp_path: Path, house: House) -> Iterator[SmallCar]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    (house.settings.data_dir / "ssh.key").write_bytes(key.export_private_key())
    with SmallCar(tmp_path / "car", key) as car:
        yield car


@needs_root
@needs_sshd
async def test_from_the_tap_to_the_car_to_the_race(site: Site, event: Event, car: SmallCar) -> None:
    (anna,) = await lined_up(site, event, "anna")
    blue = await site.house.cars.add_enrolled(
        serial="AMSS-TEST",
        name="Blue 1",
        platform=Platform.STOCK_20,
        username=car.user,
        host_key=car.pin,
        address=car.host,
        port=car.port,
        actor="test",
    )
    racer_id = site.house.queue.get(anna).racer_id
    token, _ = await site.house.sessions.start(racer_id)
    site.tokens["anna"] = token

    async def own_page() -> str:
        async with site.browser("anna") as phone:
            return words(await phone.get("/me"))

    async with stream(site, event) as panels, asyncio.timeout(DONE_S):
        await panels.next()
        (sent,) = await send_next(site, event)
        await panels.until("On the car")
    (push,) = await site.house.pushes.find()
    assert push.state is PushState.DONE
    assert sent["push"]["push_id"] == push.push_id  # type: ignore[index]
    assert "Your model model-of-anna is on car Blue 1." in await own_page()

    assert car.held(push.folder or "") is not None
    command = NewCommand(verb=Verb.DELETE_MODELS, car_ids=[blue.car_id], command_id="delete-all")
    await site.house.commands.ask(command, "test")
    async with asyncio.timeout(DONE_S):
        (answer,) = await site.house.commands.settled("delete-all")
    assert answer.state is CommandState.DONE, answer
    assert car.held(push.folder or "") is None
    async with Crew(site, "operator") as crew:
        assert "Blue 1 Perhaps gone Models were deleted on this car since." in words(
            await crew.get(f"{base(event)}/queue")
        )
    async with stream(site, event) as panels:
        await panels.next()
        await send_next(site, event)
        await panels.until("On the car")
    assert [one.state for one in await site.house.pushes.find()] == [PushState.DONE] * 2

    body = {"event_id": event.event_id, "track_id": "1", "racer_id": racer_id}
    race = (await site.send("operator", "POST", "/api/races", json=body)).json()
    assert (race["car_id"], race["model_id"]) == (blue.car_id, push.model_id)
