""" "Who was that?": crossings that no race took, on the timekeeper's page and in their list."""

import asyncio
import re
from pathlib import Path

import pytest

from appliance import clock
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.loose_crossings import edge_at, keep, within_lap
from tests.web.panels import stream
from tests.web.racing_day import act, add_racer, hand_in, start_race
from tests.web.recorded import an_event, recorded
from timing.journal import Kind
from timing.structs import Event, RaceView

HTMX = {"hx-request": "true"}


def base(event: Event) -> str:
    return f"/staff/events/{event.event_id}/tracks/1"


async def raced(site: Site, event: Event, name: str = "anna", laps: int = 2) -> RaceView:
    """A race that is over, of real moments: nobody corrected its times."""
    race = await start_race(site.house, event, await add_racer(site.house, name))
    for _ in range(laps):
        await asyncio.sleep(0.002)  # A lap needs a length; nothing is waited for.
        race = await act(site.house, race, Kind.LAP)
    return await act(site.house, race, Kind.END)


async def test_loose_crossing_is_on_the_timekeepers_page_with_its_strip_and_second(site: Site, event: Event) -> None:
    async with Crew(site, "operator") as crew:
        assert "Who was that?" not in words(await crew.get(f"{base(event)}/timekeeper"))
        await keep(site.house, event, edge_at(clock.mono_ns(), 5))
        text = words(await crew.get(f"{base(event)}/timekeeper"))
        other = words(await crew.get(f"/staff/events/{event.event_id}/tracks/2/timekeeper"))

    assert re.search(r"Who was that\? A crossing while no race ran here\. \d\d:\d\d:\d\d line 17", text)
    assert "Who was that?" not in other


async def test_every_device_sees_it_come_and_go(site: Site, event: Event) -> None:
    async with (
        stream(site, event, parts="loose") as one,
        stream(site, event, "admin", parts="loose,crossings") as other,
        Crew(site, "operator") as crew,
    ):
        assert "Who was that?" not in await one.next()
        await other.next()
        address = await keep(site.house, event, edge_at(clock.mono_ns(), 5))
        assert "line 17" in await one.until("Who was that?")
        assert "line 17" in await other.until("Who was that?")
        await crew.get(f"{base(event)}/timekeeper")
        await crew.send(address, headers=HTMX, do="dismiss", back="timekeeper")
        gone = await one.until("was dismissed by the-operator")

    assert "Who was that?" not in gone


async def test_it_is_given_to_a_race_with_one_tap_and_twice_changes_nothing_more(site: Site, event: Event) -> None:
    race = await raced(site, event, "Zoë")
    moment = await within_lap(site.house, race, 2)
    address = await keep(site.house, event, edge_at(moment, 5))
    async with Crew(site, "operator") as crew:
        asked = words(await crew.get(address))
        assert re.search(r"Zoë run 1, over lap 2: 00:00\.0\d\d → 00:00\.0\d\d \+ 00:00\.0\d\d", asked)
        race_id = crew.hidden("race_id")
        first = await crew.send(address, do="give", race_id=race_id)
        again = await crew.send(address, do="give", race_id=race_id)
    now = await site.house.control.view(race.race_id)

    assert len(now.laps) == 3
    assert (first.status_code, again.status_code) == (200, 200)
    assert re.search(r"given to Zoë by the-operator, \d\d:\d\d", words(first))


async def test_two_devices_at_once_agree(site: Site, event: Event) -> None:
    """One gives it, one dismisses it: the first wins, the second is told."""
    race = await raced(site, event)
    address = await keep(site.house, event, edge_at(await within_lap(site.house, race, 1), 5))
    async with Crew(site, "operator") as one, Crew(site, "admin") as other:
        await one.get(address)
        await other.get(address)
        given = await one.send(address, do="give", race_id=race.race_id)
        refused = await other.send(address, do="dismiss")
        in_dialog = await other.send(address, headers=HTMX, do="dismiss", back="timekeeper")

    assert given.status_code == 200
    assert (refused.status_code, in_dialog.status_code) == (409, 409)
    assert "This crossing was given to a race meanwhile. Take it out of that race first." in words(refused)
    assert "Given to anna by the-operator" in words(refused)
    assert len((await site.house.control.view(race.race_id)).laps) == 3


async def test_dismissed_one_is_brought_back(site: Site, event: Event) -> None:
    address = await keep(site.house, event, edge_at(clock.mono_ns(), 5))
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        answer = await crew.send(address, do="dismiss", back="timekeeper")
        assert answer.url.path == f"{base(event)}/timekeeper"
        assert "was dismissed by the-operator." in words(answer)
        twice = await crew.send(address, do="dismiss")
        assert "dismissed by the-operator" in words(twice)
        back = words(await crew.send(address, do="undo"))

    assert "It waits for an answer again." in back
    assert "Who was that? 1 waits" in back


