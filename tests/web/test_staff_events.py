"""Making, changing and deleting an event on the crew's pages."""

import asyncio

import pytest

from appliance.ids import new_id
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import hand_in
from timing.lap_text import lap_time_ms
from timing.rules import EventType, RaceRules, Ranking
from timing.structs import Event, StripLine
from web.pages.staff.event_form import event_of, typed_of
from web.pages.staff.forms import Form

NEW = {"name": "Night race", "track__0__name": "Track 1", "do": "save"}


async def test_event_is_made_with_every_field(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/events/new")
        answer = await crew.send(
            "/staff/events/new",
            name="  Night   race ",
            type="AWS_SUMMIT",
            date="2026-12-01",
            country="SE",
            sponsor="Nordic Robotics",
            race_ms="180000",
            max_resets_per_lap="4",
            max_runs="",
            ranking="best_average",
            average_window="5",
            track_type="FOREVER_RACEWAY",
            direction="clockwise",
            min_lap_s="4.5",
            lockout_s="1,5",
            track__0__name="Left",
            track__0__footer="Welcome",
            track__0__timing="some",
            track__0__lines="17, 27",
            track__1__name="Right",
            track__1__timing="none",
            do="save",
        )
    (event,) = site.house.events.list()

    assert answer.status_code == 200
    assert "The event is made." in words(answer)
    assert (event.name, event.type.value, event.date, event.country) == ("Night race", "AWS_SUMMIT", "2026-12-01", "SE")
    assert event.rules == RaceRules(
        race_ms=180_000,
        max_resets_per_lap=4,
        max_runs=None,
        ranking=Ranking.BEST_AVERAGE,
        average_window=5,
        track_type=event.rules.track_type,
        direction=event.rules.direction,
        min_lap_ms=4_500,
        lockout_ms=1_500,
    )
    assert [track.lines for track in event.tracks] == [[StripLine(line=17), StripLine(line=27)], []]
    assert (event.tracks[0].footer, event.sponsor) == ("Welcome", "Nordic Robotics")


async def test_mistakes_are_shown_beside_their_fields_and_what_was_typed_is_kept(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/events/new")
        answer = await crew.send(
            "/staff/events/new",
            name="",
            sponsor="Nordic Robotics",
            lockout_s="soon",
            track__0__name="Left",
            track__0__timing="some",
            track__0__lines="left",
            do="save",
        )
    text = words(answer)

    assert answer.status_code == 400
    assert "Give the event a name: it stands on the board." in text
    assert "Type seconds from 0 to 60, for example 2.5." in text
    assert "“left” is no line. Type their numbers, for example 17, 27." in text
    assert 'value="Nordic Robotics"' in answer.text
    assert 'value="soon"' in answer.text
    assert site.house.events.list() == []


async def test_day_that_does_not_exist_is_refused_beside_the_date(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/events/new")
        answer = await crew.send("/staff/events/new", **NEW, date="2026-02-31")

    assert answer.status_code == 400
    assert "2026-02-31 is not a day. Write it as YYYY-MM-DD." in words(answer)
    assert 'value="Night race"' in answer.text


async def test_lap_count_with_average_ranking_is_refused(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/events/new")
        answer = await crew.send("/staff/events/new", **NEW, lap_count="5", ranking="best_average")

    assert answer.status_code == 400
    assert "ranked by best lap" in words(answer)


async def test_form_sent_twice_makes_one_event(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/events/new")
        form_id = crew.hidden("form_id")
        sent = [crew.send("/staff/events/new", **NEW, form_id=form_id) for _ in range(3)]
        answers = await asyncio.gather(*sent)

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(site.house.events.list()) == 1
    assert len({str(answer.url) for answer in answers}) == 1


async def test_track_rows_are_added_and_removed_without_saving(site: Site) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get("/staff/events/new")
        added = await crew.send("/staff/events/new", name="Night race", track__0__name="Left", do="add_track")
        assert 'name="track-1-name"' in added.text
        assert 'value="Night race"' in added.text
        removed = await crew.send(
            "/staff/events/new", name="Night race", track__0__name="Left", track__1__name="Right", do="remove_track_0"
        )

    assert 'name="track-0-name"' not in removed.text
    assert 'value="Right"' in removed.text
    assert site.house.events.list() == []


async def test_change_keeps_the_numbers_of_the_tracks(site: Site, event: Event) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/events/{event.event_id}")
        await crew.send(
            f"/staff/events/{event.event_id}",
            name="Renamed",
            track__0__id="2",
            track__0__name="Right",
            track__1__name="Third",
            do="save",
        )
    changed = site.house.events.get(event.event_id)

    assert changed.name == "Renamed"
    assert [(track.track_id, track.name) for track in changed.tracks] == [("2", "Right"), ("3", "Third")]


async def test_track_with_races_is_not_removed_and_the_reason_is_shown(site: Site, event: Event) -> None:
    await hand_in(site.house, event, site.person_ids["racer"], [9_000])
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/events/{event.event_id}")
        answer = await crew.send(
            f"/staff/events/{event.event_id}", name="Rehearsal", track__0__id="2", track__0__name="Right", do="save"
        )

    assert answer.status_code == 409
    assert "Left has 1 race" in words(answer)
    assert len(site.house.events.get(event.event_id).tracks) == 2


async def test_two_tracks_on_one_strip_are_pointed_out(site: Site, event: Event) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/events/{event.event_id}")
        answer = await crew.send(
            f"/staff/events/{event.event_id}",
            name="Rehearsal",
            track__0__id="1",
            track__0__name="Left",
            track__1__id="2",
            track__1__name="Right",
            do="save",
        )

    assert "Left and Right are both timed by every line of this box: a crossing counts on both." in words(answer)


async def test_deleting_names_what_is_lost_and_asks_for_the_name(site: Site, event: Event) -> None:
    await hand_in(site.house, event, site.person_ids["racer"], [9_000, 8_000])
    address = f"/staff/events/{event.event_id}/delete"
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(address))
        assert "1 race with 2 laps of 1 racer, 2 tracks, and the boards." in text
        refused = await crew.send(address, name="something else")
        assert refused.status_code == 409
        assert "Type the event's name, Rehearsal, to delete it with its races." in words(refused)
        assert site.house.events.list()
        await crew.send(address, name="Rehearsal")

    assert site.house.events.list() == []


async def test_empty_event_is_deleted_with_one_confirmation(site: Site, event: Event) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/events/{event.event_id}/delete")
        answer = await crew.send(f"/staff/events/{event.event_id}/delete")

    assert "The event is deleted." in words(answer)
    assert site.house.events.list() == []


def test_form_of_an_event_reads_back_as_the_same_event() -> None:
    event = Event(
        event_id=new_id(),
        name="Odd one",
        type=EventType.OTHER,
        date=None,
        country=None,
        sponsor=None,
        rules=RaceRules(race_ms=95_500, max_resets_per_lap=42, max_runs=None, min_lap_ms=1_234, average_window=9),
        tracks=[],
        created_at="2026-11-22T00:00:00.000Z",
    )
    form = Form(typed_of(event) | {"track-0-name": "Track 1"})

    read = event_of(form)

    assert form.errors == {}
    assert read is not None
    assert read.rules == event.rules


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("00:09.123", 9_123),
        ("1:02.5", 62_500),
        ("62.345", 62_345),
        ("9,1", 9_100),
        ("12", 12_000),
        ("00:60.000", None),
        ("9.1234", None),
        ("nine", None),
        ("-1.0", None),
        ("", None),
    ],
)
def test_lap_time_is_read_as_people_write_it(text: str, ms: int | None) -> None:
    assert lap_time_ms(text) == ms
