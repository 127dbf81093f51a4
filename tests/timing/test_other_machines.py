"""Recorders on other machines: their edges become moments of this machine's clock, and laps stay theirs to the ns."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from appliance import clock
from tests.conftest import Racing, racing_in
from tests.timing.heard import NO_LOCKOUT, Heard, Way, Ways, listening
from tests.timing.other_machine import AHEAD_S, OtherMachine, needs_root
from tests.timing.recorder_process import RecorderProcess, connected
from timing.facts import RemotesChanged
from timing.intake import StripIntake
from timing.journal import Kind
from timing.rules import RaceRules
from timing.structs import Event, NewEvent, NewTrack, RaceState, StripLine

pytestmark = needs_root

NS_PER_S = 1_000_000_000


@pytest.fixture
async def pi(tmp_path: Path) -> AsyncIterator[OtherMachine]:
    home = tmp_path / "pi"
    home.mkdir()
    async with OtherMachine(home, "--strips", "simulated", "--lines", "17,27") as machine:
        yield machine


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    async with RecorderProcess(tmp_path, "--strips", "simulated", "--lines", "17,27") as recorder:
        yield recorder


def are_all_there(strips: StripIntake) -> bool:
    return all(state.connected and state.caught_up for state in strips.recorders())


def recorder_ids(strips: StripIntake) -> tuple[str, str]:
    """The box's own, and the remote one's."""
    own, remote = (state.recorder_id for state in strips.recorders())
    assert own is not None
    assert remote is not None
    return own, remote


async def two_tracks(racing: Racing, strips: StripIntake, rules: RaceRules = NO_LOCKOUT) -> Event:
    """Track 1 timed by the box, track 2 by the other machine; the same line number on both."""
    own, remote = recorder_ids(strips)
    tracks = [
        NewTrack(name="One", lines=[StripLine(line=17, recorder_id=own)]),
        NewTrack(name="Two", lines=[StripLine(line=17, recorder_id=remote)]),
    ]
    return await racing.events.create(NewEvent(name="Cup", tracks=tracks, rules=rules), "box")


async def hits(machine: RecorderProcess, count: int) -> list[int]:
    """Press line 17; answers the recorder's own stamps."""
    stamps = []
    async with connected(machine.socket) as client:
        client.hello(None)
        await client.until("caught_up")
        for _ in range(count):
            client.hit(17)
            stamps += [edge["at_ns"] for edge in await client.edges(2) if edge["edge"] == "active"]
    return stamps


