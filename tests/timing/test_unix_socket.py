"""The socket is open to its owner and to the group of its directory, and to nobody else."""

import multiprocessing
import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from timing.unix_socket import listen

OURS, STRANGERS = 45_678, 45_679
"""Groups that nobody is in."""
RECORDER, SERVER = 45_001, 45_002
"""Users that nobody is."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming other users needs root")


@pytest.fixture
def directory():
    """One that other users can reach."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def owned(directory: Path, mode: int) -> Path:
    """A directory of the recorder's, for a group."""
    directory = directory / "run"
    directory.mkdir()
    os.chown(directory, RECORDER, OURS)
    directory.chmod(mode)
    return directory / "timing.sock"


def as_user(uid: int, groups: list[int], task, *arguments):
    """What `task` answers when that user runs it."""

    def run(answer):
        os.setgroups(groups)
        os.setgid(groups[0])
        os.setuid(uid)
        answer.send(task(*arguments))

    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=run, args=(there,))
    process.start()
    assert here.poll(20)
    answer = here.recv()
    process.join(20)
    return answer


def listening(path: Path):
    """Listen, and leave the file behind; its group and mode."""
    listen(path)
    found = path.stat()
    return found.st_gid, found.st_mode & 0o777


def connect(path: Path) -> str:
    """How connecting ends: a socket that nobody listens at any more still says whether one may."""
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(str(path))
        except OSError as error:
            return type(error).__name__
    return "connected"


@needs_root
@pytest.mark.parametrize("mode", [0o2750, 0o750, 0o755], ids=["setgid", "group", "all may look"])
def test_group_of_the_directory_may_use_the_socket(directory, mode):
    path = owned(directory, mode)
    assert as_user(RECORDER, [STRANGERS, OURS], listening, path) == (OURS, 0o660)
    assert as_user(SERVER, [SERVER, OURS], connect, path) == "ConnectionRefusedError"
    assert as_user(SERVER, [SERVER, STRANGERS], connect, path) == "PermissionError"


@needs_root
def test_directory_that_all_may_write_in_is_no_reason_to_let_a_group_in(directory):
    path = owned(directory, 0o1777)
    assert as_user(RECORDER, [STRANGERS, OURS], listening, path) == (STRANGERS, 0o660)


@needs_root
def test_group_that_we_are_not_in_is_no_reason_to_fail(directory):
    path = owned(directory, 0o755)
    assert as_user(RECORDER, [STRANGERS], listening, path) == (STRANGERS, 0o660)


def test_socket_of_ones_own_directory_is_ones_own(tmp_path):
    opened = listen(tmp_path / "timing.sock")
    found = opened.path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (os.geteuid(), tmp_path.stat().st_gid, 0o660)
    opened.sock.close()
