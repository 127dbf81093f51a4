"""Presses on this machine's disk: none is lost with the terminal, none is taken from one that runs."""

import asyncio
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from tests.tui.lossy_box import pressed
from tui.press import Press
from tui.press_file import Line, PressFile

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


DAMAGED = [
    pytest.param(b'{"done":"\xff\xfe"}', id="no text"),
    pytest.param(b'{"press":' + b'{"a":' * 100_000, id="deep"),
    pytest.param(b'{"press":{"mono_ns":' + b"9" * 60 + b"}}", id="half a press"),
    pytest.param(
        msgspec.json.encode(Line(press=pressed())).replace(b'"wall_ns":0', b'"wall_ns":' + b"9" * 30), id="late"
    ),
    pytest.param(b"\0" * 4096, id="zeros"),
]


@pytest.mark.parametrize("damage", DAMAGED)
async def test_a_damaged_line_spoils_no_other(folder: Path, damage: bytes) -> None:
    file, _ = await opened(folder)
    file.add(pressed(action_id="press-1"))
    await file.close()
    [path] = files_in(folder)
    path.write_bytes(damage + b"\n" + path.read_bytes())
    assert (await opened(folder))[1] == ["press-1"]


async def test_a_wall_clock_that_was_set_back_changes_no_order(folder: Path) -> None:
    now_ns = time.time_ns()
    file, _ = await opened(folder)
    file.add(pressed(action_id="press-1", wall_ns=now_ns))
    file.add(pressed(action_id="press-2", wall_ns=now_ns - 3_600_000_000_000))
    await file.close()
    assert (await opened(folder))[1] == ["press-1", "press-2"]


async def test_what_was_left_behind_is_sent_from_a_full_disk_too_and_moves_once_there_is_room(folder: Path) -> None:
    await killed(await running_terminal(folder))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        file, left = await opened(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left == ["press-0", "press-2"]
    assert file.trouble is not None
    assert (await opened(folder))[1] == []
    file.done("press-0")
    await file.close()
    assert len(files_in(folder)) == 1
    assert (await opened(folder))[1] == ["press-2"]


def put_what_is_not_ours(folder: Path, theirs: Path) -> None:
    """A pipe, which would be read for ever, and a way to somebody's file."""
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.jsonl")
    theirs.write_bytes(msgspec.json.encode(Line(press=pressed())))
    (folder / "link.jsonl").symlink_to(theirs)


async def test_a_file_that_is_none_of_ours_is_left_alone(folder: Path, tmp_path: Path) -> None:
    put_what_is_not_ours(folder, tmp_path / "theirs")
    assert (await opened(folder))[1] == []
    assert {path.name for path in files_in(folder)} == {"pipe.jsonl", "link.jsonl"}
