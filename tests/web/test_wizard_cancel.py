"""Cancelling a push in the race wizard, without script: as on the page of pushes, and then what is true."""

from urllib.parse import parse_qs

import pytest

from cars.push_rules import PushState
from cars.push_wire import Outcome
from tests.web.car_day import enrol, upload
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.push_news import Worker
from tests.web.racing_day import add_racer
from timing.structs import Event


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, site: Site) -> Worker:
    return Worker(site.house, monkeypatch)


class Pushing:
    """Anna's model is on its way to a car, and somebody looks at the wizard's step."""

    def __init__(self, crew: Crew, worker: Worker, wizard: str, answered: dict[str, str]) -> None:
        self.crew, self.worker, self.wizard, self.answered = crew, worker, wizard, answered

    @property
    def push_id(self) -> str:
        """The push that the address follows."""
        (push_id,) = parse_qs(self.crew.page.url.query.decode())["push_id"]
        return push_id

    async def begin(self) -> str:
        """Choose the model; answers the push's id."""
        await self.crew.get(f"{self.wizard}?racer_id={self.answered['racer_id']}&car_id={self.answered['car_id']}")
        await self.crew.send(f"{self.wizard}/push", None, **self.answered)
        return self.push_id

    async def cancel(self, push_id: str, **more: str) -> str:
        """Press Cancel; what the page says then."""
        form = {**self.answered, "push_id": push_id, **more}
        return words(await self.crew.send(f"{self.wizard}/push/cancel", None, **form))

    async def look(self) -> str:
        """Look again."""
        return words(await self.crew.get(str(self.crew.page.url)))


@pytest.fixture
async def pushing(site: Site, event: Event, worker: Worker) -> Pushing:
    anna = await add_racer(site.house, "anna", "SE")
    car = await enrol(site.house, "Blau 1")
    answered = {"racer_id": anna, "car_id": car.car_id, "model_id": await upload(site, anna, "fast-one")}
    crew = Crew(site, "operator")
    return Pushing(crew, worker, f"/staff/events/{event.event_id}/tracks/1/wizard", answered)


async def test_a_push_that_runs_is_cancelled_and_may_be_pushed_again(pushing: Pushing) -> None:
    async with pushing.crew as crew:
        push_id = await pushing.begin()
        await pushing.worker.went(push_id, PushState.CONNECTING, PushState.CHECKING)
        sending = await pushing.look()
        assert 'aria-label="Cancel fast-one to Blau 1"' in crew.page.text
        assert "Cancel" in sending

        cancelling = await pushing.cancel(push_id)
        assert crew.page.status_code == 200
        assert "The push of fast-one to Blau 1 is being cancelled" in cancelling
        assert "Cancelling" in cancelling
        assert 'aria-label="Cancel fast-one to Blau 1"' not in crew.page.text

        await pushing.worker.end(push_id, Outcome.CANCELLED)
        said = await pushing.look()
        assert "The push of fast-one to Blau 1 was cancelled Blau 1 ← fast-one anna Cancelled" in said
        assert "Push again Choose another model" in said
        assert "on its way" not in said

        await crew.send(f"{pushing.wizard}/push", None, **pushing.answered)
        assert pushing.push_id != push_id
        assert "fast-one is on its way to Blau 1" in words(crew.page)


async def test_another_model_may_be_chosen_after_it(pushing: Pushing) -> None:
    async with pushing.crew as crew:
        push_id = await pushing.begin()
        await pushing.worker.went(push_id, PushState.CONNECTING)
        await pushing.cancel(push_id)
        await pushing.worker.end(push_id, Outcome.CANCELLED)
        await pushing.look()
        other = crew.page.text.partition(">Choose another model<")[0].rpartition('href="')[2].rstrip('"')
        said = words(await crew.get(other.replace("&amp;", "&")))

    assert "Which model?" in said
    assert "fast-one" in said


async def test_a_second_click_changes_nothing_not_even_at_the_push_that_was_begun_after_it(
    pushing: Pushing, site: Site
) -> None:
    async with pushing.crew:
        first = await pushing.begin()
        await pushing.worker.went(first, PushState.CONNECTING)
        await pushing.cancel(first)
        assert "The push of fast-one to Blau 1 is being cancelled" in await pushing.cancel(first)
        await pushing.worker.end(first, Outcome.CANCELLED)
        assert "The push of fast-one to Blau 1 was cancelled" in await pushing.cancel(first)
        second = await pushing.begin()
        assert second != first

        said = await pushing.cancel(first)
        assert "fast-one is on its way to Blau 1" in said
        assert pushing.push_id == second

    assert [(push.push_id, push.is_cancelling) for push in site.house.pushes.all_open()] == [(second, False)]


async def test_what_is_done_meanwhile_is_said_to_be_done_and_stays(pushing: Pushing) -> None:
    async with pushing.crew as crew:
        push_id = await pushing.begin()
        await pushing.worker.ended(push_id, Outcome.DONE)
        said = await pushing.cancel(push_id)

    assert crew.page.status_code == 409
    assert "This push is done already. Delete the model on the car instead." in said
    assert "fast-one is on Blau 1. The car has read it back." in said


async def test_who_went_on_meanwhile_may_cancel_too_and_reads_that_it_was(pushing: Pushing) -> None:
    async with pushing.crew as crew:
        push_id = await pushing.begin()
        await pushing.worker.went(push_id, PushState.CONNECTING)
        await crew.get(f"{crew.page.url}&go=1")
        assert 'aria-label="Cancel fast-one to Blau 1"' in crew.page.text
        await pushing.cancel(push_id, go=crew.hidden("go"))
        await pushing.worker.end(push_id, Outcome.CANCELLED)
        said = await pushing.look()

    assert "The push of fast-one to Blau 1 was cancelled. Push it again , or choose another model ." in said
    assert "anna to the track" in said
