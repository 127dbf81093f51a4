"""A race made for somebody in line has the car and the model prepared for them, whoever makes it and from where."""

import pytest

from appliance.ids import new_id
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew
from tests.web.racing_day import add_racer
from timing.structs import Event, RaceView
from web.prepared import prepare


async def anna_prepared(site: Site, event: Event) -> tuple[str, str, str]:
    """Anna stands in line with a car and a model: her id, the car's, the model's."""
    anna = await add_racer(site.house, "anna")
    car = await enrol(site.house, "Blue 1")
    model_id = await upload(site, anna, "fast")
    entry = await site.house.queue.add(event.event_id, "1", anna, "test")
    await prepare(site.house, entry.queue_id, car.car_id, model_id, "test")
    return anna, car.car_id, model_id


def live(site: Site, event: Event) -> RaceView:
    race = site.house.control.live(event.event_id, "1")
    assert race is not None
    return race


async def test_the_api_makes_the_race_with_what_was_prepared_and_a_retry_finds_it(site: Site, event: Event) -> None:
    anna, car_id, model_id = await anna_prepared(site, event)
    new = {"event_id": event.event_id, "track_id": "1", "racer_id": anna, "race_id": new_id()}

    made = [(await site.send("operator", "POST", "/api/races", json=new)).json() for _ in range(2)]

    assert [(race["race_id"], race["car_id"], race["model_id"]) for race in made] == [
        (new["race_id"], car_id, model_id)
    ] * 2


async def test_who_names_a_car_decides(site: Site, event: Event) -> None:
    anna, _, _ = await anna_prepared(site, event)
    new = {"event_id": event.event_id, "track_id": "1", "racer_id": anna, "car_id": "sticker-7"}

    race = (await site.send("operator", "POST", "/api/races", json=new)).json()

    assert (race["car_id"], race["model_id"]) == ("sticker-7", None)


async def test_the_timekeepers_page_makes_the_same_race(site: Site, event: Event) -> None:
    anna, car_id, model_id = await anna_prepared(site, event)
    base = f"/staff/events/{event.event_id}/tracks/1"
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base}/timekeeper")
        await crew.send(f"{base}/races", racer_id=anna, race_id=new_id())

    race = live(site, event)
    assert (race.car_id, race.model_id) == (car_id, model_id)


async def test_a_car_released_since_is_not_given_to_the_race(site: Site, event: Event) -> None:
    anna, car_id, model_id = await anna_prepared(site, event)
    await site.house.cars.release(car_id, actor="test")

    await site.send(
        "operator", "POST", "/api/races", json={"event_id": event.event_id, "track_id": "1", "racer_id": anna}
    )

    race = live(site, event)
    assert (race.car_id, race.model_id) == (None, model_id)


@pytest.mark.parametrize(
    ("car", "model", "status", "says"),
    [
        ("nowhere", "own", 400, "There is no such car."),
        ("own", "nowhere", 400, "There is no such model."),
        ("own", "bo's", 409, "slow is a model of bo, not of anna. Choose a model of anna, or one of the box."),
        ("own", "broken", 409, "broken cannot be used: "),
        ("own", "box's", 200, ""),
        (None, None, 200, ""),
    ],
)
async def test_only_a_car_of_the_box_and_a_model_of_theirs_can_be_prepared(
    site: Site, event: Event, car: str | None, model: str | None, status: int, says: str
) -> None:
    anna, car_id, model_id = await anna_prepared(site, event)
    ids: dict[str | None, str | None] = {None: None, "nowhere": "nowhere", "own": model_id}
    if model == "bo's":
        ids["bo's"] = await upload(site, await add_racer(site.house, "bo"), "slow")
    if model == "broken":
        ids["broken"] = await upload(site, anna, "broken", is_good=False)
    if model == "box's":
        ids["box's"] = await upload(site, None, "walk-up")
    (entry,) = site.house.queue.next(event.event_id, "1")
    body = {"car_id": car_id if car == "own" else car, "model_id": ids[model]}

    answer = await site.send("operator", "POST", f"/api/queue/{entry.queue_id}/prepare", json=body)

    said = answer.json()
    assert answer.status_code == status, said
    if status == 200:
        assert (said["car_id"], said["model_id"]) == (body["car_id"], body["model_id"])
    else:
        assert f"{said['message']} {said['remedy']}".startswith(says)
        (unchanged,) = site.house.queue.next(event.event_id, "1")
        assert (unchanged.car_id, unchanged.model_id) == (car_id, model_id)


async def test_everybody_who_sees_the_line_sees_what_is_prepared(site: Site, event: Event) -> None:
    _, car_id, model_id = await anna_prepared(site, event)

    (entry,) = (await site.send("commentator", "GET", f"/api/events/{event.event_id}/tracks/1/queue")).json()

    assert (entry["car_id"], entry["model_id"]) == (car_id, model_id)
