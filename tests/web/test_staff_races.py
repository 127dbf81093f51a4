"""Looking at races and correcting them, with the trail of who changed what."""

from typing import Any

from appliance.people import NewRacer
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.racing_day import hand_in, start_race
from timing.structs import Event, RaceView


async def a_race(site: Site, event: Event, name: str = "anna", laps: tuple[int, ...] = (9_000, 8_000)) -> RaceView:
    racer = site.house.people.find(name) or await site.house.people.register(NewRacer(username=name), "test")
    return await hand_in(site.house, event, racer.person_id, laps)


async def now(site: Site, race: RaceView) -> RaceView:
    return await site.house.control.view(race.race_id)


async def save(crew: Crew, race: RaceView, lap: int, **fields: str) -> Any:
    await crew.get(f"/staff/races/{race.race_id}")
    return await crew.send(f"/staff/races/{race.race_id}/laps/{lap}", do="save", **fields)


async def test_list_is_filtered_by_event_track_racer_and_state(site: Site, event: Event) -> None:
    await a_race(site, event, "anna")
    bo = await site.house.people.register(NewRacer(username="bo"), "test")
    await start_race(site.house, event, bo.person_id, "2")
    async with Crew(site, "commentator") as crew:
        everything = words(await crew.get("/staff/races"))
        right = words(await crew.get(f"/staff/races?event={event.event_id}&track=2"))
        annas = words(await crew.get("/staff/races?racer=ann"))
        submitted = words(await crew.get("/staff/races?state=submitted"))
        nobody = words(await crew.get("/staff/races?racer=nobody"))

    assert "anna Left" in everything
    assert "bo Right" in everything
    assert "bo Right" in right
    assert "anna Left" not in right
    assert "anna Left" in annas
    assert "bo Right" not in annas
    assert "anna Left" in submitted
    assert "bo Right" not in submitted
    assert "No racer is called “nobody”." in nobody


async def test_ambiguous_name_lists_who_it_may_be(site: Site, event: Event) -> None:
    await a_race(site, event, "anna")
    await a_race(site, event, "annika")
    async with Crew(site, "operator") as crew:
        text = words(await crew.get("/staff/races?racer=ann"))

    assert "“ann” may be anna, annika. Type more letters." in text


async def test_list_goes_on_page_by_page_and_shows_each_race_once(site: Site, event: Event) -> None:
    races = {(await a_race(site, event, laps=())).race_id for _ in range(53)}
    seen: list[str] = []
    async with Crew(site, "operator") as crew:
        address = "/staff/races"
        for _ in range(2):
            text = (await crew.get(address)).text
            seen += [race_id for race_id in races if f'href="/staff/races/{race_id}">Open' in text]
            address = "/staff/races?" + text.partition('href="/staff/races?event=&amp;')[2].partition('"')[0].replace(
                "&amp;", "&"
            )

    assert len(seen) == len(set(seen)) == 53


async def test_time_resets_and_validity_are_corrected_and_the_trail_says_who(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "operator") as crew:
        answer = await save(crew, race, 1, time="00:07.250", resets="2", valid="1")
        changed = await now(site, race)
        assert (changed.laps[0].lap_ms, changed.laps[0].resets, changed.laps[0].valid) == (7_250, 2, True)
        assert changed.best_ms == 7_250
        await save(crew, race, 1, time="00:07.250", resets="2", valid="0")
        trail = words(await crew.get(f"/staff/races/{race.race_id}"))

    assert "Saved; the boards are made anew." in words(answer)
    assert (await now(site, race)).best_ms == 8_000
    assert "the-operator Lap 1 set to 00:07.250" in trail
    assert "the-operator Lap 1 set to 2 resets" in trail
    assert "the-operator Lap 1 made invalid" in trail


async def test_row_saved_unchanged_changes_nothing(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "operator") as crew:
        answer = await save(crew, race, 1, time="00:09.000", resets="0", valid="1")

    assert "Nothing was different, so nothing was changed." in words(answer)
    assert (await now(site, race)).version == race.version


