"""Hits from before a power cut, read after it by a recorder and a server of another boot."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance import clock
from tests.conftest import racing_in
from tests.timing.heard import NO_LOCKOUT, listening, press
from tests.timing.other_machine import OtherMachine, needs_root
from tests.timing.recorder_process import RecorderProcess
from timing.journal import Kind
from timing.structs import RaceState

OLD_BOOT = "00000000-1111-2222-3333-444444444444"


class BeforeThePowerCut(OtherMachine):
    """The box's own recorder in the boot before this one, on the same clock so that the tests can tell the order."""

    boot = OLD_BOOT
    ahead_s = 0


@pytest.fixture
async def old_recorder(tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    async with BeforeThePowerCut(tmp_path, "--strips", "simulated", "--lines", "17,27") as process:
        yield process


@asynccontextmanager
async def recorder_of_this_boot(old: RecorderProcess) -> AsyncIterator[RecorderProcess]:
    """The power is back: the same edges.db, read by a recorder of this boot."""
    await old.end(signal.SIGKILL)
    directory = old.socket.parent
    arguments = ("--strips", "simulated", "--lines", "17,27")
    async with RecorderProcess(directory, *arguments, data=old.data) as process:
        yield process


@needs_root
async def test_a_hit_before_the_power_cut_counts_and_one_before_the_server_was_back_does_not(
    tmp_path: Path, old_recorder: RecorderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(clock, "boot_id", lambda: OLD_BOOT)
        async with racing_in(tmp_path) as racing:
            race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
            race = await racing.do(race, Kind.START)
        await press(old_recorder, 1)
    async with recorder_of_this_boot(old_recorder) as recorder:
        await press(recorder, 1)
        async with racing_in(tmp_path) as racing, listening(racing, recorder.socket) as (_, heard):
            await heard.until(lambda: len(heard.races) == 1 and len(heard.loose) == 1)
            view = await racing.control.view(race.race_id)

    assert (view.state, len(view.laps)) == (RaceState.PAUSED, 1)


@needs_root
@pytest.mark.parametrize("before", [[], [Kind.START, Kind.PAUSE]], ids=["ready", "paused"])
async def test_a_hit_that_set_the_race_going_right_before_the_power_cut_leaves_it_paused(
    before: list[Kind], tmp_path: Path, old_recorder: RecorderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hit is in edges.db only when the power goes: the race runs for the first time after the cut."""
    with monkeypatch.context() as until_the_cut:
        until_the_cut.setattr(clock, "boot_id", lambda: OLD_BOOT)
        async with racing_in(tmp_path) as racing:
            race = await racing.ready(await racing.event(rules=NO_LOCKOUT), await racing.racer("Ann"))
            for kind in before:
                race = await racing.do(race, kind)
        await press(old_recorder, 2)
    async with (
        recorder_of_this_boot(old_recorder) as recorder,
        racing_in(tmp_path) as racing,
        listening(racing, recorder.socket) as (_, heard),
    ):
        await heard.until(lambda: len(heard.races) == 3)
        view = await racing.control.view(race.race_id)
        trail = [line.text for line in await racing.control.trail(race.race_id)]

    assert (view.state, len(view.laps)) == (RaceState.PAUSED, 1), trail
