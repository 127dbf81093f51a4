"""From a real recorder's stream to laps: what the strips say arrives once, in order, also after restarts."""

import asyncio
import itertools
import signal
from pathlib import Path

import pytest

from appliance.errors import Conflict, NotReady
from appliance.ids import new_id
from tests.conftest import Racing, racing_in
from tests.timing.heard import DEADLINE_S, NO_LOCKOUT, listening, press
from tests.timing.recorder_process import RecorderProcess
from timing.intake import StripIntake
from timing.journal import Kind
from timing.loose import LooseCrossings
from timing.rescoring import Rescoring
from timing.rules import RaceRules
from timing.structs import NewEvent, NewTrack, RaceState, StripLine


async def test_the_first_hit_starts_the_race_and_the_next_makes_a_lap(
    racing: Racing, recorder: RecorderProcess
) -> None:
    race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await strips.hit(17)
        await heard.until(lambda: len(heard.races) == 1)
        await strips.hit(27)
        await heard.until(lambda: len(heard.races) == 2)

    first, second = heard.races
    assert (first.state, first.laps) == (RaceState.RUNNING, [])
    assert [lap.source for lap in second.laps] == ["strip"]
    trail = [line.text for line in await racing.control.trail(race.race_id)]
    assert trail == ["Ready", "Crossing on line 17", "Crossing on line 27"]


async def test_bounces_and_the_second_strip_make_one_crossing(racing: Racing, recorder: RecorderProcess) -> None:
    race = await racing.ready(await racing.event(), await racing.racer("Ann"))
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await strips.hit(17, bounces=4)
        await strips.hit(27, bounces=4)
        await heard.until(lambda: sum(line.hits for line in strips.health(race.event_id, "1").lines) == 10)
        await heard.until(lambda: len(heard.races) == 1)

    assert (await racing.control.view(race.race_id)).version == 2


async def test_hits_while_the_server_was_away_count_once_it_is_back(tmp_path: Path, recorder: RecorderProcess) -> None:
    async with racing_in(tmp_path) as racing:
        race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
        async with listening(racing, recorder.socket) as (strips, heard):
            await heard.until(lambda: strips.problem is None)
            await strips.hit(17)
            await heard.until(lambda: len(heard.races) == 1)
    await press(recorder, 2)
    async with racing_in(tmp_path) as racing, listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: len(heard.races) == 2)
        view = await racing.control.view(race.race_id)

    assert (len(view.laps), view.version) == (2, 4)


async def test_reading_the_stream_again_changes_nothing(tmp_path: Path, recorder: RecorderProcess) -> None:
    async with racing_in(tmp_path) as racing:
        race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
        async with listening(racing, recorder.socket) as (strips, heard):
            await heard.until(lambda: strips.problem is None)
            for number in range(1, 4):
                await strips.hit(17)
                await heard.until(lambda number=number: len(heard.races) == number)  # type: ignore[misc]
        await racing.db.write(lambda connection: connection.execute("DELETE FROM strip_cursor") and None)
    async with racing_in(tmp_path) as racing, listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.health(race.event_id, "1").last_seq == 6)
        view = await racing.control.view(race.race_id)

    assert (view.version, heard.races) == (4, [])


async def test_a_crossing_without_a_race_is_kept_and_told(racing: Racing, recorder: RecorderProcess) -> None:
    event = await racing.event()
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await strips.hit(17)
        await heard.until(lambda: len(heard.loose) == 1)
        crossings = LooseCrossings(racing.db, racing.facts, racing.people, racing.events, racing.control)
        loose = await crossings.list(event.event_id, "1")

    assert [(crossing.line, crossing.track_id) for crossing in loose] == [(17, "1")]


async def test_a_crossing_from_before_the_race_was_ready_does_not_start_it(
    racing: Racing, recorder: RecorderProcess
) -> None:
    event = await racing.event(rules=NO_LOCKOUT)
    await press(recorder, 1)
    race = await racing.ready(event, await racing.racer("Ann"))
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: len(heard.loose) == 1)
        await heard.until(lambda: strips.health(event.event_id, "1").last_seq >= 1)

    assert (await racing.control.view(race.race_id)).state is RaceState.READY


