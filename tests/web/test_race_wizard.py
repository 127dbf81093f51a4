"""The race wizard without script: from the next in line to a race that is handed in, whatever happens on the way."""

from urllib.parse import parse_qs

import pytest

from cars.push_rules import PushState
from cars.push_structs import PushView
from cars.push_wire import Outcome
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.push_news import Worker
from tests.web.racing_day import act, add_racer, hand_in, start_race
from timing.journal import Kind
from timing.structs import Event, RaceState, RaceView
from web.prepared import prepare


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, site: Site) -> Worker:
    return Worker(site.house, monkeypatch)


class Day:
    """Anna stands in line; she has a model, the box two cars."""

    def __init__(self, site: Site, event: Event, anna: str, model_id: str, car_id: str) -> None:
        self.site, self.anna, self.model_id, self.car_id = site, anna, model_id, car_id
        self.event_id = event.event_id
        self.base = f"/staff/events/{event.event_id}/tracks/1"
        self.wizard = f"{self.base}/wizard"

    @property
    def answered(self) -> dict[str, str]:
        """All that is chosen."""
        return {"racer_id": self.anna, "car_id": self.car_id, "model_id": self.model_id}

    @property
    def pushes(self) -> list[PushView]:
        """Those that are open."""
        return self.site.house.pushes.all_open()

    def live(self) -> RaceView:
        """The race on the track."""
        race = self.site.house.control.live(self.event_id, "1")
        assert race is not None
        return race


@pytest.fixture
async def day(site: Site, event: Event, worker: Worker) -> Day:
    anna = await add_racer(site.house, "anna", "SE")
    car = await enrol(site.house, "Blau 1")
    await enrol(site.house, "Rot 2", is_online=False)
    model_id = await upload(site, anna, "fast-one")
    await site.house.queue.add(event.event_id, "1", anna, "test")
    return Day(site, event, anna, model_id, car.car_id)


def now(crew: Crew) -> str:
    """The current step of the page, in the strip's words."""
    strip = crew.page.text.partition('aria-current="step"')[2].partition("</li>")[0]
    return strip.partition("<b>")[2].partition("</b>")[0]


async def test_from_the_next_in_line_to_the_race_in_four_taps(day: Day, worker: Worker) -> None:
    async with Crew(day.site, "operator") as crew:
        assert "anna next in line" in words(await crew.get(day.wizard))
        (entry,) = day.site.house.queue.next(day.event_id, "1")
        await crew.get(f"{day.wizard}?queue_id={entry.queue_id}")
        assert now(crew) == "Car"
        await crew.get(f"{day.wizard}?queue_id={entry.queue_id}&racer_id={day.anna}&car_id={day.car_id}")
        assert now(crew) == "Model"
        await crew.send(f"{day.wizard}/push", None, **day.answered)
        (push,) = day.pushes
        assert now(crew) == "Push"
        assert parse_qs(crew.page.url.query.decode())["push_id"] == [push.push_id]

        await worker.ended(push.push_id, Outcome.ALREADY_THERE)
        said = words(await crew.get(str(crew.page.url)))
        assert now(crew) == "Race"
        assert "fast-one is on Blau 1. It was there already, so nothing was sent." in said
        await crew.send(f"{day.wizard}/race", None, new_race_id=crew.hidden("new_race_id"), **day.answered)

    race = day.live()
    assert (race.username, race.car_id, race.model_id) == ("anna", day.car_id, day.model_id)
    assert crew.page.url.query.decode() == f"race_id={race.race_id}"
    assert 'data-kind="start"' in crew.page.text


async def test_what_was_prepared_in_the_line_is_answered_already(day: Day) -> None:
    (entry,) = day.site.house.queue.next(day.event_id, "1")
    await prepare(day.site.house, entry.queue_id, day.car_id, day.model_id, "test")
    async with Crew(day.site, "operator") as crew:
        assert "next in line · run 1 of 3 · Blau 1 with fast-one" in words(await crew.get(day.wizard))
        said = words(await crew.get(f"{day.wizard}?queue_id={entry.queue_id}"))
        assert now(crew) == "Push"
        assert "Push it, or find it there" in said
        changed = words(await crew.get(f"{day.wizard}?racer_id={day.anna}&step=car"))

    assert "Which car does anna drive?" in changed


async def test_what_is_chosen_here_is_kept_with_the_place_in_line(day: Day) -> None:
    async with Crew(day.site, "operator") as crew:
        await crew.get(f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}")
        await crew.send(f"{day.wizard}/push", None, **day.answered)

    (entry,) = day.site.house.queue.next(day.event_id, "1")
    assert (entry.car_id, entry.model_id) == (day.car_id, day.model_id)


