"""Events, tracks and rules: what staff may change, and what they may not lose."""

import asyncio
from pathlib import Path

import pytest

from appliance.errors import Conflict, InvalidInput, NotFound
from tests.conftest import Racing, racing_in
from timing.journal import Kind
from timing.rules import RaceRules, Ranking
from timing.structs import EventPatch, NewEvent, NewTrack


async def test_an_event_without_tracks_gets_one(racing: Racing) -> None:
    event = await racing.events.create(NewEvent(name="  Spring   Cup "), "box")

    assert event.name == "Spring Cup"
    assert [(track.track_id, track.name) for track in event.tracks] == [("1", "Track 1")]


async def test_events_survive_a_restart_as_they_were(tmp_path: Path) -> None:
    async with racing_in(tmp_path) as racing:
        event = await racing.event("Nörd", "Süd", country="DE", date="2026-11-22", rules=RaceRules(lap_count=3))
    async with racing_in(tmp_path) as racing:
        assert racing.events.get(event.event_id) == event


async def test_a_removed_tracks_number_is_never_used_again(racing: Racing) -> None:
    event = await racing.event("North", "South")
    only_north = await racing.events.patch(
        event.event_id, EventPatch(tracks=[NewTrack(track_id="1", name="North")]), "box"
    )
    again = await racing.events.patch(
        event.event_id, EventPatch(tracks=[NewTrack(track_id="1", name="North"), NewTrack(name="West")]), "box"
    )

    assert [track.track_id for track in only_north.tracks] == ["1"]
    assert [track.track_id for track in again.tracks] == ["1", "3"]


async def test_a_track_with_races_cannot_be_removed(racing: Racing) -> None:
    event = await racing.event("North", "South")
    await racing.ready(event, await racing.racer("Ann"), track_id="2")

    with pytest.raises(Conflict, match="South has 1 race and"):
        await racing.events.patch(event.event_id, EventPatch(tracks=[NewTrack(track_id="1", name="North")]), "box")
    assert len(racing.events.get(event.event_id).tracks) == 2


async def test_changing_an_event_never_changes_a_race(racing: Racing) -> None:
    event = await racing.event(rules=RaceRules(race_ms=60_000))
    race = await racing.ready(event, await racing.racer("Ann"))

    await racing.events.patch(event.event_id, EventPatch(rules=RaceRules(race_ms=240_000)), "box")

    assert (await racing.control.view(race.race_id)).rules.race_ms == 60_000


async def test_an_event_with_races_is_deleted_only_when_that_is_meant(racing: Racing) -> None:
    event = await racing.event()
    race = await racing.do(await racing.ready(event, await racing.racer("Ann")), Kind.START, Kind.END, Kind.SUBMIT)

    with pytest.raises(Conflict, match="has 1 race;"):
        await racing.events.delete(event.event_id, "box")
    await racing.events.delete(event.event_id, "box", force=True)

    with pytest.raises(NotFound):
        racing.events.get(event.event_id)
    with pytest.raises(NotFound):
        await racing.control.view(race.race_id)


async def test_an_event_with_a_live_race_is_not_deleted(racing: Racing) -> None:
    event = await racing.event()
    await racing.ready(event, await racing.racer("Ann"))

    with pytest.raises(Conflict, match="not finished"):
        await racing.events.delete(event.event_id, "box", force=True)


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewEvent(name="   "), "name"),
        (NewEvent(name="Cup", country="XX"), "country"),
        (NewEvent(name="Cup", date="2026-02-31"), "date"),
        (NewEvent(name="Cup", rules=RaceRules(lap_count=7)), "lap_count"),
        (NewEvent(name="Cup", rules=RaceRules(lap_count=3, ranking=Ranking.BEST_AVERAGE)), "ranking"),
        (NewEvent(name="Cup", tracks=[NewTrack(name="A", track_id="1"), NewTrack(name="B", track_id="1")]), "tracks"),
    ],
)
async def test_a_wrong_event_names_the_field(racing: Racing, new: NewEvent, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await racing.events.create(new, "box")
    assert refusal.value.field == field
    assert racing.events.list() == []


async def test_the_current_event_is_todays_then_the_next_then_the_latest(racing: Racing) -> None:
    assert racing.events.current("2026-11-22") is None
    past = await racing.event(date="2026-11-01")
    assert racing.events.current("2026-11-22") == past
    later = await racing.event(date="2026-12-24")
    sooner = await racing.event(date="2026-11-30")
    assert racing.events.current("2026-11-22") == sooner
    today = await racing.event(date="2026-11-22")
    assert racing.events.current("2026-11-22") == today
    assert racing.events.list() == [later, sooner, today, past]


async def test_the_current_event_goes_by_the_day_at_the_track(racing: Racing, monkeypatch: pytest.MonkeyPatch) -> None:
    evening = await racing.event(date="2026-11-22")
    tomorrow = await racing.event(date="2026-11-23")
    for day, meant in (("2026-11-22", evening), ("2026-11-23", tomorrow)):
        monkeypatch.setattr("timing.events.today", lambda day=day: day)
        assert racing.events.current() == meant


async def test_two_who_change_one_event_at_once_lose_nothing_of_each_other(racing: Racing) -> None:
    event = await racing.event()

    await asyncio.gather(
        racing.events.patch(event.event_id, EventPatch(name="Night Cup"), "box"),
        racing.events.patch(event.event_id, EventPatch(sponsor="Acme"), "box"),
    )

    changed = racing.events.get(event.event_id)
    assert (changed.name, changed.sponsor) == ("Night Cup", "Acme")


async def test_a_race_made_while_its_track_is_removed_is_refused_or_keeps_the_track(racing: Racing) -> None:
    event = await racing.event("North", "South")
    ann = await racing.racer("Ann")

    removed, made = await asyncio.gather(
        racing.events.patch(event.event_id, EventPatch(tracks=[NewTrack(track_id="1", name="North")]), "box"),
        racing.ready(event, ann, track_id="2"),
        return_exceptions=True,
    )

    assert [type(answer) for answer in (removed, made) if isinstance(answer, Exception)] == [Conflict]


async def test_a_thrown_away_rehearsal_does_not_hold_its_track_for_ever(racing: Racing) -> None:
    event = await racing.event("North", "South")
    ann = await racing.racer("Ann")
    await racing.do(await racing.ready(event, ann, track_id="2"), Kind.DISCARD)
    deleted = await racing.do(await racing.ready(event, ann, track_id="2"), Kind.END, Kind.DELETE_RACE)

    await racing.events.patch(event.event_id, EventPatch(tracks=[NewTrack(track_id="1", name="North")]), "box")

    with pytest.raises(Conflict, match="track is gone"):
        await racing.do(deleted, Kind.RESTORE_RACE)
    assert (await racing.control.view(deleted.race_id)).deleted