async def test_each_track_is_timed_by_its_own_lines(racing: Racing, recorder: RecorderProcess) -> None:
    tracks = [NewTrack(name="North", lines=[StripLine(line=17)]), NewTrack(name="South", lines=[StripLine(line=27)])]
    event = await racing.events.create(NewEvent(name="Cup", tracks=tracks), "box")
    north = await racing.ready(event, await racing.racer("Ann"))
    south = await racing.ready(event, await racing.racer("Bob"), track_id="2")
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await strips.hit(27)
        await heard.until(lambda: len(heard.races) == 1)
        lines = [[line.line for line in strips.health(event.event_id, track).lines] for track in ("1", "2")]

    assert heard.races[0].race_id == south.race_id
    assert (await racing.control.view(north.race_id)).state is RaceState.READY
    assert lines == [[17], [27]]


async def test_hand_and_strip_laps_mix_and_time_from_each_other(racing: Racing, recorder: RecorderProcess) -> None:
    race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await strips.hit(17)
        await heard.until(lambda: len(heard.races) == 1)
        await racing.do(race, Kind.LAP)
        await strips.hit(17)
        await heard.until(lambda: len(heard.races) == 3)

    journal = await racing.control.journal(race.race_id)
    laps = heard.races[-1].laps
    assert [lap.source for lap in laps] == ["hand", "strip"]
    stamps = [entry.at_ns for entry in journal[1:]]
    assert [lap.lap_ms for lap in laps] == [
        (later - earlier) // 1_000_000 for earlier, later in itertools.pairwise(stamps)
    ]


async def test_a_crossing_that_could_not_be_stored_is_read_again(
    racing: Racing, recorder: RecorderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
    write = racing.db.write
    refused = asyncio.Event()

    async def full(_: object) -> None:
        refused.set()
        raise NotReady("The disk is full.", "Make room.")

    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        monkeypatch.setattr(racing.db, "write", full)
        await strips.hit(17)
        await asyncio.wait_for(refused.wait(), DEADLINE_S)
        monkeypatch.setattr(racing.db, "write", write)
        await heard.until(lambda: len(heard.races) == 1)

    assert (await racing.control.view(race.race_id)).state is RaceState.RUNNING


async def test_a_strip_that_stays_silent_is_named(racing: Racing, recorder: RecorderProcess) -> None:
    event = await racing.event(rules=NO_LOCKOUT)
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await strips.hit(27)
        await heard.until(lambda: len(heard.loose) == 1)
        for number in range(10):
            await strips.hit(17)
            await heard.until(lambda number=number: len(heard.loose) == number + 2)  # type: ignore[misc]
        silent = {line.line: line.silent for line in strips.health(event.event_id, "1").lines}
        names = strips.silent_lines()

    assert silent == {17: False, 27: True}
    assert len(names) == 1


async def test_without_a_recorder_the_strips_say_what_is_wrong(racing: Racing, tmp_path: Path) -> None:
    event = await racing.event()
    strips = StripIntake(racing.db, racing.facts, racing.events, racing.control, tmp_path / "nobody.sock")

    assert strips.problem is not None
    assert strips.health(event.event_id, "1").connected is False
    with pytest.raises(NotReady):
        await strips.hit(17)


@pytest.mark.parametrize("hits_before", [2, 150])
async def test_a_pass_that_goes_on_over_a_restart_of_the_server_stays_one_crossing(
    tmp_path: Path, recorder: RecorderProcess, hits_before: int
) -> None:
    """A strip that chatters makes any number of edges in one pass: the lock-out begins where it began."""
    long = RaceRules(lockout_ms=60_000)
    async with racing_in(tmp_path) as racing:
        race = await racing.ready(await racing.event(rules=long), await racing.racer("Ann"))
        async with listening(racing, recorder.socket) as (strips, heard):
            await heard.until(lambda: strips.problem is None)
            await press(recorder, hits_before)
            await heard.until(lambda: strips.health(race.event_id, "1").last_seq == 2 * hits_before)
            await heard.until(lambda: len(heard.races) == 1)
    await press(recorder, 3)
    async with racing_in(tmp_path) as racing, listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.health(race.event_id, "1").last_seq == 2 * hits_before + 6)
        view = await racing.control.view(race.race_id)

    assert (view.version, view.laps) == (2, [])


