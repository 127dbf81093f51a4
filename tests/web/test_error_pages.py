"""Pages of what was refused or failed: the crew can stop cars from them too, and they never fail themselves."""

from collections.abc import Mapping
from typing import Any

import pytest
from litestar import Request, Response

from appliance.errors import ApplianceError, Conflict, NotReady
from cars.car_structs import Car
from cars.command_rules import Ask
from cars.lines import Lines
from tests.web.car_day import enrol
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from web import error_page
from web.render import page

STOP = 'action="/staff/cars/stop"'


@pytest.mark.parametrize(
    "path", ["/staff/nowhere", "/staff/races/nowhere", "/staff/cars/nowhere", "/staff/events/no/tracks/1/timekeeper"]
)
async def test_cars_can_be_stopped_from_a_page_that_is_not_there(site: Site, path: str) -> None:
    await enrol(site.house, "Blue 1")
    shown = await site.send("operator", "GET", path)
    assert shown.status_code == 404
    assert STOP in shown.text
    for role in ("commentator", "racer"):
        assert STOP not in (await site.send(role, "GET", path)).text


async def test_the_stop_of_an_error_page_stops(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(_: Lines, car: Car, ask: Ask) -> Mapping[str, object]:
        return {}

    monkeypatch.setattr(Lines, "call", call)
    monkeypatch.setattr(Lines, "_keep", lambda _: None)
    await enrol(site.house, "Blue 1")
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/nowhere")
        answer = await crew.send("/staff/cars/stop")
    assert answer.status_code == 200
    assert words(answer).startswith('id="main" class="page narrow" tabindex="-1"> Cars Stop Blue 1')


@pytest.mark.parametrize("error", [Conflict("It cannot be.", "Look again."), NotReady("It is away.", "Wait a minute.")])
async def test_cars_can_be_stopped_from_a_page_that_was_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: ApplianceError
) -> None:
    async def pressed(*_: object) -> bytes:
        raise error

    monkeypatch.setattr("web.pages.staff.car_labels.pressed", pressed)
    car = await enrol(site.house, "Blue 1")
    shown = await site.send("operator", "GET", f"/staff/cars/{car.car_id}/label.png")
    assert shown.status_code == error.status
    assert error.message in shown.text
    assert error.remedy in shown.text
    assert STOP in shown.text


async def test_an_error_page_of_the_crew_that_fails_is_shown_without_their_bar(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(request: Request[Any, Any, Any], template: str, **context: Any) -> Response[str]:
        if template.startswith("staff/"):
            raise RuntimeError("the bar cannot be drawn")
        return page(request, template, **context)

    monkeypatch.setattr(error_page, "page", fails)
    await enrol(site.house, "Blue 1")
    shown = await site.send("operator", "GET", "/staff/nowhere")
    assert shown.status_code == 404
    assert "There is nothing at /staff/nowhere." in words(shown)
    assert STOP not in shown.text
