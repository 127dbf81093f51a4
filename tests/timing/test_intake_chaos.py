"""Two recorders at one line, a disk that refuses, cables that are pulled, restarts: one crossing for each pass."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest

from appliance.errors import NotReady
from tests.conftest import Racing, racing_in
from tests.timing.heard import Way, Ways, listening
from tests.timing.scripted_recorder import STRIP, ScriptedRecorder
from tests.timing.two_recorders import both_at_one_line
from timing.loose import LooseCrossings

LIVES = 5
APART_MS = 2_000


def drive(chance: Random, box: ScriptedRecorder, pi: ScriptedRecorder, start_ms: int) -> None:
    """One pass: one strip or both, in any order of stamps and of arrival, bouncing; and perhaps a cable is pulled."""
    both = [(box, start_ms), (pi, start_ms + chance.choice([-7, 7]))]
    chance.shuffle(both)
    for recorder, at_ms in both[: chance.choice([1, 2, 2, 2, 2])]:
        for bounce in range(chance.randint(1, 3)):
            recorder.press(at_ms + 3 * bounce)
        if chance.random() < 0.15:
            recorder.hang_up()


def refuse_some(racing: Racing, chance: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of all writes fails."""
    write = racing.db.write

    def full(_: Any) -> None:
        raise NotReady("The disk is full.", "Make room.")

    async def written(job: Any) -> Any:
        return await write(full if chance.random() < 0.25 else job)

    monkeypatch.setattr(racing.db, "write", written)


@pytest.mark.parametrize("seed", range(6))
async def test_each_pass_is_one_crossing_whatever_happens(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, passes = Random(seed), 0
    monkeypatch.setattr("timing.intake.RETRY_S", 0.02)
    async with (
        ScriptedRecorder(tmp_path / "box.sock", "box", STRIP) as box,
        ScriptedRecorder(tmp_path / "pi.sock", "pi") as pi,
    ):
        ways = Ways(Way("r1", "Pi", pi.socket))
        async with racing_in(tmp_path) as racing:
            event = await both_at_one_line(racing)
            race = await racing.ready(event, await racing.racer("Ann"))
        pi.moment_ns = box.from_now()
        for _ in range(LIVES):
            async with racing_in(tmp_path) as racing:
                with monkeypatch.context() as failing:
                    async with listening(racing, box.socket, ways) as (strips, _):
                        refuse_some(racing, chance, failing)
                        for _ in range(chance.randint(1, 12)):
                            drive(chance, box, pi, 10 + APART_MS * passes)
                            passes += 1
                            await asyncio.sleep(chance.choice([0, 0.01, 0.05]))
                        if chance.random() < 0.3:
                            failing.setattr(strips, "_save", lambda: None)  # killed, not stopped
        async with racing_in(tmp_path) as racing:
            async with listening(racing, box.socket, ways) as (strips, heard):
                await heard.until(lambda: all(state.caught_up for state in strips.recorders()))
                await heard.until(lambda: [one.last_seq for one in strips.recorders()] == [box.last_seq, pi.last_seq])
            view = await racing.control.view(race.race_id)
            crossings = LooseCrossings(racing.db, racing.facts, racing.people, racing.events, racing.control)
            loose = await crossings.list(event.event_id)

    assert (len(view.laps), loose) == (passes - 1, [])
    assert all(abs(lap.lap_ms - APART_MS) <= 14 for lap in view.laps)