async def test_crossing_before_any_race_offers_none(site: Site, event: Event) -> None:
    address = await keep(site.house, event, edge_at(clock.mono_ns(), 5))
    async with Crew(site, "operator") as crew:
        assert "No race was on this track before that moment." in words(await crew.get(address))


async def test_race_that_cannot_take_it_says_why(site: Site, event: Event) -> None:
    await raced(site, event)
    address = await keep(site.house, event, edge_at(clock.mono_ns(), 5))
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(address))

    assert "anna run 1, over" in text
    assert "Give to anna" not in text


async def test_two_hundred_are_listed_page_by_page_and_dismissed_at_once(site: Site, event: Event) -> None:
    start = clock.mono_ns()
    for seq in range(1, 201):
        await keep(site.house, event, edge_at(start - seq * 3_000_000_000, seq))
    seen: list[str] = []
    async with Crew(site, "operator") as crew:
        panel = words(await crew.get(f"{base(event)}/timekeeper"))
        page = await crew.get(f"/staff/crossings?event={event.event_id}")
        first = page.text
        while True:
            seen += re.findall(r'hx-get="/staff/crossings/[^/]*/[^/]*/(\d+)"', page.text)
            older = re.search(r'href="([^"]*)">Older crossings', page.text)
            if older is None:
                break
            page = await crew.get(older[1].replace("&amp;", "&"))
        await crew.get(f"/staff/crossings?event={event.event_id}")
        until = re.search(r'name="until" value="([^"]*)"', first)
        assert until
        await keep(site.house, event, edge_at(start + 2_000_000_000, 500))
        done = words(await crew.send("/staff/crossings", event=event.event_id, track="", until=until[1]))

    assert "200 crossings while no race ran here." in panel
    assert "197 more before" in panel
    assert [int(seq) for seq in seen] == list(range(1, 201))
    assert "All that were shown are dismissed." in done
    assert "Who was that? 1 waits" in done


async def test_empty_list_says_so(site: Site, event: Event) -> None:
    async with Crew(site, "operator") as crew:
        assert "Every crossing has its race" in words(await crew.get("/staff/crossings"))
        assert "Every crossing has its race" in words(await crew.get("/staff/crossings?after=1~2~3~4&track=none"))


async def test_list_without_an_event_says_so(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        assert "No event yet" in words(await crew.get("/staff/crossings"))


async def test_open_ones_come_first_then_those_with_an_answer(site: Site, event: Event) -> None:
    race = await hand_in(site.house, event, await add_racer(site.house, "anna"), [9_000])
    now = clock.mono_ns()
    await keep(site.house, event, edge_at(now - 9_000_000_000, 1))
    dismissed = await keep(site.house, event, edge_at(now, 2))
    assert race.laps
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/crossings")
        await crew.send(dismissed, do="dismiss")
        text = (await crew.get("/staff/crossings")).text

    assert text.index("Who was that?") < text.index(">Answered<")
    assert text.index("/1") < text.index("/2", text.index(">Answered<"))


@pytest.mark.parametrize("role", ["commentator", "registration", "racer"])
async def test_only_who_runs_races_may_settle_one(site: Site, event: Event, role: str) -> None:
    address = await keep(site.house, event, edge_at(clock.mono_ns(), 5))
    async with site.browser(role) as browser:
        browser.cookies.set("csrftoken", "t")
        for path in ("/staff/crossings", address):
            assert (await browser.get(path)).status_code == 403
        answer = await browser.post(address, data={"do": "dismiss"}, headers={"x-csrftoken": "t"})
    assert answer.status_code == 403


async def test_button_that_is_none_and_crossing_that_is_none_are_refused(site: Site, event: Event) -> None:
    address = await keep(site.house, event, edge_at(clock.mono_ns(), 5))
    async with Crew(site, "operator") as crew:
        await crew.get(address)
        assert (await crew.send(address, do="explode")).status_code == 400
        assert (await crew.send(f"{address}99", do="dismiss")).status_code == 404
        answer = await crew.send(address, do="give", race_id="none")

    assert answer.status_code == 400
    assert "There is no such race." in words(answer)


async def test_real_hit_without_a_race_asks_at_once_and_names_its_strip(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (site, _):
        event = await an_event(site.house)
        async with stream(site, event, parts="loose") as panels, Crew(site, "operator") as crew:
            await panels.next()
            await site.house.strips.hit(27, hold_ms=5, bounces=2)
            told = await panels.until("Who was that?")
            listed = words(await crew.get("/staff/crossings"))

    assert "strip 2" in told
    assert told.count("<li>") == 1
    assert "1 waits" in listed
