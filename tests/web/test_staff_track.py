"""The queue and the timekeeper of a track, without script, and the live stream of its panels."""

import re

import pytest

from appliance import clock
from appliance.ids import new_id
from appliance.people import NewRacer
from tests.web.conftest import Site
from tests.web.crew import Crew, words
from tests.web.panels import stream
from tests.web.racing_day import act, hand_in, start_race
from timing.journal import ACTOR_BOX, Entry, Kind, Payload
from timing.strip_health import LineHealth, StripHealth
from timing.structs import Event, RaceState
from web.render import render

HTMX = {"hx-request": "true"}


async def racers(site: Site, *names: str) -> list[str]:
    return [(await site.house.people.register(NewRacer(username=name), "test")).person_id for name in names]


async def lined_up(site: Site, event: Event, *names: str) -> list[str]:
    ids = await racers(site, *names)
    return [(await site.house.queue.add(event.event_id, "1", racer, "test")).queue_id for racer in ids]


def line(site: Site, event: Event) -> list[str]:
    return [entry.username for entry in site.house.queue.next(event.event_id, "1", 100)]


def base(event: Event) -> str:
    return f"/staff/events/{event.event_id}/tracks/1"


async def test_queue_is_worked_with_plain_forms(site: Site, event: Event) -> None:
    anna, bo, cem = await lined_up(site, event, "anna", "bo", "cem")
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/queue")
        await crew.send(f"{base(event)}/queue/{anna}", do="call", expected="1")
        assert site.house.queue.get(anna).state.value == "called"
        await crew.send(f"{base(event)}/queue/{anna}", do="skip", expected="1")
        assert line(site, event) == ["bo", "anna", "cem"]
        await crew.send(f"{base(event)}/queue/{cem}", do="up", expected="3")
        assert line(site, event) == ["bo", "cem", "anna"]
        await crew.send(f"{base(event)}/queue/{bo}", do="no_show", expected="1")
        assert line(site, event) == ["cem", "anna"]
        answer = await crew.send(f"{base(event)}/queue/{bo}", do="readd")
        assert line(site, event) == ["cem", "anna", "bo"]

    assert answer.url.path == f"{base(event)}/queue"


async def test_double_skip_lets_one_pass_and_says_so(site: Site, event: Event) -> None:
    anna, *_ = await lined_up(site, event, "anna", "bo", "cem")
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/queue")
        await crew.send(f"{base(event)}/queue/{anna}", headers=HTMX, do="skip", expected="1")
        again = await crew.send(f"{base(event)}/queue/{anna}", headers=HTMX, do="skip", expected="1")

    assert again.status_code == 409
    assert "anna has moved to number 2 meanwhile. Look at the line again." in words(again)
    assert line(site, event) == ["bo", "anna", "cem"]


async def test_typing_letters_offers_racers_with_their_runs(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "zanna")
    await hand_in(site.house, event, anna, [9_000])
    async with site.browser("operator") as browser:
        answer = await browser.get(f"{base(event)}/find?q=zan", headers=HTMX)

    assert "zanna Run 2 of 3" in words(answer)
    assert "<html" not in answer.text


