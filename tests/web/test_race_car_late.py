"""A car that nobody had named, or the wrong one: the laps driven so far get the right one, also after the submit."""

from dataclasses import dataclass

import pytest

from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import act, add_racer
from tests.web.test_cars_page import paired
from timing.journal import Kind
from timing.structs import Event, NewRace, RaceView

WHICH = "For which laps?"


@dataclass
class Driving:
    """Anna's race on the left track, with the car Blau 1 and a model of another box; there is another car."""

    site: Site
    race: RaceView
    blue: str
    red: str

    @property
    def page(self) -> str:
        return f"/staff/races/{self.race.race_id}"

    async def do(self, *kinds: Kind, **fields: object) -> RaceView:
        for kind in kinds:
            self.race = await act(self.site.house, self.race, kind, **fields)
        return self.race


@pytest.fixture
async def driving(site: Site, event: Event) -> Driving:
    blue, red = [(await paired(site.house, n, name)).car_id for n, name in enumerate(("Blau 1", "Rot 2"), start=1)]
    anna = await add_racer(site.house, "anna")
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=anna, car_id=blue, model_id="fast-one")
    return Driving(site, await site.house.control.create(new, "test"), blue, red)


async def test_before_the_first_lap_nobody_is_asked_for_which_laps(site: Site, driving: Driving) -> None:
    said = words(await site.send("operator", "GET", f"{driving.page}/car"))

    assert "All laps from now on are written down with these. Nothing is sent to the car." in said
    assert WHICH not in said


async def test_in_mid_race_the_laps_driven_so_far_get_the_right_car_and_so_do_the_next(
    site: Site, driving: Driving
) -> None:
    await driving.do(Kind.START, Kind.LAP, Kind.LAP)
    async with Crew(site, "operator") as crew:
        asked = await crew.get(f"{driving.page}/car")
        assert f"{WHICH} From now on Also the 2 laps driven so far" in words(asked)
        assert 'value="from_now" checked' in asked.text
        assert '<option value="none">No model known</option>' in asked.text
        fields = {name: crew.hidden(name) for name in ("action_id", "back")}
        back = await crew.send(f"{driving.page}/car", car_id=driving.red, model_id="none", laps="so_far", **fields)
    assert back.url.path.endswith("/timekeeper")
    assert "Rot 2 Change car or model" in words(back)
    assert "Blau 1" not in words(back)
    race = await driving.do(Kind.LAP)
    assert [(lap.car_id, lap.model_id) for lap in race.laps] == [(driving.red, None)] * 3


async def test_once_it_is_over_the_laps_driven_so_far_are_meant(site: Site, driving: Driving) -> None:
    await driving.do(Kind.START, Kind.LAP, Kind.END)

    assert 'value="so_far" checked' in (await site.send("operator", "GET", f"{driving.page}/car")).text


async def test_laps_of_different_cars_are_not_made_one_without_a_choice(site: Site, driving: Driving) -> None:
    await driving.do(Kind.START, Kind.LAP)
    await driving.do(Kind.SET_CAR, car_id=driving.red)
    await driving.do(Kind.LAP, Kind.END)

    asked = await site.send("operator", "GET", f"{driving.page}/car")

    assert 'value="from_now" checked' in asked.text
    assert 'value="so_far" checked' not in asked.text
    assert "Also the 2 laps driven so far now they have different ones" in words(asked)


async def test_a_car_forgotten_until_after_the_submit_is_named_from_the_races_page(
    site: Site, driving: Driving
) -> None:
    await driving.do(Kind.SET_CAR, model_id="fast-one")
    before = await driving.do(Kind.START, Kind.LAP, Kind.LAP, Kind.END, Kind.SUBMIT)
    link = f'href="{driving.page}/car?back=race"'
    assert link not in (await site.send("commentator", "GET", driving.page)).text
    async with Crew(site, "operator") as crew:
        assert link in (await crew.get(driving.page)).text
        asked = words(await crew.get(f"{driving.page}/car?back=race"))
        assert "All 2 laps of this race will be written down with these. Times and places stay as they are." in asked
        assert WHICH not in asked
        fields = {name: crew.hidden(name) for name in ("action_id", "back", "laps")}
        fields |= {"car_id": driving.red, "model_id": "fast-one", "reason": "was in a hurry"}
        for _ in range(2):
            back = await crew.send(f"{driving.page}/car", **fields)

    race = await site.house.control.view(before.race_id)
    assert (race.state, race.version, race.submitted_at) == ("submitted", before.version + 1, before.submitted_at)
    assert back.url.path == driving.page
    assert words(back).count("hand very fast Rot 2 with fast-one") == 2
    told = "the-operator Car set to Rot 2 with fast-one, also for the laps driven so far (was in a hurry)"
    assert words(back).count(told) == 1
    assert "Laps driven 2, the last" in words(await site.send("operator", "GET", f"/staff/cars/{driving.red}"))


async def test_a_dialog_left_open_over_the_submit_changes_no_laps_to_come(site: Site, driving: Driving) -> None:
    await driving.do(Kind.START, Kind.LAP)
    async with Crew(site, "operator") as crew:
        await crew.get(f"{driving.page}/car")
        before = await driving.do(Kind.END, Kind.SUBMIT)
        refused = await crew.send(f"{driving.page}/car", car_id=driving.red, model_id="none", laps="from_now")

    assert refused.status_code == 409
    assert "Choose the laps driven so far, on the page of the race." in words(refused)
    assert await site.house.control.view(before.race_id) == before
