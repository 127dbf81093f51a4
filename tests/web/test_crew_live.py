"""The crew's live stream: a snapshot first, then each change of the track once it is durable, and a beat a second."""

import signal
from itertools import pairwise
from pathlib import Path

import pytest

from appliance import clock
from appliance.ids import new_id
from appliance.people_structs import RacerPatch
from tests.web.conftest import Site
from tests.web.crew_hub import hub_of
from tests.web.loose_crossings import edge_at, keep
from tests.web.racing_day import act, add_racer, finish_race, start_race
from tests.web.recorded import an_event, recorded
from tests.web.streams import listening
from tests.web.terminals import Terminal, path_of, seated
from timing.crew_structs import CrewRace
from timing.facts import StripsChanged
from timing.journal import ACTOR_BOX, Entry, Kind, Payload
from timing.structs import Event, EventPatch, RaceState
from web import crew_live


def race_of(terminal: Terminal) -> CrewRace:
    assert terminal.race is not None
    return terminal.race


def on_tracks(terminal: Terminal) -> list[tuple[str, str | None, RaceState | None]]:
    return [(one.track_id, one.username, one.state) for one in terminal.tracks]


async def test_a_stream_is_an_event_stream_that_nobody_keeps_or_compresses(site: Site, event: Event) -> None:
    async with listening(site, path_of(event), "operator") as screen:
        assert screen.head.startswith("http/1.1 200")
        assert "content-type: text/event-stream" in screen.head
        assert "cache-control: no-store" in screen.head
        assert "content-encoding" not in screen.head


async def test_the_first_message_is_everything(site: Site, event: Event) -> None:
    house = site.house
    anna, bo, cem = [await add_racer(house, name) for name in ("anna", "bo", "cem")]
    await finish_race(house, await start_race(house, event, anna), [9_000])
    await house.queue.no_show((await house.queue.add(event.event_id, "1", cem, "test")).queue_id, "test")
    await house.queue.add(event.event_id, "1", anna, "test")
    race = await act(house, await start_race(house, event, bo), Kind.LAP)
    await keep(house, event, edge_at(clock.mono_ns(), 1))
    async with seated(site, event) as terminal:
        first = terminal.snapshot
    assert first.clock.boot_id == clock.boot_id()
    assert (first.event_id, first.event_name) == (event.event_id, "Rehearsal")
    assert (first.track_id, first.track_name) == ("1", "Left")
    assert [(one.name, one.username, one.state) for one in first.tracks] == [
        ("Left", "bo", RaceState.RUNNING),
        ("Right", None, None),
    ]
    assert race_of(terminal).view.race_id == race.race_id
    assert race_of(terminal).view.laps == race.laps
    assert race_of(terminal).allowed == sorted(await house.control.allowed(race.race_id))
    assert race_of(terminal).power_cut is False
    assert [line.text for line in race_of(terminal).trail] == ["Ready", "Started by hand", "Lap taken by hand"]
    line = [(one.entry.username, one.entry.position, one.runs_done, one.max_runs) for one in first.queue]
    assert line == [("anna", 1, 1, 3)]
    assert [one.username for one in first.past] == ["cem"]
    assert first.strips.connected is False
    assert (first.blind, first.loose_open) == ([], 1)
    assert first.board_version == await house.boards.version(event.event_id)
    assert (first.you, first.may_run) == ("the-operator", True)


