"""The car and the model of a race: changed while it is live, written down with each lap, and shown by name for ever."""

from pathlib import Path

import pytest

from appliance.ids import new_id
from tests.web.car_day import upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import act, add_racer
from tests.web.recorded import an_event, laps_of, recorded, until
from tests.web.test_cars_page import paired
from timing.journal import Kind
from timing.structs import Event, NewRace, RaceView

HTMX = {"hx-request": "true"}


class Driving:
    """Anna's race on the left track, with a car and a model of hers; there is another car, and a model of the box."""

    def __init__(self, race: RaceView, blue: str, red: str, fast: str, walk_up: str) -> None:
        self.race = race
        self.blue, self.red, self.fast, self.walk_up = blue, red, fast, walk_up
        self.page = f"/staff/races/{race.race_id}"
        self.timekeeper = f"/staff/events/{race.event_id}/tracks/{race.track_id}/timekeeper"


@pytest.fixture
async def driving(site: Site, event: Event) -> Driving:
    anna = await add_racer(site.house, "anna")
    blue, red = await paired(site.house, 1, "Blau 1"), await paired(site.house, 2, "Rot 2")
    fast, walk_up = await upload(site, anna, "fast-one"), await upload(site, None, "walk-up")
    new = NewRace(
        event_id=event.event_id, track_id="1", racer_id=anna, car_id=blue.car_id, model_id=fast, race_id=new_id()
    )
    race = await site.house.control.create(new, "test")
    return Driving(race, blue.car_id, red.car_id, fast, walk_up)


async def test_timekeeper_sees_car_and_model_by_name_and_changes_them_in_mid_race(site: Site, driving: Driving) -> None:
    await act(site.house, driving.race, Kind.START)
    await act(site.house, driving.race, Kind.LAP)
    async with Crew(site, "operator") as crew:
        assert "Blau 1 with fast-one Change car or model" in words(await crew.get(driving.timekeeper))
        asked = await crew.get(f"{driving.page}/car")
        assert "For which laps? From now on Also the lap driven so far Nothing is sent" in words(asked)
        back = await crew.send(
            f"{driving.page}/car",
            action_id=crew.hidden("action_id"),
            car_id=driving.red,
            model_id=driving.walk_up,
            back="timekeeper",
        )
    await act(site.house, driving.race, Kind.LAP)

    assert back.url.path == driving.timekeeper
    assert "Rot 2 with walk-up" in words(back)
    assert "hand Blau 1 with fast-one" in words(back)
    laps = (await site.send("commentator", "GET", f"/api/races/{driving.race.race_id}")).json()["laps"]
    assert [(lap["car_id"], lap["model_id"]) for lap in laps] == [
        (driving.blue, driving.fast),
        (driving.red, driving.walk_up),
    ]


async def test_a_change_sent_twice_is_one_and_the_dialog_gets_nothing_back(site: Site, driving: Driving) -> None:
    fields = {"action_id": new_id(), "car_id": driving.red, "model_id": "none"}
    async with Crew(site, "operator") as crew:
        inside = await site.send("operator", "GET", f"{driving.page}/car", headers=HTMX)
        assert "<html" not in inside.text
        await crew.get(f"{driving.page}/car")
        for _ in range(2):
            assert (await crew.send(f"{driving.page}/car", HTMX, **fields)).status_code == 204

    race = await site.house.control.view(driving.race.race_id)
    assert (race.car_id, race.model_id, race.version) == (driving.red, None, 2)


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"car_id": "nowhere", "model_id": "none"}, 404, "There is no such car."),
        ({"car_id": "none", "model_id": "nowhere"}, 404, "There is no such model."),
        ({"model_id": "none"}, 400, "No car was chosen."),
    ],
)
async def test_what_is_not_there_cannot_be_set(
    site: Site, driving: Driving, fields: dict[str, str], status: int, says: str
) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get(f"{driving.page}/car")
        refused = await crew.send(f"{driving.page}/car", None, **fields)

    assert (refused.status_code, says in words(refused)) == (status, True)
    assert (await site.house.control.view(driving.race.race_id)).car_id == driving.blue


async def test_of_a_discarded_race_the_page_says_what_stays(site: Site, driving: Driving) -> None:
    await act(site.house, driving.race, Kind.END)
    await act(site.house, driving.race, Kind.DISCARD)

    said = words(await site.send("operator", "GET", f"{driving.page}/car"))

    assert "This race is discarded. Which car and model its laps were driven with stays as it is." in said
    assert "Set them" not in said


