"""A recorder in trouble: whatever goes wrong with one edge, at whatever stage, the next is recorded and told."""

import asyncio
import os
import socket
import sqlite3
import threading

import pytest
from recorder_inside import Running
from recorder_process import connected, history, numbers, stored

from timing import stream_server
from timing.stream import Edge, Stamp
from timing.strips import RawEdge, RawGap


def broken(*_):
    raise RuntimeError("a bug")


async def test_bad_edge_does_not_stop_the_next(tmp_path):
    async with Running(tmp_path) as running, connected(running.socket) as client:
        client.hello(0)
        running.strips.sink(RawEdge(-5, True, 1))
        running.strips.sink(RawEdge("four", None, None))
        running.strips.sink(None)
        running.strips.sink(RawEdge(4, True, 7))
        (edge,) = await client.edges(1)
    assert (edge["seq"], edge["line"], edge["at_ns"]) == (1, 4, 7)


@pytest.mark.parametrize(
    "poison",
    [RawEdge(4, True, 7, line_seqno=2**70), RawEdge(4, True, 7, line_seqno=[]), RawEdge(4, True, 7, stamp="noon")],
    ids=["number too large", "no number", "no stamp"],
)
async def test_edge_that_cannot_be_stored_becomes_a_gap_between_its_neighbours(tmp_path, poison):
    async with Running(tmp_path) as running, connected(running.socket) as client:
        client.hello(0)
        for raw in (RawEdge(4, True, 1), poison, RawEdge(5, True, 9)):
            running.strips.sink(raw)
        before, gap, after = await client.edges(3)
        assert await history(running.socket) == [before, gap, after]
    assert [(edge["seq"], edge["type"], edge["line"]) for edge in (before, gap, after)] == [
        (1, "edge", 4), (2, "gap", 4), (3, "edge", 5),
    ]  # fmt: skip
    assert gap["lost"] == 1


async def test_stamp_that_is_not_the_kernels_is_told_with_the_edge(tmp_path):
    async with Running(tmp_path) as running, connected(running.socket) as client:
        client.hello(0)
        running.strips.sink(RawEdge(4, True, 1, stamp=Stamp.WALL_MS))
        running.strips.sink(RawEdge(4, False, 2))
        told = await client.edges(2)
        assert [edge.get("stamp") for edge in told] == ["wall_ms", None]
        assert await history(running.socket) == told


async def test_clients_that_cannot_be_told_get_the_edges_from_the_file(tmp_path, monkeypatch):
    async with Running(tmp_path) as running, connected(running.socket) as client:
        client.hello(0)
        await client.until("caught_up")
        with monkeypatch.context() as patched:
            patched.setattr(running.recorder._writer, "_on_durable", broken)
            running.strips.sink(RawEdge(4, True, 1))
            while not stored(tmp_path, "SELECT 1 FROM edge"):
                await client.until("clock")
        running.strips.sink(RawEdge(4, False, 2))
        assert numbers(await client.edges(2)) == [1, 2]


async def test_edge_that_cannot_be_kept_in_memory_comes_from_the_file(tmp_path, monkeypatch):
    encode, faults = stream_server.encode, iter([True])

    def encode_but_once(message):
        return broken() if isinstance(message, Edge) and next(faults, None) else encode(message)

    monkeypatch.setattr(stream_server, "encode", encode_but_once)
    async with Running(tmp_path) as running:
        for step in range(3):
            running.strips.sink(RawEdge(4, step % 2 == 0, step))
        async with connected(running.socket) as client:
            client.hello(0)
            assert numbers(await client.edges(3)) == [1, 2, 3]
    assert next(faults, None) is None


async def test_client_that_cannot_be_written_to_takes_no_heartbeat_from_the_others(tmp_path, monkeypatch):
    async with Running(tmp_path) as running, connected(running.socket) as one, connected(running.socket) as other:
        for client in (one, other):
            client.hello(0)
            await client.until("clock")
        first = next(iter(running.recorder._server._clients))
        monkeypatch.setattr(first, "write", broken)
        await other.until("clock")
        await other.until("clock")


