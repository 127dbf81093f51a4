"""Presses on this machine's disk: none is lost with the terminal, none is taken from one that runs."""

import asyncio
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.lossy_box import pressed
from tui.press import Press
from tui.press_file import PressFile

TERMINAL = """
import asyncio, sys
from pathlib import Path
from tests.tui.lossy_box import pressed
from tui.press_file import PressFile

async def main():
    file = PressFile(Path(sys.argv[1]))
    await file.open()
    for number in range(3):
        file.add(pressed(action_id=f"press-{number}"))
    file.done("press-1")
    await file.settled()
    print("kept", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""
"""A terminal with two presses that wait."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the presses for one box are."""
    return tmp_path / "presses" / "box-1"


def files_in(folder: Path) -> list[Path]:
    """What terminals keep there."""
    return list(folder.iterdir())


def cut_off(path: Path) -> None:
    """As if the machine had lost its power within a line."""
    path.write_bytes(path.read_bytes() + b'{"press":{"action_id":"pr')


def mode_of(path: Path) -> str:
    """Who may."""
    return oct(path.stat().st_mode & 0o777)


async def opened(folder: Path) -> tuple[PressFile, list[str]]:
    """A terminal that starts, and the presses it takes over."""
    file = PressFile(folder)
    return file, [press.action_id for press in await file.open()]


async def running_terminal(folder: Path) -> asyncio.subprocess.Process:
    """Another terminal, its presses on the disk."""
    terminal = await asyncio.create_subprocess_exec(
        sys.executable, "-c", TERMINAL, str(folder), stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    assert terminal.stdout is not None
    async with asyncio.timeout(60):
        assert await terminal.stdout.readline() == b"kept\n"
    return terminal


async def killed(terminal: asyncio.subprocess.Process) -> None:
    """kill -9."""
    terminal.kill()
    await terminal.wait()


async def test_a_killed_terminal_leaves_its_presses_to_the_next(folder: Path) -> None:
    await killed(await running_terminal(folder))
    file, left = await opened(folder)
    assert left == ["press-0", "press-2"]
    await file.close()


async def test_what_was_taken_over_outlives_a_second_kill(folder: Path) -> None:
    await killed(await running_terminal(folder))
    file, _ = await opened(folder)
    await file.close()
    _, left = await opened(folder)
    assert left == ["press-0", "press-2"]


async def test_a_running_terminal_keeps_its_presses_for_itself(folder: Path) -> None:
    terminal = await running_terminal(folder)
    file, left = await opened(folder)
    assert left == []
    await killed(terminal)
    await file.close()
    assert (await opened(folder))[1] == ["press-0", "press-2"]


async def test_answered_presses_leave_nothing_behind(folder: Path) -> None:
    file, _ = await opened(folder)
    file.add(pressed(action_id="press-1"))
    file.done("press-1")
    await file.close()
    assert files_in(folder) == []


async def test_a_line_cut_off_by_a_crash_spoils_no_other(folder: Path) -> None:
    file, _ = await opened(folder)
    file.add(pressed(action_id="press-1"))
    await file.close()
    cut_off(files_in(folder)[0])
    assert (await opened(folder))[1] == ["press-1"]


async def test_only_the_owner_can_read_them(folder: Path) -> None:
    file, _ = await opened(folder)
    file.add(pressed())
    await file.settled()
    assert [mode_of(path) for path in (*files_in(folder), folder)] == ["0o600", "0o700"]
    await file.close()


async def test_a_press_comes_back_as_it_was(folder: Path) -> None:
    press: Press = pressed(lap=3, valid=False)
    file, _ = await opened(folder)
    file.add(press)
    await file.close()
    assert await PressFile(folder).open() == [press]


async def test_a_full_disk_is_said_and_what_it_refused_is_written_later(folder: Path) -> None:
    file, _ = await opened(folder)
    file.add(pressed(action_id="press-1"))
    await file.settled()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        file.add(pressed(action_id="press-2"))
        await file.settled()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.trouble == f"Presses cannot be kept in {folder} (File too large): do not close the terminal."
    file.add(pressed(action_id="press-3"))
    await file.settled()
    assert file.trouble is None
    await file.close()
    assert (await opened(folder))[1] == ["press-1", "press-2", "press-3"]


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "presses").write_text("a file")
    file = PressFile(tmp_path / "presses" / "box-1")
    assert await file.open() == []
    assert file.trouble == (
        f"Presses cannot be kept in {tmp_path}/presses/box-1 (Not a directory): do not close the terminal."
    )