async def test_two_taps_push_once_and_another_device_follows_the_same_push(day: Day, worker: Worker) -> None:
    async with Crew(day.site, "operator") as crew, Crew(day.site, "admin") as other:
        await crew.get(f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}")
        for _ in range(2):
            await crew.send(f"{day.wizard}/push", None, **day.answered)
        (push,) = day.pushes
        await worker.went(push.push_id, PushState.CONNECTING, PushState.CHECKING)
        await worker.went(push.push_id, PushState.SENDING, sent_bytes=push.size_bytes // 2)
        seen = await other.get(f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}&model_id={day.model_id}")

    assert f"push_id={push.push_id}" in str(seen.url)
    assert "fast-one is on its way to Blau 1" in words(seen)
    assert "3.0 MB/s" in words(seen)
    assert f'<progress max="{push.size_bytes}" value="{push.size_bytes // 2}"' in seen.text


async def test_going_on_while_it_is_sent_is_allowed_and_said(day: Day, worker: Worker) -> None:
    async with Crew(day.site, "operator") as crew:
        await crew.get(f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}")
        await crew.send(f"{day.wizard}/push", None, **day.answered)
        (push,) = day.pushes
        said = words(await crew.get(f"{crew.page.url}&go=1"))
        assert now(crew) == "Race"
        assert "fast-one is not on Blau 1 yet. It is still being sent" in said
        race_id = crew.hidden("new_race_id")
        await crew.send(f"{day.wizard}/race", None, new_race_id=race_id, go="1", push_id=push.push_id, **day.answered)

    assert "fast-one is not on Blau 1 yet." in words(crew.page)
    assert day.live().model_id == day.model_id


async def test_a_failed_push_says_why_and_leaves_three_ways(day: Day, worker: Worker) -> None:
    async with Crew(day.site, "operator") as crew:
        await crew.get(f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}")
        await crew.send(f"{day.wizard}/push", None, **day.answered)
        (push,) = day.pushes
        await worker.ended(push.push_id, Outcome.FAILED, "Blau 1 has no room.", "Delete models on it.")
        said = words(await crew.get(str(crew.page.url)))

        assert "fast-one is not on Blau 1" in said
        assert "Blau 1 has no room. Delete models on it." in said
        for way in ("Try again", "Go on all the same", "Go on without a model"):
            assert way in said
        without = words(await crew.get(f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}&model_id=none"))

    assert "Model none known" in without


async def test_models_no_car_can_drive_are_shown_with_the_reason_and_not_taken(day: Day) -> None:
    broken = await upload(day.site, day.anna, "broken", is_good=False)
    walk_up = await upload(day.site, None, "walk-up")
    reason = (await day.site.house.models.get(broken)).reason
    async with Crew(day.site, "operator") as crew:
        page = await crew.get(f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}")
        shown = page.text
        refused = await crew.send(f"{day.wizard}/push", None, **{**day.answered, "model_id": broken})

    assert reason
    assert reason in words(page)
    assert f'value="{broken}" disabled' in shown
    assert shown.index(day.model_id) < shown.index(broken) < shown.index(walk_up)
    assert refused.status_code == 409
    assert "broken cannot be used" in words(refused)
    assert day.pushes == []


async def test_without_cars_and_models_the_race_is_timed_all_the_same(site: Site, event: Event) -> None:
    bo = await add_racer(site.house, "bo")
    wizard = f"/staff/events/{event.event_id}/tracks/1/wizard"
    async with Crew(site, "operator") as crew:
        found = await crew.get(f"{wizard}?q=b")
        assert f'name="racer_id" value="{bo}"' in found.text
        assert "No car is paired with this box yet." in words(await crew.get(f"{wizard}?racer_id={bo}"))
        no_model = words(await crew.get(f"{wizard}?racer_id={bo}&car_id=none"))
        assert "bo has no model on this box." in no_model
        await crew.get(f"{wizard}?racer_id={bo}&car_id=none&model_id=none")
        assert now(crew) == "Race"
        none = {"racer_id": bo, "car_id": "none", "model_id": "none"}
        await crew.send(f"{wizard}/race", None, new_race_id=crew.hidden("new_race_id"), **none)

    race = site.house.control.live(event.event_id, "1")
    assert race is not None
    assert (race.racer_id, race.car_id, race.model_id) == (bo, None, None)


async def test_the_cars_of_the_tracks_fleet_come_first_and_who_is_away_is_said(day: Day) -> None:
    async with Crew(day.site, "operator") as crew:
        said = words(await crew.get(f"{day.wizard}?racer_id={day.anna}"))

    assert "Blau 1 there Its battery was not asked lately." in said
    assert said.index("Blau 1") < said.index("Rot 2 away")


async def test_two_of_the_crew_make_one_race_and_another_racer_has_to_wait(day: Day) -> None:
    bo = await add_racer(day.site.house, "bo")
    none = {"car_id": "none", "model_id": "none"}
    async with Crew(day.site, "operator") as crew, Crew(day.site, "admin") as other:
        for one in (crew, other):
            await one.get(f"{day.wizard}?racer_id={day.anna}&car_id=none&model_id=none")
        for one in (crew, other):
            await one.send(f"{day.wizard}/race", None, racer_id=day.anna, new_race_id=one.hidden("new_race_id"), **none)
            assert one.page.url.query.decode() == f"race_id={day.live().race_id}"
        waiting = words(await crew.get(f"{day.wizard}?racer_id={bo}&car_id=none&model_id=none"))
        refused = await crew.send(f"{day.wizard}/race", None, racer_id=bo, **none)

    assert "anna is on the track, ready. As soon as that race is submitted or discarded, bo can go." in waiting
    assert refused.status_code == 409
    assert "Submit or discard that race first." in words(refused)


async def test_whoever_opens_the_wizard_is_led_to_the_race_unless_they_prepare_the_next(day: Day, event: Event) -> None:
    race = await start_race(day.site.house, event, day.anna)
    async with Crew(day.site, "operator") as crew:
        assert (await crew.get(day.wizard)).url.query.decode() == f"race_id={race.race_id}"
        assert now(crew) == "Race"
        assert "Who races?" in words(await crew.get(f"{day.wizard}?new=1"))


async def test_submit_ends_the_flow_with_the_result_and_the_next_in_line(day: Day, event: Event) -> None:
    bo = await add_racer(day.site.house, "bo")
    await day.site.house.queue.add(event.event_id, "1", bo, "test")
    race = await start_race(day.site.house, event, day.anna)
    await act(day.site.house, race, Kind.LAP)
    async with Crew(day.site, "operator") as crew:
        await crew.get(f"{day.wizard}?race_id={race.race_id}")
        await crew.send(f"/staff/races/{race.race_id}/actions", kind="end", back="wizard")
        assert now(crew) == "Submit"
        assert 'name="back" value="wizard"' in crew.page.text
        done = await crew.send(f"/staff/races/{race.race_id}/actions", kind="submit", back="wizard")
        again = await crew.get(str(done.url))

    assert done.url.path == day.wizard
    for answer in (done, again):
        assert "anna submitted Best lap" in words(answer)
        assert "Next racer: bo" in words(answer)
    (entry,) = day.site.house.queue.next(day.event_id, "1")
    assert f'href="{day.wizard}?queue_id={entry.queue_id}"' in done.text
    assert (await day.site.house.control.view(race.race_id)).state is RaceState.SUBMITTED


async def test_one_more_run_than_allowed_is_a_button_of_its_own(day: Day, event: Event) -> None:
    for _ in range(3):
        await hand_in(day.site.house, event, day.anna, [9_000])
    none = {"racer_id": day.anna, "car_id": "none", "model_id": "none"}
    async with Crew(day.site, "operator") as crew:
        said = words(await crew.get(f"{day.wizard}?racer_id={day.anna}&car_id=none&model_id=none"))
        assert "All 3 runs of anna are used." in said
        assert "Allow one more run" in said
        refused = await crew.send(f"{day.wizard}/race", None, **none)
        assert refused.status_code == 409
        await crew.send(f"{day.wizard}/race", None, override=crew.hidden("override"), **none)

    assert day.live().run == 4


async def test_answers_that_are_none_any_more_are_asked_again_with_the_reason(day: Day) -> None:
    await day.site.house.cars.release(day.car_id, actor="test")
    bo = await add_racer(day.site.house, "bo")
    async with Crew(day.site, "operator") as crew:
        whole = f"{day.wizard}?racer_id={day.anna}&car_id={day.car_id}&model_id={day.model_id}"
        assert "Blau 1 was released. Pair it again under Cars." in words(await crew.get(whole))
        assert now(crew) == "Car"
        not_his = words(await crew.get(f"{day.wizard}?racer_id={bo}&car_id=none&model_id={day.model_id}"))
        assert "fast-one is a model of anna." in not_his
        gone = words(await crew.get(f"{day.wizard}?racer_id=nobody&car_id=none"))

    assert "That racer is no longer there. Choose one." in gone
    assert "Who races?" in gone


async def test_a_race_of_another_track_or_none_is_passed_over(day: Day, event: Event) -> None:
    other = await start_race(day.site.house, event, await add_racer(day.site.house, "bo"), track_id="2")
    async with Crew(day.site, "operator") as crew:
        for race_id in (other.race_id, "nonsense"):
            assert "Who races?" in words(await crew.get(f"{day.wizard}?race_id={race_id}"))


@pytest.mark.parametrize("page", ["/staff", "/timekeeper"])
async def test_the_crew_finds_the_way_to_it(day: Day, page: str) -> None:
    shown = await day.site.send("operator", "GET", page if page == "/staff" else f"{day.base}{page}")
    assert f'href="{day.wizard}"' in shown.text