async def test_edge_in_hand_is_recorded_though_the_strips_fail_to_stop(tmp_path):
    async with Running(tmp_path) as running:
        running.strips.stop = broken
        running.strips.sink(RawEdge(4, True, 1))
    assert stored(tmp_path, "SELECT count(*) FROM edge") == [(1,)]
    assert stored(tmp_path, "SELECT count(*) FROM anchor WHERE reason = 'stop'") == [(1,)]


async def test_gap_is_told_in_its_place(tmp_path):
    async with Running(tmp_path) as running:
        running.strips.sink(RawEdge(4, True, 1))
        running.strips.sink(RawGap(4, 3, 2))
        running.strips.sink(RawEdge(4, True, 3))
        async with connected(running.socket) as client:
            client.hello(0)
            _, gap, after = await client.edges(3)
    assert gap == {"type": "gap", "seq": 2, "line": 4, "lost": 3, "at_ns": 2, "boot_id": "boot-a"}
    assert after["seq"] == 3


async def test_note_of_the_strips_is_in_the_hello(tmp_path):
    async with Running(tmp_path) as running, connected(running.socket) as client:
        running.strips.note = "lost edges cannot be noticed"
        client.hello(0)
        assert (await client.next())["note"] == "lost edges cannot be noticed"


async def test_writer_that_dies_takes_the_recorder_with_it(tmp_path, monkeypatch):
    async with Running(tmp_path) as running:
        async with connected(running.socket) as client:
            client.hello(0)
            await client.until("clock")
        monkeypatch.setattr("timing.edges_db.EdgesDb.commit", broken)
        running.strips.sink(RawEdge(4, True, 1))
        with pytest.raises(RuntimeError, match="a vital part") as failure:
            async with asyncio.timeout(20):
                await asyncio.shield(running.task)
        assert str(failure.value.__cause__) == "a bug"
        running.task = asyncio.create_task(asyncio.sleep(0))
    assert not running.socket.exists()
    assert stored(tmp_path, "SELECT reason FROM anchor") == [("start",)]


# The watchdog


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """systemd's ear."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


async def heard(systemd):
    async with asyncio.timeout(20):
        return await asyncio.get_running_loop().sock_recv(systemd, 64)


def silence(systemd):
    """Whether nothing was said since."""
    try:
        systemd.recv(64)
    except BlockingIOError:
        return True
    return False


async def test_systemd_is_told_ready_then_well_then_stopping(tmp_path, systemd):
    async with Running(tmp_path):
        assert "NOTIFY_SOCKET" not in os.environ
        words = [await heard(systemd) for _ in range(3)]
    assert sorted(words) == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    while (word := await heard(systemd)) != b"STOPPING=1":
        assert word == b"WATCHDOG=1"


async def test_watchdog_hears_nothing_while_the_writer_hangs_in_a_commit(tmp_path, systemd, monkeypatch):
    monkeypatch.setattr("timing.edge_writer.STUCK_S", 0.0)
    hanging, let_go = threading.Event(), threading.Event()
    async with Running(tmp_path) as running, connected(running.socket) as client:
        commit = running.recorder._db.commit
        running.recorder._db.commit = lambda *rows: (hanging.set(), let_go.wait(20), commit(*rows))
        client.hello(0)
        running.strips.sink(RawEdge(4, True, 1))
        assert await asyncio.to_thread(hanging.wait, 20)
        while not silence(systemd):
            pass
        for _ in range(3):
            await client.until("clock")
        assert silence(systemd)
        let_go.set()
        await client.edges(1)
        assert await heard(systemd) == b"WATCHDOG=1"


async def test_watchdog_is_fed_while_the_disk_refuses(tmp_path, systemd):
    """A restart would lose what waits in memory."""
    async with Running(tmp_path) as running, connected(running.socket) as client:
        commit, db = running.recorder._db.commit, running.recorder._db

        def refuse(*_):
            raise sqlite3.OperationalError("disk I/O error")

        db.commit = refuse
        client.hello(0)
        running.strips.sink(RawEdge(4, True, 1))
        while (await client.until("clock")).get("problem") != "not_recording":
            pass
        while not silence(systemd):
            pass
        assert await heard(systemd) == b"WATCHDOG=1"
        db.commit = commit
        await client.edges(1)
