"""What the tests of the racing share: a recorder, and a box that follows recorders on other machines."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.timing.recorder_process import RecorderProcess
from tests.timing.remote_box import RemoteBox, remote_box
from tests.timing.sshd import Sshd


@pytest.fixture
async def recorder(tmp_path: Path) -> AsyncIterator[RecorderProcess]:
    """A recorder with two simulated strips, 17 and 27."""
    async with RecorderProcess(tmp_path) as process:
        yield process


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """Another Pi, which lets nobody in yet."""
    with Sshd(tmp_path / "sshd") as sshd:
        yield sshd


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[RemoteBox]:
    """A box that can follow recorders on other machines."""
    async with remote_box(tmp_path / "box") as box:
        yield box