async def test_two_tracks_are_timed_by_two_machines_at_once(
    racing: Racing, own: RecorderProcess, pi: OtherMachine
) -> None:
    async with listening(racing, own.socket, Ways(Way("r1", "Pi of track 2", pi.socket))) as (strips, heard):
        await heard.until(lambda: are_all_there(strips))
        event = await two_tracks(racing, strips)
        here = await racing.ready(event, await racing.racer("Ann"), "1")
        there = await racing.ready(event, await racing.racer("Ben"), "2")
        stamps_here, stamps_there = await hits(own, 2), await hits(pi, 3)
        await heard.until(lambda: len(heard.races) >= 2 + 2 + 3)

    assert stamps_there[0] - stamps_here[0] > (AHEAD_S - 60) * NS_PER_S, "the other clock is another one"
    for race, stamps in ((here, stamps_here), (there, stamps_there)):
        laps = (await racing.control.view(race.race_id)).laps
        between = [(later - earlier) // 1_000_000 for earlier, later in pairwise(stamps)]
        assert [lap.lap_ms for lap in laps] == between


async def test_a_lap_from_the_start_key_to_a_remote_strip_uses_the_offset_of_the_clocks(
    racing: Racing, own: RecorderProcess, pi: OtherMachine
) -> None:
    async with listening(racing, own.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
        await heard.until(lambda: are_all_there(strips))
        event = await two_tracks(racing, strips)
        race = await racing.do(await racing.ready(event, await racing.racer("Ann"), "2"), Kind.START)
        before_ns = clock.mono_ns()
        await hits(pi, 1)
        after_ns = clock.mono_ns()
        await heard.until(lambda: bool(heard.races[-1].laps))
        state = strips.recorders()[1]

    entries = await racing.control.journal(race.race_id)
    assert entries[-1].boot_id == clock.boot_id()
    error_ns = (state.offset_error_us or 0) * 1_000
    assert before_ns - error_ns <= entries[-1].at_ns <= after_ns + error_ns
    assert state.offset_us == pytest.approx(AHEAD_S * 1_000_000, abs=1_000_000)
    assert state.offset_error_us is not None
    assert 0 < state.offset_error_us < 200_000


async def test_hits_while_the_cable_was_out_are_laps_once_it_is_in_again(
    tmp_path: Path, own: RecorderProcess, pi: OtherMachine
) -> None:
    async with racing_in(tmp_path) as racing:
        async with listening(racing, own.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
            await heard.until(lambda: are_all_there(strips))
            race = await racing.ready(await two_tracks(racing, strips), await racing.racer("Ann"), "2")
            stamps = await hits(pi, 1)
            await heard.until(lambda: heard.races[-1].state is RaceState.RUNNING)
        stamps += await hits(pi, 2)
        async with listening(racing, own.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
            await heard.until(lambda: bool(heard.races) and len(heard.races[-1].laps) == 2)
        view = await racing.control.view(race.race_id)

    assert [lap.lap_ms for lap in view.laps] == [
        (stamps[1] - stamps[0]) // 1_000_000,
        (stamps[2] - stamps[1]) // 1_000_000,
    ]


async def test_edges_of_a_boot_that_is_over_are_placed_by_the_offset_it_had(
    tmp_path: Path, own: RecorderProcess, pi: OtherMachine
) -> None:
    async with racing_in(tmp_path) as racing:
        async with listening(racing, own.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
            await heard.until(lambda: are_all_there(strips))
            race = await racing.ready(await two_tracks(racing, strips), await racing.racer("Ann"), "2")
            await hits(pi, 1)
            await heard.until(lambda: heard.races[-1].state is RaceState.RUNNING)
        before_ns = clock.mono_ns()
        await hits(pi, 1)
        after_ns = clock.mono_ns()
        await pi.reboot("99999999-2222-3333-4444-555555555555", 77)
    async with (
        racing_in(tmp_path) as racing,
        listening(racing, own.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard),
    ):
        await heard.until(lambda: bool(heard.races) and bool(heard.races[-1].laps))
        entries = await racing.control.journal(race.race_id)

    slack_ns = 200_000_000
    assert before_ns - slack_ns < entries[-1].at_ns < after_ns + slack_ns
    assert entries[-1].payload.recorder_boot_id == OtherMachine.boot


async def test_strips_of_two_machines_at_one_line_make_one_crossing(
    racing: Racing, own: RecorderProcess, pi: OtherMachine
) -> None:
    async with listening(racing, own.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
        await heard.until(lambda: are_all_there(strips))
        both = [StripLine(line=17, recorder_id=each) for each in recorder_ids(strips)]
        track = NewTrack(name="One", lines=both)
        rules = RaceRules(lockout_ms=60_000)
        event = await racing.events.create(NewEvent(name="Cup", tracks=[track], rules=rules), "box")
        race = await racing.ready(event, await racing.racer("Ann"))
        await hits(own, 1)
        await hits(pi, 1)
        await heard.until(lambda: sum(line.hits for line in strips.health(event.event_id, "1").lines) == 2)
        health = strips.health(event.event_id, "1")

    assert (await racing.control.view(race.race_id)).version == 2
    assert [line.name for line in health.lines] == ["strip 1", "strip 1 (Pi)"]


async def test_a_remote_recorder_that_is_taken_away_is_let_go_and_says_nothing_more(
    racing: Racing, own: RecorderProcess, pi: OtherMachine
) -> None:
    ways = Ways(Way("r1", "Pi", pi.socket, problem="The cable is out."))
    heard = Heard(racing)
    strips = StripIntake(racing.db, racing.facts, racing.events, racing.control, own.socket)
    await strips.load()
    strips.follow(ways)
    strips.start()
    await heard.until(lambda: are_all_there(strips))
    ways.ways.clear()
    racing.facts.publish(RemotesChanged())
    assert [state.is_own for state in strips.recorders()] == [True]
    await strips.stop()


async def test_what_is_wrong_with_the_way_is_said_in_its_own_words(racing: Racing, tmp_path: Path) -> None:
    way = Way("r1", "Pi", tmp_path / "nobody.sock", problem="The cable is out.")
    async with listening(racing, tmp_path / "none.sock", Ways(way)) as (strips, _):
        own, remote = strips.recorders()
    assert remote.problem == "The cable is out."
    assert own.problem != remote.problem


async def test_people_read_the_time_of_day_of_this_machine_whatever_the_other_one_believes(
    racing: Racing, own: RecorderProcess, pi: OtherMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    years_ns = 2 * 365 * 86_400 * NS_PER_S
    real = clock.wall_ns
    monkeypatch.setattr(clock, "wall_ns", lambda: real() + years_ns)
    async with listening(racing, own.socket, Ways(Way("r1", "Pi", pi.socket))) as (strips, heard):
        await heard.until(lambda: are_all_there(strips))
        race = await racing.ready(await two_tracks(racing, strips), await racing.racer("Ann"), "2")
        before_ns = clock.wall_ns()
        await hits(pi, 1)
        await heard.until(lambda: heard.races[-1].state is RaceState.RUNNING)
        await heard.until(lambda: strips.recorders()[1].clock_difference_ms is not None)
        difference_ms = strips.recorders()[1].clock_difference_ms

    entries = await racing.control.journal(race.race_id)
    assert abs(entries[-1].wall_ns - before_ns) < 10 * NS_PER_S
    assert difference_ms is not None
    assert abs(difference_ms + years_ns // 1_000_000) < 10_000