async def test_wrong_time_is_refused_beside_it_and_kept(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "operator") as crew:
        answer = await save(crew, race, 1, time="00:75.000", resets="0", valid="1")

    assert answer.status_code == 400
    assert "Type the time as mm:ss.mmm, for example 00:12.345." in words(answer)
    assert 'value="00:75.000"' in answer.text
    assert (await now(site, race)).version == race.version


async def test_lap_changed_by_somebody_else_meanwhile_is_not_overwritten(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "operator") as slow, Crew(site, "admin") as quick:
        await slow.get(f"/staff/races/{race.race_id}")
        was = slow.hidden("was")
        await save(quick, race, 1, time="00:07.000", resets="0", valid="1")
        answer = await slow.send(
            f"/staff/races/{race.race_id}/laps/1", do="save", was=was, time="00:09.000", resets="1", valid="1"
        )

    assert answer.status_code == 409
    assert "Lap 1 was changed meanwhile: it is 00:07.000 with 0 resets now." in words(answer)
    assert (await now(site, race)).laps[0].lap_ms == 7_000


async def test_lap_is_deleted_and_restored(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/races/{race.race_id}")
        page = await crew.send(f"/staff/races/{race.race_id}/laps/2", do="delete")
        assert [lap.lap for lap in (await now(site, race)).laps] == [1]
        assert "deleted" in words(page)
        await crew.send(f"/staff/races/{race.race_id}/laps/2", do="restore")

    assert [lap.lap for lap in (await now(site, race)).laps] == [1, 2]


async def test_race_is_deleted_found_among_the_deleted_and_restored(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/races/{race.race_id}")
        page = await crew.send(f"/staff/races/{race.race_id}", do="delete")
        assert "This race is deleted." in words(page)
        assert "anna" not in words(await crew.get("/staff/races"))
        assert "anna" in words(await crew.get("/staff/races?state=deleted"))
        await crew.get(f"/staff/races/{race.race_id}")
        await crew.send(f"/staff/races/{race.race_id}", do="restore")

    assert not (await now(site, race)).deleted


async def test_race_goes_to_another_racer_and_track_with_the_reason(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    bo = await site.house.people.register(NewRacer(username="bo"), "test")
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/races/{race.race_id}")
        page = await crew.send(
            f"/staff/races/{race.race_id}",
            do="save",
            racer="BO",
            track_id="2",
            has_proxy="1",
            by_proxy="1",
            reason="wrong name at the desk",
        )
    changed = await now(site, race)

    assert (changed.racer_id, changed.track_id, changed.by_proxy) == (bo.person_id, "2", True)
    assert "Given to bo (wrong name at the desk)" in words(page)
    assert "Moved to Right (wrong name at the desk)" in words(page)


async def test_unknown_racer_is_refused_and_the_race_stays(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "operator") as crew:
        await crew.get(f"/staff/races/{race.race_id}")
        answer = await crew.send(f"/staff/races/{race.race_id}", do="save", racer="nobody")

    assert answer.status_code == 400
    assert "No racer is called “nobody”. Choose one from the list." in words(answer)
    assert (await now(site, race)).version == race.version


async def test_commentator_sees_the_race_and_no_button_to_change_it(site: Site, event: Event) -> None:
    race = await a_race(site, event)
    async with Crew(site, "commentator") as crew:
        answer = await crew.get(f"/staff/races/{race.race_id}")

    assert answer.status_code == 200
    assert "00:08.000" in answer.text
    assert "<form" not in answer.text.partition("<main")[2]


async def test_running_race_cannot_be_corrected_yet(site: Site, event: Event) -> None:
    racer = await site.house.people.register(NewRacer(username="anna"), "test")
    race = await start_race(site.house, event, racer.person_id)
    async with Crew(site, "operator") as crew:
        text = words(await crew.get(f"/staff/races/{race.race_id}"))

    assert "Times can be corrected once it is over." in text