async def test_one_tap_makes_the_race_and_two_taps_make_the_same(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna", "bo")
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        racer_id, race_id = crew.hidden("racer_id"), crew.hidden("race_id")
        await crew.send(f"{base(event)}/races", racer_id=racer_id, race_id=race_id)
        answer = await crew.send(f"{base(event)}/races", racer_id=racer_id, race_id=race_id)
    race = site.house.control.live(event.event_id, "1")

    assert answer.status_code == 200
    assert race is not None
    assert (race.username, race.state) == ("anna", RaceState.READY)
    assert line(site, event) == ["bo"]


async def test_other_racer_while_the_track_is_taken_is_refused_with_a_remedy(site: Site, event: Event) -> None:
    anna, bo = await racers(site, "anna", "bo")
    await start_race(site.house, event, anna)
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        answer = await crew.send(f"{base(event)}/races", racer_id=bo, race_id=new_id())

    assert answer.status_code == 409
    assert "Submit or discard that race first." in words(answer)
    live = site.house.control.live(event.event_id, "1")
    assert live is not None
    assert live.racer_id == anna


async def test_used_up_runs_ask_and_an_allowed_one_is_recorded(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    for _ in range(3):
        await hand_in(site.house, event, anna, [9_000])
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        asked = await crew.send(f"{base(event)}/races", racer_id=anna, race_id=new_id())
        assert asked.status_code == 409
        assert "One more run for anna?" in words(asked)
        assert "anna has used 3 of 3 runs on this track." in words(asked)
        assert site.house.control.live(event.event_id, "1") is None
        await crew.send(f"{base(event)}/races", racer_id=anna, race_id=new_id(), override="1")
    race = site.house.control.live(event.event_id, "1")

    assert race is not None
    assert (await site.house.control.journal(race.race_id))[0].payload.override is True


async def test_whole_race_with_plain_forms(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        await crew.send(f"{base(event)}/races", racer_id=anna, race_id=new_id(), by_proxy="1")
        race = site.house.control.live(event.event_id, "1")
        assert race is not None
        address = f"/staff/races/{race.race_id}/actions"
        for kind in ("start", "lap", "reset", "undo_reset", "lap", "undo_lap", "lap", "dnf", "resume", "end"):
            answer = await crew.send(address, kind=kind, action_id=new_id())
            assert answer.status_code == 200, (kind, words(answer)[:200])
        await crew.send(address, kind="set_validity", lap="1", valid="0")
        answer = await crew.send(address, kind="submit", action_id=new_id())
    view = await site.house.control.view(race.race_id)

    assert "Submitted." in words(answer)
    assert view.state is RaceState.SUBMITTED
    assert view.by_proxy
    assert [lap.valid for lap in view.laps] == [False, True, False]


async def test_form_pressed_twice_is_one_action(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    race = await start_race(site.house, event, anna)
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        action_id = crew.hidden("action_id")
        for _ in range(2):
            await crew.send(f"/staff/races/{race.race_id}/actions", kind="lap", action_id=action_id)

    assert len((await site.house.control.view(race.race_id)).laps) == 1


async def test_action_the_state_does_not_allow_changes_nothing_and_says_what_to_do(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    race = await start_race(site.house, event, anna)
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        answer = await crew.send(f"/staff/races/{race.race_id}/actions", kind="submit", action_id=new_id())

    assert answer.status_code == 409
    assert "The race is running" in words(answer)
    assert (await site.house.control.view(race.race_id)).version == race.version


async def test_wrong_action_is_refused_in_words(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    race = await start_race(site.house, event, anna)
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        for fields in ({"kind": "explode"}, {"kind": ""}, {"kind": "set_validity", "lap": "first"}):
            answer = await crew.send(f"/staff/races/{race.race_id}/actions", **fields)
            assert answer.status_code == 400, fields


async def test_discard_without_script_asks_first(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    race = await act(site.house, await start_race(site.house, event, anna), Kind.PAUSE)
    address = f"/staff/races/{race.race_id}/actions"
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        asked = await crew.send(address, kind="discard")
        assert "Throw this race of anna away?" in words(asked)
        assert site.house.control.live(event.event_id, "1") is not None
        await crew.send(address, kind="discard", sure="1", action_id=crew.hidden("action_id"))

    assert site.house.control.live(event.event_id, "1") is None


async def test_each_track_has_a_race_of_its_own(site: Site, event: Event) -> None:
    anna, bo = await racers(site, "anna", "bo")
    await start_race(site.house, event, anna, "1")
    await start_race(site.house, event, bo, "2")
    async with Crew(site, "operator") as crew:
        left = words(await crew.get(f"{base(event)}/timekeeper"))
        right = words(await crew.get(f"/staff/events/{event.event_id}/tracks/2/timekeeper"))

    assert "anna running" in left
    assert "bo running" not in left
    assert "bo running" in right


async def test_unknown_track_is_not_found(site: Site, event: Event) -> None:
    async with site.browser("operator") as browser:
        for page in ("timekeeper", "queue", "find?q=a", "stream"):
            answer = await browser.get(f"/staff/events/{event.event_id}/tracks/9/{page}")
            assert answer.status_code == 404, page
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        for gone in (f"/staff/events/{event.event_id}/tracks/9/races", "/staff/events/none/tracks/1/races"):
            assert (await crew.send(gone, racer_id=site.person_ids["racer"])).status_code == 404, gone


async def test_hit_without_simulated_strips_is_refused_with_a_remedy(site: Site, event: Event) -> None:
    async with Crew(site, "operator") as crew:
        await crew.get(f"{base(event)}/timekeeper")
        answer = await crew.send(f"{base(event)}/hits", headers=HTMX, line="17")

    assert answer.status_code in (409, 503)
    assert len(words(answer)) > 20


async def test_stream_begins_with_all_panels_and_then_brings_each_change(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    race = await start_race(site.house, event, anna)
    async with stream(site, event) as panels:
        first = await panels.next()
        assert 'hx-target="#race"' in first
        assert 'hx-target="#queue"' in first
        assert f'data-version="{race.version}"' in first

        race = await act(site.house, race, Kind.LAP)
        changed = await panels.until(f'data-version="{race.version}"')

    assert 'data-laps="1"' in changed
    assert 'data-sound="lap"' in changed


async def test_devices_of_one_track_get_the_same_bytes(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    race = await start_race(site.house, event, anna)
    async with stream(site, event) as one, stream(site, event, "admin") as other:
        await one.next()
        await other.next()
        race = await act(site.house, race, Kind.PAUSE)
        mark = f'data-version="{race.version}"'

        assert await one.until(mark) == await other.until(mark)


async def test_stream_carries_no_form_token(site: Site, event: Event) -> None:
    await lined_up(site, event, "anna")
    async with stream(site, event) as panels:
        first = await panels.next()

    assert "anna" in first
    assert "_csrf" not in first


async def test_stream_of_a_track_hears_nothing_of_another(site: Site, event: Event) -> None:
    anna, bo = await racers(site, "anna", "bo")
    async with stream(site, event) as panels:
        await panels.next()
        await start_race(site.house, event, bo, "2")
        await start_race(site.house, event, anna, "1")
        message = await panels.until("data-race")

    assert "anna" in message
    assert ">bo<" not in message


async def test_stream_is_for_those_who_run_races(site: Site, event: Event) -> None:
    for role, status in (("racer", 403), ("commentator", 403), ("registration", 403), ("anonymous", 303)):
        async with site.browser(role) as browser:
            answer = await browser.get(f"{base(event)}/stream")
        assert answer.status_code == status, role


async def test_stream_ends_when_its_person_is_signed_out(site: Site, event: Event) -> None:
    async with stream(site, event) as panels:
        await panels.next()
        await site.house.sessions.end_all(site.person_ids["operator"])
        await site.house.people.set_password(site.person_ids["operator"], "another-long-one", "test")

        with pytest.raises(EOFError):
            await panels.until("never")


async def test_stream_ends_with_its_own_session_and_the_persons_other_tablet_goes_on(site: Site, event: Event) -> None:
    person_id = site.person_ids["operator"]
    async with stream(site, event) as kept:
        await kept.next()
        other, _ = await site.house.sessions.start(person_id)
        site.tokens["operator"] = other
        async with stream(site, event) as panels:
            await panels.next()
            await site.house.sessions.sign_out(other)
            with pytest.raises(EOFError):
                await panels.until("never")
        (anna,) = await racers(site, "anna")
        await start_race(site.house, event, anna)
        assert "anna" in await kept.until("anna")


async def test_queue_change_reaches_every_open_page(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    async with stream(site, event, parts="queue,past") as panels:
        await panels.next()
        await site.house.queue.add(event.event_id, "1", anna, "test")

        message = await panels.until("anna")

    assert 'hx-target="#queue"' in message
    assert 'hx-target="#race"' not in message


async def test_race_paused_by_a_power_cut_says_so_until_it_goes_on(site: Site, event: Event) -> None:
    (anna,) = await racers(site, "anna")
    race = await start_race(site.house, event, anna)
    control = site.house.control
    open_race = control.open_race(event.event_id, "1")
    assert open_race is not None
    await control.append(
        open_race,
        Entry(
            race_id=race.race_id,
            seq=race.version,
            action_id=new_id(),
            at_ns=clock.mono_ns(),
            boot_id=clock.boot_id(),
            wall_ns=clock.wall_ns(),
            actor=ACTOR_BOX,
            kind=Kind.PAUSE,
            payload=Payload(reason="power_cut"),
        ),
    )
    async with Crew(site, "operator") as crew:
        paused = words(await crew.get(f"{base(event)}/timekeeper"))
        await act(site.house, race, Kind.RESUME)
        await act(site.house, race, Kind.PAUSE)
        again = words(await crew.get(f"{base(event)}/timekeeper"))

    assert "Paused by a power cut. All laps are kept." in paused
    assert "power cut" not in again


def strips(**changes: object) -> StripHealth:
    line = LineHealth(
        line=27,
        name="strip 2",
        hits=3,
        bounces=4,
        last_edge_age_ms=65_000,
        contact_ms=38,
        silent_crossings=10,
        silent=True,
    )
    fields: dict[str, object] = {
        "connected": True,
        "simulated": False,
        "recorder_id": "r",
        "caught_up": True,
        "problem": None,
        "last_seq": 6,
        "lost_edges": 0,
        "lines": [line],
    }
    return StripHealth(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (strips(), "Silent for 10 crossings. Press it; look at its plug."),
        (strips(connected=False), "The recorder does not answer. Time by hand."),
        (strips(problem="The disk is full."), "The disk is full."),
        (strips(lost_edges=2), "2 edges were lost inside the box."),
        (strips(lines=[]), "hand only"),
    ],
)
def test_trouble_with_the_strips_is_said_with_what_to_do(health: StripHealth, said: str) -> None:
    text = render("staff/_strips.html", strips=health, base="", stamp=1)

    assert said in " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert ">Hit<" not in text


def test_simulated_strips_have_a_button_each() -> None:
    assert ">Hit<" in render("staff/_strips.html", strips=strips(simulated=True), base="", stamp=1)