async def test_released_cars_and_deleted_models_keep_their_names_wherever_the_crew_sees_the_race(
    site: Site, driving: Driving
) -> None:
    race = await act(site.house, driving.race, Kind.START)
    await act(site.house, race, Kind.LAP)
    await act(site.house, race, Kind.SET_CAR, car_id=driving.red)
    await act(site.house, race, Kind.END)
    await act(site.house, race, Kind.SUBMIT)
    await site.house.cars.release(driving.blue, actor="test")
    await site.house.cars.release(driving.red, actor="test")
    await site.house.models.delete(driving.fast, "test")

    page = words(await site.send("operator", "GET", driving.page))
    assert "very fast Blau 1 with fast-one" in page
    assert "Ready: Blau 1 with fast-one" in page
    assert "Car set to Rot 2" in page
    assert "Rot 2" in words(await site.send("commentator", "GET", "/staff/races"))
    assert "Rot 2" in words(await site.send("operator", "GET", f"/staff/racers/{race.racer_id}"))
    trail = (await site.send("operator", "GET", f"/api/races/{race.race_id}/trail")).json()
    assert trail[0]["text"] == "Ready: Blau 1 with fast-one"


async def test_a_renamed_model_is_shown_with_its_new_name(site: Site, driving: Driving) -> None:
    assert "Blau 1 with fast-one" in words(await site.send("operator", "GET", driving.page))
    changed = await site.send("operator", "PATCH", f"/api/models/{driving.fast}", json={"name": "slow-one"})
    assert changed.status_code == 200, changed.text

    assert "Blau 1 with slow-one" in words(await site.send("operator", "GET", driving.page))


async def test_a_car_of_another_box_is_called_by_its_id_or_said_to_be_one(site: Site, event: Event) -> None:
    anna = await add_racer(site.house, "anna")
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=anna, car_id="sticker-7", model_id=new_id())
    race = await site.house.control.create(new, "test")

    said = words(await site.send("operator", "GET", f"/staff/races/{race.race_id}"))

    assert "sticker-7 with a model of another box" in said


async def test_a_lap_waits_for_no_name_on_the_disk(
    site: Site, driving: Driving, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = await act(site.house, driving.race, Kind.SET_CAR, model_id="typed-in")
    names, read = site.house.models.names, list[str]()
    from_disk = names._read

    async def counted(model_ids: list[str]) -> None:
        read.extend(model_ids)
        await from_disk(model_ids)

    monkeypatch.setattr(names, "_read", counted)
    for kind in (Kind.START, Kind.LAP, Kind.LAP):
        await act(site.house, race, kind)
        assert "No car known with typed-in" in words(await site.send("operator", "GET", driving.timekeeper))

    assert read == ["typed-in"]


async def test_the_public_sees_neither_car_nor_model(site: Site, driving: Driving) -> None:
    """As in DREM, where races are for staff and commentators (drem.md 3), and a model's name is its racer's own."""
    race = await act(site.house, driving.race, Kind.START)
    await act(site.house, race, Kind.LAP)
    await act(site.house, race, Kind.END)
    await act(site.house, race, Kind.SUBMIT)
    for address in (f"/racers/{race.racer_id}", f"/events/{race.event_id}/board"):
        shown = (await site.send("anonymous", "GET", address)).text
        assert "anna" in shown
        assert "fast-one" not in shown
        assert "Blau 1" not in shown


async def test_cars_page_counts_its_laps_by_model(site: Site, driving: Driving) -> None:
    blue = f"/staff/cars/{driving.blue}"
    assert "None yet. Laps are counted here when the race knows its car." in words(
        await site.send("operator", "GET", blue)
    )
    race = await act(site.house, driving.race, Kind.START)
    for _ in range(2):
        await act(site.house, race, Kind.LAP)
    await act(site.house, race, Kind.SET_CAR, car_id=driving.blue, model_id=driving.walk_up)
    await act(site.house, race, Kind.LAP)

    said = words(await site.send("operator", "GET", blue))

    assert "Laps driven 3, the last" in said
    assert "walk-up the box 1 lap, 1 valid, in 1 race" in said
    assert "fast-one anna 2 laps, 2 valid, in 1 race" in said


async def test_a_lap_of_the_strips_is_written_down_with_car_and_model(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (site, _):
        event = await an_event(site.house, lockout_ms=0)
        car = await paired(site.house, 1, "Blau 1")
        new = NewRace(
            event_id=event.event_id,
            track_id="1",
            racer_id=await add_racer(site.house, "anna"),
            car_id=car.car_id,
            model_id="typed-in",
        )
        race = await site.house.control.create(new, "test")
        for laps in (0, 1):
            await site.house.strips.hit(17)
            await until(site.house, lambda laps=laps: _has(site, event, race, laps))  # type: ignore[misc]

        lap = (await site.send("commentator", "GET", f"/api/races/{race.race_id}")).json()["laps"][0]
        assert (lap["source"], lap["car_id"], lap["model_id"]) == ("strip", car.car_id, "typed-in")
        assert "strip very fast Blau 1 with typed-in" in words(
            await site.send("operator", "GET", f"/staff/races/{race.race_id}")
        )


def _has(site: Site, event: Event, race: RaceView, laps: int) -> bool:
    live = site.house.control.live(event.event_id, race.track_id)
    return live is not None and live.state.value == "running" and laps_of(site.house, event) == laps
