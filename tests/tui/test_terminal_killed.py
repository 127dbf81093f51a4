"""A terminal is killed while presses wait: the next one sends them, once."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.tui.cut_cable import Cable, plugged
from tests.tui.seats import assert_laps_as_pressed, sitting
from tests.web.conftest import Site
from timing.journal import Kind
from timing.structs import Event, RaceView
from tui.press import Press

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """A terminal in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.worst_error_ns = 0
        """Of the clock that placed what was sent."""

    @classmethod
    async def started(cls, cable: Cable, site: Site, event: Event, folder: Path) -> "Child":
        """Live at the track."""
        arguments = [cable.url, site.tokens["operator"], event.event_id, str(folder)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.tui.terminal_child",
            *arguments,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        child = cls(process)
        assert await child._line() == b"live\n"
        return child

    async def press(self, kind: Kind) -> Press:
        """Press a key; when it is answered, the press is on the disk."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kind.value}\n".encode())
        return msgspec.json.decode(await self._line(), type=Press)

    async def sent(self) -> None:
        """Wait until nothing waits."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"sent\n")
        word, error_ns = (await self._line()).split()
        assert word == b"sent"
        self.worst_error_ns = int(error_ns)

    async def killed(self) -> None:
        """kill -9."""
        self._process.kill()
        await self._process.communicate()

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            return await self._process.stdout.readline()


async def laps_stored(site: Site, race: RaceView, laps: int) -> None:
    """Wait until the box has so many."""
    async with asyncio.timeout(20):
        while len((await site.house.control.view(race.race_id)).laps) != laps:  # noqa: ASYNC110  it is in the server
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("answers_are_lost", [False, True], ids=["nothing arrived", "the box took one"])
async def test_the_next_terminal_sends_what_the_killed_one_could_not(
    site: Site, event: Event, race: RaceView, tmp_path: Path, answers_are_lost: bool
) -> None:
    folder = tmp_path / "presses"
    async with plugged(site.port) as cable:
        child = await Child.started(cable, site, event, folder)
        presses = [await child.press(Kind.START), await child.press(Kind.LAP)]
        await child.sent()
        if answers_are_lost:
            cable.lose_answers()
        else:
            cable.black_hole()
        presses += [await child.press(Kind.LAP) for _ in range(3)]
        await laps_stored(site, race, 2 if answers_are_lost else 1)
        await child.killed()
    async with sitting(site.url, site.tokens["operator"], event.event_id, folder=folder) as seated:
        await seated.live()
        await seated.sent()
        view = await site.house.control.view(race.race_id)
        seated.worst_error_ns = max(seated.worst_error_ns, child.worst_error_ns)
        assert_laps_as_pressed(view, presses, seated)
    assert [path for path in folder.rglob("*") if path.is_file()] == []
