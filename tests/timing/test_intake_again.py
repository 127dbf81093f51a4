"""Edges that come late or twice: each pass is one crossing, and none is lost."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import clock
from tests.conftest import Racing, racing_in
from tests.timing.heard import Way, Ways, listening
from tests.timing.scripted_recorder import BUTTON, SECOND_STRIP, STRIP, ScriptedRecorder
from tests.timing.two_recorders import RULES, both_at_one_line, stamps
from timing.facts import RemotesChanged
from timing.journal import Kind
from timing.loose import LooseCrossings
from timing.rescoring import Rescoring
from timing.structs import EventPatch, NewEvent, NewTrack, RaceState, StripLine


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[ScriptedRecorder]:
    async with ScriptedRecorder(tmp_path / "box.sock", "box", STRIP, BUTTON) as recorder:
        yield recorder


@pytest.fixture
async def pi(tmp_path: Path) -> AsyncIterator[ScriptedRecorder]:
    async with ScriptedRecorder(tmp_path / "pi.sock", "pi") as recorder:
        yield recorder


async def test_the_earlier_stamp_of_another_recorder_takes_the_place_of_the_crossing(
    racing: Racing, box: ScriptedRecorder, pi: ScriptedRecorder
) -> None:
    race = await racing.ready(await both_at_one_line(racing), await racing.racer("Ann"))
    async with listening(racing, box.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
        await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
        pi.moment_ns = box.from_now()
        box.press(10)
        await heard.until(lambda: len(heard.races) == 1)
        pi.press(8)
        await heard.until(lambda: strips.recorders()[1].last_seq == 2)
        await heard.until(lambda: len(heard.races) == 2)

    assert await stamps(racing, race) == [("pi", 1)]


async def test_who_was_that_is_asked_once_for_a_pass_that_two_recorders_saw(
    racing: Racing, box: ScriptedRecorder, pi: ScriptedRecorder
) -> None:
    event = await both_at_one_line(racing)
    crossings = LooseCrossings(racing.db, racing.facts, racing.people, racing.events, racing.control)
    async with listening(racing, box.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
        await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
        pi.moment_ns = box.from_now()
        box.press(10)
        await heard.until(lambda: len(heard.loose) == 1)
        pi.press(8)
        await heard.until(lambda: len(heard.loose) == 2)
        asked = await crossings.list(event.event_id)

    assert [(one.recorder_id, one.edge_seq) for one in asked] == [("pi", 1)]


@pytest.mark.parametrize("pi_ms", [5, -5], ids=["pi second", "pi first"])
async def test_passes_that_both_recorders_saw_count_once_when_the_cable_of_one_was_out(
    pi_ms: int, racing: Racing, box: ScriptedRecorder, pi: ScriptedRecorder
) -> None:
    race = await racing.ready(await both_at_one_line(racing), await racing.racer("Ann"))
    ways = Ways()
    async with listening(racing, box.socket, ways) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        pi.moment_ns = box.from_now()
        for number in range(6):
            box.press(10 + 2_000 * number)
            pi.press(10 + 2_000 * number + pi_ms)
        await heard.until(lambda: len(heard.races) == 6)
        ways.ways.append(Way("r1", "Pi", pi.socket))
        racing.facts.publish(RemotesChanged())
        await heard.until(lambda: len(strips.recorders()) == 2 and strips.recorders()[1].caught_up)
        await heard.until(lambda: strips.recorders()[1].last_seq == 12)

    assert len((await racing.control.view(race.race_id)).laps) == 5
    assert len(await stamps(racing, race)) == 6


async def test_passes_that_both_recorders_saw_count_once_after_a_restart_of_the_server(
    tmp_path: Path, box: ScriptedRecorder, pi: ScriptedRecorder
) -> None:
    """The second strip never makes a crossing, and yet the stream of its recorder must not be read from its start."""
    ways = Ways(Way("r1", "Pi", pi.socket))
    async with racing_in(tmp_path) as racing:
        race = await racing.ready(await both_at_one_line(racing), await racing.racer("Ann"))
        async with listening(racing, box.socket, ways) as (strips, heard):
            await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
            pi.moment_ns = box.from_now()
            for number in range(6):
                box.press(10 + 2_000 * number)
                await heard.until(lambda number=number: len(heard.races) == number + 1)  # type: ignore[misc]
                pi.press(15 + 2_000 * number)
                await heard.until(lambda number=number: strips.recorders()[1].last_seq == 2 * number + 2)  # type: ignore[misc]
    async with racing_in(tmp_path) as racing, listening(racing, box.socket, ways) as (strips, heard):
        await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
    async with racing_in(tmp_path) as racing:
        assert len((await racing.control.view(race.race_id)).laps) == 5


async def test_a_press_of_the_button_that_chattered_counts_once_after_a_restart_too(
    tmp_path: Path, box: ScriptedRecorder
) -> None:
    async with racing_in(tmp_path) as racing:
        race = await racing.ready(await racing.event(rules=RULES), await racing.racer("Ann"))
        async with listening(racing, box.socket) as (strips, heard):
            await heard.until(lambda: strips.problem is None)
            box.from_now()
            for at_ms in (10, 12, 14):
                box.press(at_ms, 5)
            await heard.until(lambda: len(heard.races) == 1)
            await heard.until(lambda: strips.recorders()[0].last_seq == 6)
    async with racing_in(tmp_path) as racing, listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.recorders()[0].caught_up)
    async with racing_in(tmp_path) as racing:
        view = await racing.control.view(race.race_id)

    assert (view.state, view.laps) == (RaceState.RUNNING, [])


async def test_a_press_that_arrives_late_means_what_it_meant_when_it_was_made(
    racing: Racing, box: ScriptedRecorder
) -> None:
    race = await racing.ready(await racing.event(rules=RULES), await racing.racer("Ann"))
    async with listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await racing.do(race, Kind.START)
        box.from_now()
        await racing.do(race, Kind.PAUSE)
        box.press(0, 5)
        await heard.until(lambda: strips.recorders()[0].last_seq == 2)
    view = await racing.control.view(race.race_id)

    assert (view.state, len(view.laps)) == (RaceState.PAUSED, 1)


async def test_presses_that_were_of_no_track_then_are_no_laps_after_a_restart(
    tmp_path: Path, box: ScriptedRecorder
) -> None:
    box.lines = (STRIP, SECOND_STRIP)
    async with racing_in(tmp_path) as racing:
        track = NewTrack(name="One", lines=[StripLine(line=17)])
        event = await racing.events.create(NewEvent(name="Cup", tracks=[track], rules=RULES), "box")
        race = await racing.ready(event, await racing.racer("Ann"))
        async with listening(racing, box.socket) as (strips, heard):
            await heard.until(lambda: strips.problem is None)
            box.from_now()
            box.press(10)
            await heard.until(lambda: len(heard.races) == 1)
            for number in range(1, 4):
                box.press(2_000 * number, 27)
            await heard.until(lambda: strips.recorders()[0].last_seq == 8)

        both = [NewTrack(track_id="1", name="One", lines=[StripLine(line=17), StripLine(line=27)])]
        await racing.events.patch(event.event_id, EventPatch(tracks=both), "box")
    async with racing_in(tmp_path) as racing, listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.recorders()[0].caught_up)
    async with racing_in(tmp_path) as racing:
        assert (await racing.control.view(race.race_id)).laps == []


async def test_a_crossing_that_a_race_took_is_not_asked_about_on_another_track_of_its_line(
    racing: Racing, box: ScriptedRecorder
) -> None:
    tracks = [NewTrack(name=name, lines=[StripLine(line=17)]) for name in ("North", "South")]
    event = await racing.events.create(NewEvent(name="Cup", tracks=tracks, rules=RULES), "box")
    south = await racing.ready(event, await racing.racer("Ann"), "2")
    crossings = LooseCrossings(racing.db, racing.facts, racing.people, racing.events, racing.control)
    async with listening(racing, box.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        box.from_now()
        for number in range(3):
            box.press(10 + 2_000 * number)
        await heard.until(lambda: len(heard.races) == 3)
        assert await crossings.list(event.event_id) == []
        seq = (await racing.control.journal(south.race_id))[2].seq
        await crossings.take_out(south.race_id, seq, actor="ann")
        (out,) = await crossings.list(event.event_id)
        assert out.track_id == "2"
        await crossings.give(event.event_id, "box", out.edge_seq, south.race_id, actor="ann")
    assert len((await racing.control.view(south.race_id)).laps) == 2


async def test_a_track_whose_recorder_was_never_met_says_so(
    racing: Racing, box: ScriptedRecorder, tmp_path: Path
) -> None:
    lines = [StripLine(line=17, recorder_id="pi")]
    event = await racing.events.create(NewEvent(name="Cup", tracks=[NewTrack(name="One", lines=lines)]), "box")
    way = Way("r1", "Pi", tmp_path / "nobody.sock", problem="The cable is out.")
    async with listening(racing, box.socket, Ways(way)) as (strips, heard):
        await heard.until(lambda: strips.recorders()[0].connected)
        health = strips.health(event.event_id, "1")

    assert not health.connected
    assert health.problem is not None


async def test_edges_of_a_boot_whose_clock_was_never_measured_are_asked_about_and_make_no_laps(
    racing: Racing, box: ScriptedRecorder, pi: ScriptedRecorder
) -> None:
    """All that is known of them is the time of day of a machine that had just been switched on."""
    pi.boot_id, pi.mono_ahead_ns = "pi-1", 77_000_000_000
    track = NewTrack(name="One", lines=[StripLine(line=17, recorder_id="pi")])
    event = await racing.events.create(NewEvent(name="Cup", tracks=[track], rules=RULES), "box")
    race = await racing.ready(event, await racing.racer("Ann"))
    ways = Ways(Way("r1", "Pi", pi.socket))
    async with listening(racing, box.socket, ways) as (strips, heard):
        await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
        pi.from_now()
        pi.press(10)
        await heard.until(lambda: len(heard.races) == 1)
        ways.ways.clear()
        racing.facts.publish(RemotesChanged())
        pi.boot_id, pi.wall_ahead_ns = "pi-2", 3_600_000_000_000
        pi.press(5_000)
        pi.boot_id = "pi-3"
        ways.ways.append(Way("r1", "Pi", pi.socket))
        racing.facts.publish(RemotesChanged())
        await heard.until(lambda: len(heard.loose) == 1)

    assert heard.loose[0].at_ns <= clock.mono_ns()
    assert (await racing.control.view(race.race_id)).laps == []


async def test_a_recorder_on_a_copied_card_is_named_and_takes_no_crossing_from_the_other(
    tmp_path: Path, racing: Racing, box: ScriptedRecorder
) -> None:
    race = await racing.ready(await racing.event(rules=RULES), await racing.racer("Ann"))
    async with (
        ScriptedRecorder(tmp_path / "copy.sock", "box") as copy,
        listening(racing, box.socket, Ways(Way("r1", "Copy", copy.socket))) as (strips, heard),
    ):
        await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
        copy.moment_ns = box.from_now()
        copy.press(10)
        await heard.until(lambda: strips.recorders()[1].last_seq == 2)
        box.press(5_000)
        box.press(10_000)
        await heard.until(lambda: len(heard.races) == 2)
        problem = strips.recorders()[1].problem

    assert "this box" in (problem or "")
    assert [lap.lap_ms for lap in (await racing.control.view(race.race_id)).laps] == [5_000]


@pytest.mark.parametrize("wall_ahead_ns", [3_600_000_000_000, -3_600_000_000_000])
async def test_the_signal_of_two_recorders_is_put_together_by_stamps_and_not_by_the_time_of_day(
    wall_ahead_ns: int, racing: Racing, box: ScriptedRecorder, pi: ScriptedRecorder
) -> None:
    race = await racing.ready(await both_at_one_line(racing), await racing.racer("Ann"))
    pi.wall_ahead_ns = wall_ahead_ns
    async with listening(racing, box.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
        await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
        pi.moment_ns = box.from_now()
        for number in range(3):
            box.press(10 + 2_000 * number)
            await heard.until(lambda number=number: len(heard.races) == number + 1)  # type: ignore[misc]
            pi.press(15 + 2_000 * number)
        await heard.until(lambda: strips.recorders()[1].last_seq == 6)
        rescoring = Rescoring(racing.db, racing.facts, racing.events, racing.control, strips)
        qualities = await rescoring.quality(race.race_id)

    assert [[other.delay_us for other in one.other_lines] for one in qualities] == [[5_000]] * 3
