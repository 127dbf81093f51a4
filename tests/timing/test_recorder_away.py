"""Why there is no recorder, in words that the crew can do something with."""

import asyncio
import socket
from pathlib import Path

import pytest

from timing.stream_client import StreamClient

NOBODY = "No recorder is running."


async def said_of(path: Path) -> str:
    """What a client says that finds this in the place of its recorder's socket."""
    async with asyncio.timeout(20), StreamClient(path, lambda _: None, lambda _: 0) as client:
        while client.last_error is None:  # noqa: ASYNC110  what it says has no event
            await asyncio.sleep(0.01)
        return client.last_error


async def test_no_socket_is_no_recorder(tmp_path: Path) -> None:
    assert await said_of(tmp_path / "timing.sock") == NOBODY


async def test_the_socket_of_a_killed_recorder_is_no_recorder(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(tmp_path / "timing.sock"))
    assert await said_of(tmp_path / "timing.sock") == NOBODY


@pytest.mark.parametrize("place", ["timing.sock", "file/timing.sock"])
async def test_whatever_else_is_there_is_told_without_error_numbers(tmp_path: Path, place: str) -> None:
    (tmp_path / Path(place).parts[0]).write_text("")
    said = await said_of(tmp_path / place)
    assert "Errno" not in said
    assert said.endswith(".")
