"""A recorder whose disk is full: said aloud, and no edge is lost."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from recorder_process import RecorderProcess, connected, history, numbers, stored


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 24 MB: writes beyond it fail with the real ENOSPC."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or os.geteuid() != 0
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=False).returncode
    ):
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path) -> Path:
    """Use every last block."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        while free := shutil.disk_usage(disk).free:
            file.write(b"x" * min(free, 65_536))
        with pytest.raises(OSError, match="No space"):
            file.write(b"x" * 4096)
    return filler


async def hit_until(client, kind):
    """Hit until a heartbeat names this problem (None: none); answers the edges meanwhile."""
    edges = []
    while True:
        client.hit(17, hold_ms=100, bounces=100)
        message = await client.next()
        assert message is not None
        if message["type"] == "edge":
            edges.append(message)
        elif message["type"] == "clock" and message.get("problem") == kind:
            return edges


async def test_full_disk_is_said_aloud_and_timing_goes_on(small_disk, tmp_path):
    async with RecorderProcess(tmp_path, data=small_disk) as recorder, connected(recorder.socket) as client:
        client.hello(0)
        client.hit()
        edges = await client.edges(2)
        filler = fill(small_disk)
        edges += await hit_until(client, "disk_full")
        assert "disk_full" in recorder.stderr
        client.hit(27, hold_ms=3)
        edges += await client.edges(40)
        filler.unlink()
        while "problem" in (message := await client.next()) or message["type"] != "clock":
            if message["type"] == "edge":
                edges.append(message)
        assert (small_disk / "edges.reserve").exists()
        assert numbers(edges) == list(range(1, len(edges) + 1))
        assert (await history(recorder.socket))[: len(edges)] == edges


async def test_disk_without_even_a_reserve_keeps_edges_in_memory_until_it_has_room(small_disk, tmp_path):
    async with RecorderProcess(tmp_path, data=small_disk) as recorder, connected(recorder.socket) as client:
        client.hello(0)
        await client.until("caught_up")
        fill(small_disk)
        (small_disk / "edges.reserve").unlink()
        filler = fill(small_disk)
        edges = await hit_until(client, "not_recording")
        client.hit(27, hold_ms=1)
        filler.unlink()
        async with connected(recorder.socket) as other:
            other.hello(0)
            told = []
            while not any(edge["line"] == 27 for edge in told):
                told += await other.edges(1)
        assert numbers(told) == list(range(1, len(told) + 1))
        assert told[: len(edges)] == edges
        stamps = [edge["at_ns"] for edge in told if edge["line"] == 17]
        assert stamps == sorted(stamps)


async def test_recorder_starts_on_a_full_disk_with_its_reserve(small_disk, tmp_path):
    async with RecorderProcess(tmp_path, data=small_disk) as recorder, connected(recorder.socket) as client:
        client.hello(0)
        client.hit()
        told = await client.edges(2)
    fill(small_disk)
    async with recorder, connected(recorder.socket) as client:
        client.hello(0)
        told += await hit_until(client, "disk_full")
        assert (await history(recorder.socket))[:2] == told[:2]
        client.hit(27, hold_ms=1)
        assert await client.edges(2)


async def test_blind_spot_and_readings_of_the_clocks_are_written_on_a_full_disk(small_disk, tmp_path):
    recorder = RecorderProcess(tmp_path, data=small_disk)
    async with recorder, connected(recorder.socket) as client:
        client.hello(0)
        client.hit()
        told = await client.edges(2)
    fill(small_disk)
    await recorder.start()
    async with connected(recorder.socket) as client:
        client.hello(0)
        told += (await client.edges(3))[2:]
        assert (await client.until("clock"))["problem"] == "disk_full"
    assert told[2]["blind"]["reason"] == "killed"
    assert await recorder.end(signal.SIGTERM) == 0
    assert stored(small_disk, "SELECT reason FROM anchor ORDER BY anchor_id") == [("start",), ("start",), ("stop",)]
    assert not (small_disk / "edges.reserve").exists()


async def test_sign_of_life_goes_on_when_its_own_disk_is_full(small_disk):
    recorder = RecorderProcess(small_disk)
    async with recorder, connected(recorder.socket) as client:
        client.hello(0)
        await client.until("clock")
        await client.until("clock")
        fill(small_disk)
        sign = recorder.socket.with_name("timing.sock.life")
        before = sign.read_bytes()
        while sign.read_bytes() == before:
            await client.until("clock")
        assert sign.stat().st_size == 512
