"""Scoring a race again on the crew's pages, and its crossings one by one; edges of a real recorder."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.timing.recorder_process import RecorderProcess
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import act, add_racer, start_race
from tests.web.recorded import an_event, chattered, recorded, until
from timing.journal import Kind
from web.pages.staff.forms import Form
from web.pages.staff.rescore import _lockout_of

HTMX = {"hx-request": "true"}
Recorded = tuple[Site, RecorderProcess]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Recorded]:
    async with recorded(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("typed", "ms"),
    [
        ("2.5", 2_500),
        ("2,5 s", 2_500),
        ("2s", 2_000),
        ("60", 60_000),
        ("800", 800),
        ("800 ms", 800),
        ("50ms", 50),
        ("0", 0),
        ("0.05", 50),
        ("61 s", None),
        ("60001 ms", None),
        ("2.5 ms", None),
        ("soon", None),
        ("-1", None),
        ("", None),
    ],
)
def test_lockout_is_read_as_people_write_it(typed: str, ms: int | None) -> None:
    form = Form({"lockout": typed})
    assert _lockout_of(form) == ms
    assert form.ok == (ms is not None)


async def test_difference_is_shown_then_applied_and_twice_is_once(place: Recorded) -> None:
    site, _ = place
    event = await an_event(site.house, lockout_ms=0)
    race = await chattered(site.house, event, "Zoë")
    address = f"/staff/races/{race.race_id}/rescore"
    async with Crew(site, "operator") as crew:
        assert "deaf for 0 s after a hit" in words(await crew.get(f"/staff/races/{race.race_id}"))
        assert 'name="lockout"' in crew.page.text
        shown = words(await crew.get(f"{address}?lockout=0.3"))
        assert len((await site.house.control.view(race.race_id)).laps) == 8
        version, lockout_ms = crew.hidden("version"), crew.hidden("lockout_ms")
        first = words(await crew.send(address, version=version, lockout_ms=lockout_ms))
        again = await crew.send(address, version=version, lockout_ms=lockout_ms)
    now = await site.house.control.view(race.race_id)

    assert "Score this race again with 0.3 s" in shown
    assert "made one" in shown
    assert "6 crossings judged differently" in shown
    assert re.search(r"Laps 8 Laps 2 other", shown)
    assert "on strip 1 no longer counts" in shown
    assert "Scored again; the boards are made anew." in first
    assert "deaf for 0.3 s after a hit" in first
    assert again.status_code == 200
    assert len(now.laps) == 2


async def test_it_begins_with_the_lockout_the_race_had(place: Recorded) -> None:
    site, _ = place
    race = await chattered(site.house, await an_event(site.house, lockout_ms=0), "Zoë")
    async with Crew(site, "operator") as crew:
        shown = words(await crew.get(f"/staff/races/{race.race_id}/rescore"))
    assert 'name="lockout" class="short" value="0 s"' in crew.page.text
    assert "Nothing would change" in shown


async def test_nothing_would_change_is_said(place: Recorded) -> None:
    site, _ = place
    event = await an_event(site.house, lockout_ms=300)
    race = await start_race(site.house, event, await add_racer(site.house, "anna"))
    await site.house.strips.hit(17, hold_ms=5)
    await until(site.house, lambda: len(site.house.control.live(event.event_id, "1").laps) == 1)  # type: ignore[union-attr]
    await act(site.house, race, Kind.END)
    address = f"/staff/races/{race.race_id}/rescore"
    async with Crew(site, "operator") as crew:
        other = words(await crew.get(f"{address}?lockout=500 ms"))
        same = words(await crew.get(f"{address}?lockout=300"))

    assert "Nothing would change. With 0.5 s instead of 0.3 s every crossing and every lap stays as it is." in other
    assert "Nothing would change. The race is scored with 0.3 s now." in same
    assert "Score it with" not in other


async def test_race_that_went_on_meanwhile_is_shown_anew_and_not_changed(place: Recorded) -> None:
    site, _ = place
    event = await an_event(site.house, lockout_ms=0)
    race = await chattered(site.house, event)
    address = f"/staff/races/{race.race_id}/rescore"
    async with Crew(site, "operator") as crew:
        await crew.get(f"{address}?lockout=0.3")
        version = crew.hidden("version")
        await act(site.house, race, Kind.SET_VALIDITY, lap=1, valid=False)
        answer = await crew.send(address, version=version, lockout_ms="300")
        fresh = crew.hidden("version")

    assert answer.status_code == 409
    assert "The race went on since you looked at the difference." in words(answer)
    assert "Score it with 0.3 s" in words(answer)
    assert int(fresh) == int(version) + 1
    assert len((await site.house.control.view(race.race_id)).laps) == 8


async def test_recorder_that_is_away_is_said_with_a_remedy_also_in_the_dialog(place: Recorded) -> None:
    site, recorder = place
    event = await an_event(site.house, lockout_ms=0)
    race = await chattered(site.house, event)
    address = f"/staff/races/{race.race_id}/rescore?lockout=0.3"
    await recorder.end(signal.SIGTERM)
    await until(site.house, lambda: not site.house.strips.recorders()[0].connected)
    async with Crew(site, "operator") as crew, site.browser("operator") as browser:
        page = await crew.get(address)
        dialog = await browser.get(address, headers=HTMX)
        crossings = words(await crew.get(f"/staff/races/{race.race_id}/crossings"))

    assert page.status_code == 503
    assert dialog.status_code == 200
    for answer in (page, dialog):
        assert "is not connected. Connect it, then try again." in words(answer)
    assert "<html" not in dialog.text
    assert "How clean they were is not known now." in crossings
    assert crossings.count("Take out") == 9


async def test_wrong_lockout_is_refused_beside_its_field(place: Recorded) -> None:
    site, _ = place
    event = await an_event(site.house)
    race = await start_race(site.house, event, await add_racer(site.house, "anna"))
    await act(site.house, race, Kind.END)
    async with Crew(site, "operator") as crew:
        answer = await crew.get(f"/staff/races/{race.race_id}/rescore?lockout=soon")
        posted = await crew.send(f"/staff/races/{race.race_id}/rescore", lockout_ms="x", version="1")

    assert answer.status_code == 400
    assert "Type seconds or ms up to a minute, for example 2.5 s or 800 ms." in words(answer)
    assert 'value="soon"' in answer.text
    assert posted.status_code == 400


async def test_running_race_cannot_be_scored_again(place: Recorded) -> None:
    site, _ = place
    event = await an_event(site.house)
    race = await start_race(site.house, event, await add_racer(site.house, "anna"))
    async with Crew(site, "operator") as crew:
        assert "The race can be scored again once it stands still." in words(
            await crew.get(f"/staff/races/{race.race_id}")
        )
        answer = await crew.get(f"/staff/races/{race.race_id}/rescore?lockout=1")

    assert answer.status_code == 409


async def test_each_crossing_shows_its_signal_and_can_be_taken_out_and_put_back(place: Recorded) -> None:
    site, _ = place
    event = await an_event(site.house, lockout_ms=300)
    race = await start_race(site.house, event, await add_racer(site.house, "anna"))
    for laps in (1, 2):
        await site.house.strips.hit(17, hold_ms=20, bounces=2)
        await until(site.house, lambda laps=laps: len(site.house.control.live(event.event_id, "1").laps) == laps)  # type: ignore[misc,union-attr]
        await asyncio.sleep(0.35)  # Past the lock-out.
    await act(site.house, race, Kind.END)
    address = f"/staff/races/{race.race_id}/crossings"
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(address))
        seq = re.search(r"/crossings/(\d+)\"", crew.page.text)
        assert seq
        out = words(await crew.send(f"{address}/{seq[1]}", do="drop"))
        assert len((await site.house.control.view(race.race_id)).laps) == 1
        twice = await crew.send(f"{address}/{seq[1]}", do="drop")
        loose = words(await crew.get("/staff/crossings"))
        await crew.get(address)
        back = words(await crew.send(f"{address}/{seq[1]}", do="restore"))

    assert re.search(r"strip 1 1 2 \d+ ms – Take out", text)
    assert "taken out Put back" in out
    assert twice.status_code == 409
    assert "Who was that? 1 waits" in loose
    assert "It counts again." in back
    assert len((await site.house.control.view(race.race_id)).laps) == 2


async def test_commentator_sees_the_signal_and_changes_nothing(place: Recorded) -> None:
    site, _ = place
    event = await an_event(site.house)
    race = await start_race(site.house, event, await add_racer(site.house, "anna"))
    async with Crew(site, "commentator") as crew:
        seen = await crew.get(f"/staff/races/{race.race_id}/crossings")
        assert (await crew.get(f"/staff/races/{race.race_id}/rescore?lockout=1")).status_code == 403
        assert (await crew.send(f"/staff/races/{race.race_id}/crossings/1", do="drop")).status_code == 403

    assert seen.status_code == 200
    assert "No strip saw this race: it was taken by hand." in words(seen)
