"""`trackside tui --demo`: a real box, a real terminal, every lesson by its key, and nothing left afterwards."""

import asyncio
import os
import pty
import select
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from appliance.errors import NotReady
from appliance.practice import PracticeBox, children, practice_box
from tests.tui.seated import LARGE, SMALL, Terminal
from tests.tui.seats import after_ms
from timing.structs import RaceState
from tui.key_repeat import ONE_PRESS_NS
from tui.practice.coach import Coach, Orders
from tui.practice.host import PracticeApp, PracticeHost
from tui.practice.lessons import AT_END, LESSONS, Facts

PATIENCE_S = 60.0
SPEED = 8.0
TO_THE_LINE_S = 10 * SPEED
"""Nobody is to be late with Space because the machine is busy."""


class Watched(Coach):
    """Remembers whether a lap was seen waiting, which at this speed is over before somebody looks."""

    has_waited = False

    def look(self, facts: Facts, now_s: float) -> Orders:
        self.has_waited |= facts.waiting_laps > 0
        return super().look(facts, now_s)


@pytest.fixture
async def terminal(request: pytest.FixtureRequest) -> AsyncIterator[Terminal]:
    size: tuple[int, int] = getattr(request, "param", SMALL)
    async with AsyncExitStack() as stack:
        host = PracticeHost(lambda: practice_box(SPEED), stack)
        app = PracticeApp(host, Watched(speed=SPEED, to_the_line_s=TO_THE_LINE_S))
        async with app.run_test(size=size, notifications=True) as pilot:
            yield Terminal(app, pilot)
            app.exit()


async def seated(terminal: Terminal) -> PracticeBox:
    assert isinstance(terminal.app, PracticeApp)
    await until(terminal, lambda: terminal.app.has_seat and terminal.seat.link_state.is_live)
    assert isinstance(terminal.app.practice.practice, PracticeBox)
    return terminal.app.practice.practice


async def until(terminal: Terminal, holds: object) -> None:
    """As Terminal.until, for a box that has to start first."""
    assert callable(holds)
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await terminal.pilot.pause(0.05)


async def lesson(terminal: Terminal, number: int) -> None:
    """Wait until this lesson is asked for."""
    await terminal.shows(f"Practice {number} of {len(LESSONS)}", f"► {LESSONS[number - 1].do}")


async def another_press() -> None:
    await after_ms(ONE_PRESS_NS // 1_000_000)


async def is_cut(box: PracticeBox) -> None:
    """Wait until the network is away: the lesson stands on the screen a moment before."""
    async with asyncio.timeout(PATIENCE_S):
        while not await asyncio.to_thread(server_is_stopped, box.process_id):  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.02)


async def test_the_box_is_announced_at_once_and_then_there(terminal: Terminal) -> None:
    await terminal.shows("Setting up the practice box…")
    await seated(terminal)
    await terminal.shows("Race · Harbour · Practice", "Welcome. Nothing here counts.", "F3 skips this")
    await lesson(terminal, 1)


@pytest.mark.parametrize("terminal", [SMALL, LARGE], indirect=True, ids=["80x24", "140x40"])
async def test_every_lesson_is_learned_by_its_key(terminal: Terminal) -> None:
    box = await seated(terminal)
    await lesson(terminal, 1)
    await terminal.keys("n")
    await lesson(terminal, 2)
    await terminal.keys("space")
    # The third is the car's: over the simulated strip, through the recorder.
    await lesson(terminal, 4)
    await terminal.shows("√ A lap by the strip.", "strip  √ valid")
    for number, key in enumerate(("r", "e", "l", "u", "space"), start=4):
        await lesson(terminal, number)
        await terminal.keys(key)
    await lesson(terminal, 9)
    await another_press()
    await terminal.keys("space")
    await lesson(terminal, 10)
    await terminal.keys("d")
    await lesson(terminal, 11)
    await another_press()
    await terminal.keys("space")
    await lesson(terminal, 12)
    await is_cut(box)
    await another_press()
    await terminal.keys("l")
    await lesson(terminal, 14)
    assert isinstance(terminal.app, PracticeApp)
    assert isinstance(terminal.app.coach, Watched)
    assert terminal.app.coach.has_waited
    assert terminal.seat.picture.race is not None
    assert [lap.source for lap in terminal.seat.picture.race.view.laps][-1] == "hand"
    await terminal.keys("x")
    await lesson(terminal, 15)
    await terminal.keys("v")
    await lesson(terminal, 16)
    await terminal.keys("s")
    await lesson(terminal, 17)
    await terminal.keys("4")
    await lesson(terminal, 18)
    await terminal.shows("Board · Harbour")
    await terminal.keys("question_mark", "escape")
    await terminal.shows(f"► {AT_END}")
    await terminal.keys("f4")
    await lesson(terminal, 1)


async def test_lessons_can_be_skipped_and_a_wrong_key_is_answered(terminal: Terminal) -> None:
    await seated(terminal)
    await lesson(terminal, 1)
    await terminal.keys("f3", "f3")
    await terminal.shows("Skipped.", "► First press N (on screen 1)", f"Practice 3 of {len(LESSONS)}")
    await terminal.keys("n")
    # The car goes to the line by itself and starts the clocks.
    await until(terminal, lambda: terminal.seat.race_state is RaceState.RUNNING)
    await lesson(terminal, 4)
    await terminal.keys("d")
    await terminal.shows("D is for did not finish. It is not asked for just now.", "► First press Space")


async def test_the_other_track_has_racers_too(terminal: Terminal) -> None:
    await seated(terminal)
    await terminal.keys("t")
    await terminal.shows("Race · Old Town · Practice", "Next ")
    await lesson(terminal, 1)


async def test_nothing_is_left_when_the_terminal_is_left_while_the_network_is_cut() -> None:
    async with practice_box() as box:
        processes, folder = await asyncio.to_thread(all_of, box.process_id)
        await box.cut()
    assert [pid for pid in processes if await asyncio.to_thread(is_there, pid)] == []
    assert not await asyncio.to_thread(folder.exists)


async def test_a_box_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 30)))
    (tmp_path / ("long" * 30)).mkdir()
    with pytest.raises(NotReady, match=r"The practice box does not start: .* is too long for a socket\."):
        async with practice_box():
            raise AssertionError


def test_nothing_is_left_when_the_terminal_is_killed() -> None:
    pid, screen = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "appliance.cli", "tui", "--demo"])
    try:
        read_until(screen, b"Welcome. Nothing here counts.")
        [box] = [child for child in children(pid) if b"appliance.practice_box" in command(child)]
        processes, folder = all_of(box)
        ends = [os.pidfd_open(process) for process in processes]
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(screen)
    for end in ends:
        assert select.select([end], [], [], PATIENCE_S)[0], "a process of the practice box runs on"
        os.close(end)
    assert not folder.exists()


def read_until(screen: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        assert select.select([screen], [], [], PATIENCE_S)[0], seen[-2_000:]
        seen += os.read(screen, 65_536)


def command(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def server_is_stopped(box: int) -> bool:
    [server] = [child for child in children(box) if b"appliance.serve" in command(child)]
    return Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def all_of(box: int) -> tuple[list[int], Path]:
    """The processes of a practice box, which are three, and its data directory."""
    [recorder] = [child for child in children(box) if b"timing.recorder" in command(child)]
    words = command(recorder)
    processes = [*children(box), box]
    assert len(processes) == 3
    return processes, Path(os.fsdecode(words[words.index(b"--data") + 1]))