async def test_edges_are_read_again_from_the_recorder_that_has_them(racing: Racing, recorder: RecorderProcess) -> None:
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await press(recorder, 5)
        (state,) = strips.recorders()
        assert state.recorder_id is not None
        some = await strips.recorded(state.recorder_id, 2, lambda edge: edge.seq == 6)
        rest = await strips.recorded(state.recorder_id, 6, lambda edge: False)

    assert [edge.seq for edge in some] == [3, 4, 5, 6]
    assert [edge.seq for edge in rest] == [7, 8, 9, 10]
    assert [edge.active for edge in some] == [True, False, True, False]


async def test_edges_of_a_recorder_that_is_away_cannot_be_read(racing: Racing, recorder: RecorderProcess) -> None:
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        recorder_id = strips.recorders()[0].recorder_id
        assert recorder_id is not None
        await recorder.end()
        await heard.until(lambda: strips.problem is not None)
        with pytest.raises(NotReady, match="is not connected"):
            await strips.recorded(recorder_id, 0, lambda edge: False)
        with pytest.raises(Conflict, match=r"not known to this box\. Pair it again under Recorders"):
            await strips.recorded(new_id(), 0, lambda edge: False)


async def test_a_recorder_that_never_answered_may_be_the_one_that_is_meant(racing: Racing, tmp_path: Path) -> None:
    async with listening(racing, tmp_path / "nobody.sock") as (strips, _):
        with pytest.raises(NotReady, match="one that did not answer yet"):
            await strips.recorded(new_id(), 0, lambda edge: False)


async def test_the_time_without_a_recorder_is_shown_on_the_race_it_touches(
    racing: Racing, recorder: RecorderProcess
) -> None:
    touched = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await strips.hit(17)
        await heard.until(lambda: len(heard.races) == 1)
        assert strips.blind_spots(touched.event_id, "1") == []
        await recorder.end(signal.SIGKILL)
        await recorder.start()
        await heard.until(lambda: bool(strips.blind_spots(touched.event_id, "1")))
        (spot,) = strips.blind_spots(touched.event_id, "1")
        await racing.do(touched, Kind.END, Kind.SUBMIT)
        assert await strips.blind_spots_of(touched.race_id) == [spot]
        untouched = await racing.ready(racing.events.get(touched.event_id), touched.racer_id)
        assert await strips.blind_spots_of(untouched.race_id) == []

    assert (spot.reason, spot.lost, spot.line, spot.recorder_name) == ("killed", 0, None, "this box")
    assert spot.missing_ms is not None
    assert spot.missing_ms > 0


async def test_a_blind_spot_is_shown_once_after_a_restart_of_the_server(
    tmp_path: Path, recorder: RecorderProcess
) -> None:
    async with racing_in(tmp_path) as racing:
        race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
        async with listening(racing, recorder.socket) as (strips, heard):
            await heard.until(lambda: strips.problem is None)
            await strips.hit(17)
            await heard.until(lambda: len(heard.races) == 1)
            await recorder.end(signal.SIGKILL)
            await recorder.start()
            await heard.until(lambda: bool(strips.blind_spots(race.event_id, "1")))
    async with racing_in(tmp_path) as racing, listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        assert len(strips.blind_spots(race.event_id, "1")) == 1


async def test_a_race_scored_anew_while_paused_goes_on_with_the_new_lock_out(
    racing: Racing, recorder: RecorderProcess
) -> None:
    race = await racing.ready(await racing.event(rules=RaceRules(lockout_ms=60_000)), await racing.racer("Ann"))
    async with listening(racing, recorder.socket) as (strips, heard):
        await heard.until(lambda: strips.problem is None)
        await press(recorder, 1)
        await heard.until(lambda: bool(heard.races) and heard.races[-1].state is RaceState.RUNNING)
        paused = await racing.do(race, Kind.PAUSE)
        rescoring = Rescoring(racing.db, racing.facts, racing.events, racing.control, strips)
        scored = await rescoring.apply(race.race_id, 0, "timekeeper", paused.version)
        await racing.do(scored, Kind.RESUME)
        await press(recorder, 2)
        await heard.until(lambda: len(heard.races[-1].laps) == 2)
