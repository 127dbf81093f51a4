"""Forms that were sent before a page's scripts were there, on slow Wi-Fi, or twice because nothing moved."""

import re

import pytest

from appliance import clock
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.loose_crossings import edge_at, keep
from tests.web.racing_day import add_racer, hand_in, start_race
from tests.web.test_public_accounts import send_form
from timing.structs import Event, RaceState


def base(event: Event) -> str:
    return f"/staff/events/{event.event_id}/tracks/1"


async def test_a_sign_up_sent_twice_makes_one_racer_who_is_signed_in(site: Site) -> None:
    async with site.browser() as browser:
        page = (await browser.get("/sign-up")).text
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', page))
        answers = [await browser.post("/sign-up", data={**form, "username": "anna"}) for _ in range(2)]
        assert [(one.status_code, one.headers["location"]) for one in answers] == [(303, "/me?welcome=1")] * 2
        assert "anna" in words(await browser.get("/me"))

        another = await browser.post("/sign-up", data={**form, "username": "ben"})  # the next one at the same phone
        assert another.status_code == 303
        assert "ben" in words(await browser.get("/me"))

    async with site.browser() as stranger:
        taken = await send_form(stranger, "/sign-up", username="anna", form_id=form["form_id"])
        assert taken.status_code == 409
        assert "trackside" not in stranger.cookies


@pytest.mark.parametrize("button", ["Race now", "In line"])
async def test_whoever_was_searched_for_by_a_plain_form_is_chosen_by_a_plain_form(
    site: Site, event: Event, button: str
) -> None:
    anna = await add_racer(site.house, "anna")
    async with Crew(site, "operator") as crew:
        found = await crew.get(f"{base(event)}/find?q=ann")
        assert button in words(found)
        assert "hx-post" not in found.text.partition("<main")[2], "no stream would show what came of it"
        path = {"Race now": "races", "In line": "queue"}[button]
        answer = await crew.send(f"{base(event)}/{path}", racer_id=anna, race_id=crew.hidden("race_id"))
    assert "anna" in words(answer)
    assert answer.url.path.rpartition("/")[2] == {"Race now": "timekeeper", "In line": "queue"}[button]


@pytest.mark.parametrize("path", ["find?q=ann", "queue"])
async def test_a_run_past_the_limit_is_asked_about_where_no_script_could(site: Site, event: Event, path: str) -> None:
    house = site.house
    anna = await add_racer(house, "anna")
    for _ in range(3):
        await hand_in(house, event, anna, [9_000])
    await house.queue.add(event.event_id, "1", anna, "test")
    async with Crew(site, "operator") as crew:
        page = await crew.get(f"{base(event)}/{path}")
        form = re.search(rf'<form method="post" action="{base(event)}/races".*?</form>', page.text, re.DOTALL)
        assert form
        assert "One more run" in form[0]
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
        asked = await crew.send(f"{base(event)}/races", **fields)
        assert asked.status_code == 409
        assert "One more run for anna?" in words(asked)
        assert house.control.live(event.event_id, "1") is None
        await crew.send(f"{base(event)}/races", **{**fields, "override": "1"})
        assert house.control.live(event.event_id, "1") is not None


async def test_each_button_of_the_pad_counts_though_its_form_has_one_id(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "anna"))
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        action_id = crew.hidden("action_id")
        for kind in ("reset", "reset", "pause"):
            await crew.send(f"/staff/races/{race.race_id}/actions", kind=kind, action_id=action_id)
    view = await site.house.control.view(race.race_id)
    assert (view.resets, view.state) == (1, RaceState.PAUSED)


@pytest.mark.parametrize("is_dialog", [False, True])
async def test_the_car_of_a_race_and_whose_a_crossing_is_are_pages_that_lead_back(
    site: Site, event: Event, is_dialog: bool
) -> None:
    race = await start_race(site.house, event, await add_racer(site.house, "anna"))
    crossing = await keep(site.house, event, edge_at(clock.mono_ns(), 5))
    headers = {"hx-request": "true"} if is_dialog else {}
    for address in (f"/staff/races/{race.race_id}/car", f"{crossing}?back=timekeeper"):
        shown = (await site.send("operator", "GET", address, headers=headers)).text
        main = shown.partition("<main")[2] or shown
        assert '<form method="post"' in main
        assert ("hx-swap" in main) is is_dialog, "without a stream nothing would move"
        assert "data-close" not in main or is_dialog, "there is no dialog to close"


async def test_a_line_worked_on_the_timekeepers_page_leads_back_to_it(site: Site, event: Event) -> None:
    anna = await add_racer(site.house, "anna")
    entry = await site.house.queue.add(event.event_id, "1", anna, "test")
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        back = crew.hidden("back")
        answer = await crew.send(f"{base(event)}/queue/{entry.queue_id}", do="call", expected="1", back=back)
    assert answer.url.path == f"{base(event)}/timekeeper"
    assert site.house.queue.get(entry.queue_id).state.value == "called"
