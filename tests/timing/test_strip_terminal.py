"""`trackside strips` against a real recorder process: on a pipe, on a terminal, with every exit status."""

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.timing.recorder_process import BareClient, RecorderProcess, connected

DEADLINE_S = 30
BETWEEN_TAPS_S = 0.3
"""The pace of a hand: taps less than 150 ms apart are one hit. Nothing is waited for with it."""


class Strips:
    """`trackside strips` on a pipe, and the rows it has written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.rows: list[str] = []

    async def until(self, pattern: str) -> str:
        """The next row that fits."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            while row := (await self.process.stdout.readline()).decode():
                self.rows.append(row.rstrip("\n"))
                if re.search(pattern, row):
                    return self.rows[-1]
        raise AssertionError(f"no {pattern} in {self.rows}")

    async def ended(self) -> int:
        """Its exit status; the rest of what it wrote is in `rows`."""
        async with asyncio.timeout(DEADLINE_S):
            rest, _ = await self.process.communicate()
        self.rows += rest.decode().splitlines()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def strips(socket: Path, *arguments: str) -> AsyncIterator[Strips]:
    command = [sys.executable, "-m", "appliance.cli", "strips", "--socket", str(socket), *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield Strips(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def hand(socket: Path) -> AsyncIterator[BareClient]:
    """Somebody who can tap."""
    async with connected(socket) as client:
        client.hello(None)
        await client.until("hello")
        yield client


async def tap(client: BareClient, line: int, hold_ms: int = 80, bounces: int = 0) -> None:
    client.hit(line, hold_ms, bounces)
    await client.edges(2 + 2 * bounces)
    await asyncio.sleep(BETWEEN_TAPS_S)


async def test_two_good_strips_end_with_status_0(tmp_path: Path) -> None:
    async with (
        RecorderProcess(tmp_path) as recorder,
        hand(recorder.socket) as client,
        strips(recorder.socket, "--test") as shown,
    ):
        await shown.until("Keep off the strips")
        for name, line in (("strip 1", 17), ("strip 2", 27)):
            await shown.until(f"^Tap {name} three times$")
            for taps in (1, 2):
                await tap(client, line)
                await shown.until(rf"^Tap {name} three times \({taps} of 3\)$")
            await tap(client, line)
        assert await shown.ended() == 0
    assert "Tap strip 1 three times (2 of 3)" in shown.rows
    assert "✓ All strips are good" in shown.rows
    assert (
        sum(bool(re.search(r"✓ strip \d  Good\. 3 taps felt, \d+ ms on it, no bounces\.", row)) for row in shown.rows)
        == 2
    )


async def test_a_chattering_strip_ends_with_status_1_and_what_to_do(tmp_path: Path) -> None:
    lines = ("--strips", "simulated", "--lines", "17")
    async with (
        RecorderProcess(tmp_path, *lines) as recorder,
        hand(recorder.socket) as client,
        strips(recorder.socket, "--test") as shown,
    ):
        await shown.until("^Tap strip 1 three times")
        for _ in range(3):
            await tap(client, 17, bounces=12)
        assert await shown.ended() == 1
    assert "✗ 1 of 1 strips needs a hand" in shown.rows
    assert any("Chattering. 12 bounces in one tap. Look for a loose plug" in row for row in shown.rows)


async def test_hits_on_two_lines_at_once_are_both_told(tmp_path: Path) -> None:
    async with (
        RecorderProcess(tmp_path) as recorder,
        hand(recorder.socket) as client,
        strips(recorder.socket) as shown,
    ):
        await shown.until("^line 27: strip 2")
        client.hit(17, 60)
        client.hit(27, 30, bounces=3)
        told = {(await shown.until("hit 1$"))[:7] for _ in range(2)}
        shown.process.send_signal(signal.SIGINT)
        assert await shown.ended() == 0
    assert told == {"strip 1", "strip 2"}
    assert shown.rows[0] == f"{recorder.socket}: simulated strips"
    assert any(re.match(r"strip 2  line 27  \d+ ms on it  3 bounces  hit 1", row) for row in shown.rows)


async def test_a_recorder_that_dies_in_mid_test_ends_it_with_status_1(tmp_path: Path) -> None:
    async with RecorderProcess(tmp_path) as recorder, strips(recorder.socket, "--test") as shown:
        await shown.until("Keep off the strips")
        await recorder.end(signal.SIGKILL)
        assert await shown.ended() == 1
    assert shown.rows[-1] == "The test was ended: the recorder went away. Start it again once it is back."


async def test_ctrl_c_in_mid_test_ends_it_with_status_1(tmp_path: Path) -> None:
    async with RecorderProcess(tmp_path) as recorder, strips(recorder.socket, "--test") as shown:
        await shown.until("Keep off the strips")
        shown.process.send_signal(signal.SIGINT)
        assert await shown.ended() == 1
    assert shown.rows[-1] == "The test was not finished."


async def test_no_recorder_is_refused_with_a_remedy(tmp_path: Path) -> None:
    async with strips(tmp_path / "timing.sock") as shown:
        assert await shown.ended() == 2
    assert shown.rows[0].startswith(f"No recorder answers at {tmp_path / 'timing.sock'}: ")
    assert shown.rows[1] == (
        "Start one with `trackside serve` or `trackside recorder`, or name its socket with --socket."
    )


async def test_a_recorder_without_strips_has_nothing_to_test(tmp_path: Path) -> None:
    async with (
        RecorderProcess(tmp_path, "--strips", "disabled") as recorder,
        strips(recorder.socket, "--test") as shown,
    ):
        assert await shown.ended() == 2
    assert shown.rows[0] == "This recorder has no strips."


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "Ctrl-C"])
async def test_on_a_terminal_keys_work_and_the_screen_is_given_back(tmp_path: Path, key: str) -> None:
    async with RecorderProcess(tmp_path) as recorder:
        ours, theirs = pty.openpty()
        reader, transport = await _reading(ours)
        command = [sys.executable, "-m", "appliance.cli", "strips", "--socket", str(recorder.socket)]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: _make_it_ours(theirs),
        )  # fmt: skip
        os.close(theirs)
        try:
            async with asyncio.timeout(DEADLINE_S):
                screen = await reader.readuntil(b"quit")
                assert screen.startswith(b"\x1b[?1049h")
                assert b"not heard yet" in screen
                os.write(ours, b"t")
                await reader.readuntil(b"KEEP OFF THE STRIPS")
                os.write(ours, b"e")
                await reader.readuntil(b"t\x1b[0m test")
                os.write(ours, key.encode())
                await reader.readuntil(b"\x1b[?1049l")
                assert await process.wait() == 0
        finally:
            transport.close()
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _reading(fd: int) -> tuple[asyncio.StreamReader, asyncio.ReadTransport]:
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(fd), "rb", buffering=0)
    )
    return reader, transport


def _make_it_ours(fd: int) -> None:
    """Its controlling terminal: Ctrl-C is then the terminal's own signal."""
    import fcntl
    import termios

    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