async def test_a_lap_arrives_with_clocks_of_the_moment_and_its_line_of_the_trail(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, site.person_ids["racer"])
    started_ns = (await site.house.control.journal(race.race_id))[1].at_ns
    async with seated(site, event) as terminal:
        race = await act(site.house, race, Kind.LAP)
        await terminal.until(lambda: len(terminal.laps) == 1)
        shown, said = race_of(terminal), terminal.clock
    assert shown.view.version == race.version
    assert shown.view.laps == race.laps
    assert shown.trail[-1].text == "Lap taken by hand"
    assert abs((said.mono_ns - started_ns) // 1_000_000 - shown.view.race_elapsed_ms) < 50


async def test_an_undo_and_an_edit_arrive_with_their_lines_of_the_trail(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, site.person_ids["racer"])
    race = await act(site.house, await act(site.house, race, Kind.LAP), Kind.LAP)
    async with seated(site, event) as terminal:
        await act(site.house, race, Kind.UNDO_LAP)
        await terminal.until(lambda: len(terminal.laps) == 1)
        undone = race_of(terminal).trail[-1]
        await act(site.house, await act(site.house, race, Kind.END), Kind.SET_TIME, lap=1, lap_ms=7_777)
        await terminal.until(lambda: terminal.laps == [7_777])
        edited = race_of(terminal).trail[-1]
    assert (undone.text, undone.is_edit) == ("Lap 2 undone", True)
    assert (edited.text, edited.is_edit) == ("Lap 1 set to 00:07.777", True)


async def test_the_trail_is_the_newest_dozen(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, site.person_ids["racer"])
    for _ in range(10):
        race = await act(site.house, await act(site.house, race, Kind.RESET), Kind.UNDO_RESET)
    async with seated(site, event) as terminal:
        assert [line.seq for line in race_of(terminal).trail] == list(range(race.version - 12, race.version))


async def test_what_is_allowed_follows_the_state_and_a_power_cut_is_told(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, site.person_ids["racer"])
    live = site.house.control.open_race(event.event_id, "1")
    assert live is not None
    async with seated(site, event) as terminal:
        assert Kind.PAUSE in race_of(terminal).allowed
        entry = Entry(
            race_id=race.race_id,
            seq=race.version,
            action_id=new_id(),
            at_ns=clock.mono_ns(),
            boot_id=clock.boot_id(),
            wall_ns=clock.wall_ns(),
            actor=ACTOR_BOX,
            kind=Kind.PAUSE,
            payload=Payload(reason="power_cut"),
        )
        await site.house.control.append(live, entry)
        await terminal.until(lambda: race_of(terminal).power_cut)
        assert Kind.RESUME in race_of(terminal).allowed
        assert Kind.PAUSE not in race_of(terminal).allowed
        assert race_of(terminal).trail[-1].text == "Paused: the power was cut"


async def test_a_race_handed_in_is_gone_and_moves_board_tracks_and_line(site: Site, event: Event) -> None:
    house, anna = site.house, await add_racer(site.house, "anna")
    race = await start_race(house, event, anna)
    async with seated(site, event) as terminal:
        await house.queue.add(event.event_id, "2", anna, "test")
        await finish_race(house, race, [9_000])
        version = await house.boards.version(event.event_id)
        await terminal.until(
            lambda: (
                terminal.race is None
                and terminal.board_version == version
                and on_tracks(terminal) == [("1", None, None), ("2", None, None)]
            )
        )
        await house.queue.add(event.event_id, "1", anna, "test")
        await terminal.until(lambda: bool(terminal.queue))
    assert [(one.entry.username, one.runs_done) for one in terminal.queue] == [("anna", 1)]


async def test_the_runs_of_the_line_follow_the_board(site: Site, event: Event) -> None:
    house, anna = site.house, await add_racer(site.house, "anna")
    race = await finish_race(house, await start_race(house, event, anna), [9_000])
    await house.queue.add(event.event_id, "1", anna, "test")
    async with seated(site, event) as terminal:
        assert [one.runs_done for one in terminal.queue] == [1]
        await act(house, race, Kind.DELETE_RACE)
        await terminal.until(lambda: [one.runs_done for one in terminal.queue] == [0])


async def test_each_change_of_the_line_arrives(site: Site, event: Event) -> None:
    house, key = site.house, (event.event_id, "1")
    async with seated(site, event) as terminal:
        bo = (await house.queue.add(*key, await add_racer(house, "bo"), "test")).queue_id
        await house.queue.add(*key, await add_racer(house, "cem"), "test")
        await house.queue.skip(bo, "test")
        await terminal.until(lambda: [one.entry.username for one in terminal.queue] == ["cem", "bo"])
        await house.queue.no_show(bo, "test")
        await terminal.until(lambda: [one.username for one in terminal.past] == ["bo"])
    assert [one.entry.username for one in terminal.queue] == ["cem"]


async def test_the_other_track_is_seen_in_the_list_of_tracks_only(site: Site, event: Event) -> None:
    async with seated(site, event) as terminal:
        race = await start_race(site.house, event, site.person_ids["racer"], track_id="2")
        await terminal.until(lambda: on_tracks(terminal)[1] == ("2", "the-racer", RaceState.RUNNING))
        race = await act(site.house, await act(site.house, race, Kind.LAP), Kind.LAP)
        await act(site.house, race, Kind.PAUSE)
        await terminal.until(lambda: on_tracks(terminal)[1][2] is RaceState.PAUSED)
    assert set(terminal.names[1:]) <= {"tracks", "strips"}
    assert terminal.names.count("tracks") <= 3


async def test_a_race_that_moves_leaves_one_track_and_comes_to_the_other(site: Site, event: Event) -> None:
    race = await start_race(site.house, event, site.person_ids["racer"])
    race = await act(site.house, await act(site.house, race, Kind.LAP), Kind.END)
    async with seated(site, event) as left, seated(site, event, track_id="2") as right:
        await act(site.house, race, Kind.SET_TRACK, track_id="2")
        await left.until(lambda: left.race is None and on_tracks(left)[1][1] == "the-racer")
        await right.until(lambda: right.race is not None and on_tracks(right)[0][1] is None)


async def test_a_hit_of_a_real_recorders_strip_is_a_lap_and_shows_on_its_line(tmp_path: Path) -> None:
    async with recorded(tmp_path) as (site, recorder):
        event = await an_event(site.house, lockout_ms=0)
        await start_race(site.house, event, await add_racer(site.house, "anna"))
        async with seated(site, event, "commentator") as terminal:
            assert (terminal.strips.connected, terminal.strips.caught_up) == (True, True)
            assert [line.hits for line in terminal.strips.lines] == [0, 0]
            await site.house.strips.hit(27)
            await terminal.until(lambda: len(terminal.laps) == 1)
            assert race_of(terminal).view.laps[0].source == "strip"
            assert race_of(terminal).trail[-1].text == "Crossing on line 27"
            if [line.hits for line in terminal.strips.lines] != [0, 1]:
                await terminal.until(lambda: [line.hits for line in terminal.strips.lines] == [0, 1])
            await recorder.end(signal.SIGKILL)
            await terminal.until(lambda: not terminal.strips.connected)
            assert await recorder.start(), recorder.stderr
            await terminal.until(lambda: terminal.strips.caught_up and bool(terminal.blind))
            assert terminal.blind[0].reason == "killed"


async def test_strips_are_told_at_once_and_then_four_times_a_second_at_most(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew_live, "STRIPS_EVERY_S", 3600.0)
    async with seated(site, event) as terminal:
        for _ in range(100):
            site.house.facts.publish(StripsChanged())
        await terminal.until(lambda: "strips" in terminal.names)
        await terminal.beat()
        assert terminal.names == ["snapshot", "strips"]
        hub_of(site)._strips_now()  # The rest is over.
        await terminal.until(lambda: terminal.names.count("strips") == 2)
        hub_of(site)._strips_now()
        await terminal.beat()
    assert terminal.names == ["snapshot", "strips", "strips"]


async def test_a_crossing_that_no_race_took_is_counted_until_it_is_settled(site: Site, event: Event) -> None:
    edge = edge_at(clock.mono_ns(), 1)
    async with seated(site, event) as terminal:
        await keep(site.house, event, edge)
        await terminal.until(lambda: terminal.loose_open == 1)
        await site.house.loose.dismiss(event.event_id, edge.recorder_id, edge.seq, actor=site.person_ids["operator"])
        await terminal.until(lambda: terminal.loose_open == 0)


async def test_a_new_name_and_new_rules_come_as_another_snapshot(site: Site, event: Event) -> None:
    racer_id = await add_racer(site.house, "before")
    await start_race(site.house, event, racer_id)
    async with seated(site, event, "commentator") as terminal:
        await site.house.people.update(racer_id, RacerPatch(username="after"), "test")
        await terminal.until(lambda: terminal.tracks[0].username == "after")
        assert race_of(terminal).view.username == "after"
        await site.house.events.patch(event.event_id, EventPatch(name="Final"), "test")
        await terminal.until(lambda: terminal.snapshot.event_name == "Final")
        assert (terminal.snapshot.you, terminal.snapshot.may_run) == ("the-commentator", False)
    assert set(terminal.names) == {"snapshot"}


async def test_it_beats_each_second_with_a_clock_that_fits_and_says_nothing_else(site: Site, event: Event) -> None:
    before_ns = clock.mono_ns()
    async with seated(site, event) as terminal:
        beats = [await terminal.beat() for _ in range(3)]
    moments = [beat.clock.mono_ns for beat in beats]
    assert before_ns < moments[0]
    assert moments[-1] < clock.mono_ns()
    assert all(later - earlier > 0.9e9 for earlier, later in pairwise(moments))
    assert {beat.clock.boot_id for beat in beats} == {clock.boot_id()}
    assert abs(beats[-1].clock.wall_ns - clock.wall_ns()) < 60e9
    assert terminal.names == ["snapshot"]
