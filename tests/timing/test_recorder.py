"""The recorder as a process: what it says, to whom, and what it keeps when it is killed or its disk is full."""

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from recorder_process import RecorderProcess, connected, history, numbers

from appliance.clock import boot_id
from timing.recorder import Recorder
from timing.stream import Line, StripsKind
from timing.strips import RawEdge, RawGap
from timing.strips.simulated import BOUNCE_NS

MS = 1_000_000


def stored(data: Path, sql: str):
    connection = sqlite3.connect(f"file:{data}/edges.db?mode=ro", uri=True)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@pytest.fixture
async def recorder(tmp_path):
    async with RecorderProcess(tmp_path) as process:
        yield process


async def test_hello_names_the_recorder_its_clocks_and_its_lines(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        hello = await client.next()
        assert set(hello) == {
            "type", "protocol", "recorder_id", "boot_id", "mono_ns", "wall_ns", "last_seq", "lines", "strips",
        }  # fmt: skip
        assert (hello["type"], hello["protocol"], hello["last_seq"]) == ("hello", 1, 0)
        assert hello["lines"] == [{"line": 17, "name": "strip 1"}, {"line": 27, "name": "strip 2"}]
        assert hello["boot_id"] == boot_id()
        assert await client.until("caught_up") == {"type": "caught_up", "seq": 0}


async def test_hit_is_a_press_and_a_release(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        client.hit(17, hold_ms=40)
        press, release = await client.edges(2)
        assert set(press) == {"type", "seq", "boot_id", "line", "edge", "at_ns", "wall_ns"}
        assert [(edge["seq"], edge["line"], edge["edge"]) for edge in (press, release)] == [
            (1, 17, "active"),
            (2, 17, "inactive"),
        ]
        assert release["at_ns"] - press["at_ns"] == 40 * MS


async def test_bouncing_hit_alternates_and_ends_released(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        client.hit(27, hold_ms=40, bounces=3)
        edges = await client.edges(8)
    assert [edge["edge"] for edge in edges] == ["active", "inactive"] * 4
    stamps = [edge["at_ns"] for edge in edges]
    assert [later - earlier for earlier, later in pairwise(stamps[:7])] == [BOUNCE_NS] * 6
    assert stamps[-1] - stamps[0] == 40 * MS


async def test_second_hit_on_a_pressed_strip_releases_it_first(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        client.hit(17, hold_ms=10_000)
        client.hit(17, hold_ms=1)
        edges = await client.edges(4)
    assert [edge["edge"] for edge in edges] == ["active", "inactive", "active", "inactive"]


async def test_edge_is_in_the_file_before_a_client_sees_it(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        for _ in range(20):
            client.hit()
            for edge in await client.edges(2):
                assert stored(recorder.data, f"SELECT at_ns FROM edge WHERE seq = {edge['seq']}") == [(edge["at_ns"],)]


@pytest.mark.parametrize(("after", "replayed"), [(0, [1, 2, 3, 4]), (3, [4]), (4, []), (99, []), (None, [])], ids=str)
async def test_replay_begins_after_the_number_asked_for(recorder, after, replayed):
    async with connected(recorder.socket) as client:
        client.hello(0)
        client.hit(17)
        await client.edges(2)
        client.hit(17)
        await client.edges(2)
    async with connected(recorder.socket) as late:
        late.hello(after)
        assert numbers(await late.replay()) == replayed
        late.hit(27)
        assert numbers(await late.edges(2)) == [5, 6]


async def test_caught_up_says_where_live_begins(recorder):
    async with connected(recorder.socket) as client:
        client.hello(None)
        client.hit()
        await client.edges(2)
    async with connected(recorder.socket) as late:
        late.hello(None)
        assert await late.until("caught_up") == {"type": "caught_up", "seq": 2}


async def test_two_clients_are_told_the_same(recorder):
    async with connected(recorder.socket) as one, connected(recorder.socket) as two:
        one.hello(0)
        two.hello(0)
        await one.until("caught_up")
        await two.until("caught_up")
        one.hit(17, hold_ms=5, bounces=2)
        two.hit(27, hold_ms=5, bounces=2)
        told = [await client.edges(12) for client in (one, two)]
    assert told[0] == told[1]
    assert numbers(told[0]) == list(range(1, 13))


async def test_heartbeat_says_both_clocks(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        first, second = await client.until("clock"), await client.until("clock")
    assert set(first) == {"type", "mono_ns", "wall_ns", "boot_id"}
    assert second["mono_ns"] - first["mono_ns"] >= 900 * MS


async def test_ping_is_answered_with_its_id(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        client.send({"type": "ping", "id": 42})
        pong = await client.until("pong")
    assert (pong["id"], set(pong)) == (42, {"type", "id", "mono_ns"})


async def test_unknown_fields_are_ignored(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0, colour="red", deep={"a": [1]})
        client.send({"type": "hit", "line": 17, "hold_ms": 1, "force": 9})
        assert numbers(await client.edges(2)) == [1, 2]


BAD_FIRST_LINES = {
    "not JSON": b"GET / HTTP/1.1\n",
    "empty": b"\n",
    "no hello": b'{"type":"ping","id":1}\n',
    "no after": b'{"type":"hello","protocol":1}\n',
    "other protocol": b'{"type":"hello","protocol":2,"after":0}\n',
    "unknown type": b'{"type":"sing"}\n',
    "too long": b'{"type":"hello","protocol":1,"after":0,"x":"' + b"x" * 100_000 + b'"}\n',
    "endless": b"x" * 1_000_000,
    "deep": b'{"type":"hello","x":' + b"[" * 3_000 + b"\n",
    "not UTF-8": b'{"type":"\xff\xfe"}\n',
}


@pytest.mark.parametrize("line", BAD_FIRST_LINES.values(), ids=BAD_FIRST_LINES)
async def test_line_not_understood_ends_that_connection_with_the_reason(recorder, line):
    async with connected(recorder.socket) as other:
        other.hello(0)
        await other.until("caught_up")
        async with connected(recorder.socket) as client:
            client.send(line)
            answer = await client.next()
            assert (answer["type"], set(answer)) == ("error", {"type", "message"})
            assert answer["message"]
            assert await client.next() is None
        other.hit()
        assert len(await other.edges(2)) == 2


async def test_other_protocol_is_told_which_one_is_spoken(recorder):
    async with connected(recorder.socket) as client:
        client.send(BAD_FIRST_LINES["other protocol"])
        assert await client.next() == {"type": "error", "message": "This recorder speaks protocol 1, not 2."}


@pytest.mark.parametrize(
    "line",
    [b"nonsense\n", b'{"type":"hello","protocol":1,"after":0}\n', b'{"type":"hit","line":5}\n', b"y" * 10_000],
    ids=["not JSON", "second hello", "no such line", "too long"],
)
async def test_later_line_not_understood_ends_the_connection_too(recorder, line):
    async with connected(recorder.socket) as client:
        client.hello(0)
        await client.until("caught_up")
        client.send(line)
        assert (await client.until("error"))["message"]
        assert await client.next() is None


async def test_client_that_leaves_in_the_middle_of_a_line_harms_nobody(recorder):
    async with connected(recorder.socket) as client:
        client.send(b'{"type":"hello","proto')
    assert await history(recorder.socket) == []


async def test_one_client_too_many_is_refused_and_harms_nobody(recorder):
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(recorder.socket)) for _ in range(64)]
        for client in clients:
            client.hello(0)
            await client.until("caught_up")
        async with connected(recorder.socket) as late:
            late.hello(0)
            assert await late.next() == {"type": "error", "message": "There are 64 clients already."}
        clients[0].hit()
        for client in clients:
            assert numbers(await client.edges(2)) == [1, 2]


async def test_disabled_strips_have_no_lines_and_refuse_hits(tmp_path):
    async with (
        RecorderProcess(tmp_path, "--strips", "disabled") as recorder,
        connected(recorder.socket) as client,
    ):
        client.hello(0)
        hello = await client.next()
        assert (hello["lines"], hello["strips"]) == ([], "disabled")
        client.hit()
        assert "not simulated" in (await client.until("error"))["message"]


async def test_stopped_client_delays_nobody_and_gets_everything_later(recorder):
    presses = 60
    async with connected(recorder.socket) as stopped, connected(recorder.socket) as client:
        stopped.hello(0)
        client.hello(0)
        before = resident_kb(recorder.pid)
        for _ in range(presses):
            client.hit(17, hold_ms=61, bounces=100)
            client.hit(27, hold_ms=1)
            await client.edges(204)
            client.hit(17)
            await client.edges(2)
        # Far more than both socket buffers hold, so the recorder has had to stop writing to the one that stopped.
        assert resident_kb(recorder.pid) - before < 4_000
        told = await stopped.edges(presses * 206)
    assert numbers(told) == list(range(1, presses * 206 + 1))


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.parametrize("seed", range(8))
async def test_killed_recorder_comes_back_with_everything_it_had_told(tmp_path, seed):
    chance = random.Random(seed)
    told = []
    recorder = RecorderProcess(tmp_path)
    for _ in range(4):
        assert await recorder.start(), recorder.stderr
        assert (await history(recorder.socket))[: len(told)] == told
        told = await history(recorder.socket)
        async with connected(recorder.socket) as client:
            client.hello(len(told))
            hits = chance.randrange(1, 40)
            for _ in range(hits):
                client.hit(chance.choice((17, 27)), hold_ms=5, bounces=chance.randrange(10))
            told += await client.edges(chance.randrange(1, 2 * hits + 1))
            await recorder.end(signal.SIGKILL)
            told += await client.edges_to_the_end()
        assert numbers(told) == list(range(1, len(told) + 1))
    await recorder.start()
    everything = await history(recorder.socket)
    assert everything[: len(told)] == told
    assert numbers(everything) == list(range(1, len(everything) + 1))
    await recorder.end()


async def test_terminated_recorder_ends_cleanly_and_keeps_what_it_was_given(tmp_path):
    recorder = RecorderProcess(tmp_path)
    await recorder.start()
    async with connected(recorder.socket) as client:
        client.hello(0)
        client.hit(17, hold_ms=10_000)
        await client.edges(1)
        assert await recorder.end(signal.SIGTERM) == 0
        assert await client.edges_to_the_end() == []
    assert not recorder.socket.exists()
    assert "Traceback" not in recorder.stderr
    assert stored(recorder.data, "SELECT count(*) FROM edge") == [(1,)]


async def test_second_recorder_on_the_same_data_is_refused(recorder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    second = RecorderProcess(elsewhere, data=recorder.data)
    assert await second.start() == ""
    assert await second.ended() == 1
    assert f"in use by process {recorder.pid}" in second.stderr
    assert await history(recorder.socket) == []


async def test_second_recorder_on_the_same_socket_is_refused(recorder, tmp_path):
    second = RecorderProcess(tmp_path, data=tmp_path / "other-data")
    assert await second.start() == ""
    assert await second.ended() == 1
    assert "already listens" in second.stderr
    assert await history(recorder.socket) == []


async def test_socket_of_a_dead_recorder_is_taken_over(tmp_path):
    recorder = RecorderProcess(tmp_path)
    await recorder.start()
    await recorder.end(signal.SIGKILL)
    assert recorder.socket.exists()
    async with recorder:
        assert await history(recorder.socket) == []


async def test_file_in_the_place_of_the_socket_is_left_alone(tmp_path):
    recorder = RecorderProcess(tmp_path)
    recorder.socket.write_text("precious")
    assert await recorder.start() == ""
    assert await recorder.ended() == 1
    assert "is not a socket" in recorder.stderr
    assert recorder.socket.read_text() == "precious"


async def test_path_too_long_for_a_socket_is_refused_with_a_remedy(tmp_path):
    recorder = RecorderProcess(tmp_path)
    recorder.socket = tmp_path / ("x" * 120)
    assert await recorder.start() == ""
    assert "too long for a socket" in recorder.stderr


async def test_socket_is_closed_to_strangers(recorder):
    assert recorder.socket.stat().st_mode & 0o777 == 0o660


async def test_ready_line_names_the_recorder(tmp_path):
    recorder = RecorderProcess(tmp_path)
    line = await recorder.start()
    ((recorder_id,),) = stored(recorder.data, "SELECT recorder_id FROM meta")
    assert line == f"recorder ready recorder_id={recorder_id} last_seq=0 strips=simulated socket={recorder.socket}\n"
    await recorder.end()


async def test_clocks_are_kept_at_the_start(recorder):
    async with connected(recorder.socket) as client:
        client.hello(0)
        await client.until("clock")
        client.hit()
        edge, _ = await client.edges(2)
    ((boot, mono_ns, wall_ns, reason),) = stored(recorder.data, "SELECT boot_id, mono_ns, wall_ns, reason FROM anchor")
    assert (boot, reason) == (edge["boot_id"], "start")
    assert edge["wall_ns"] - edge["at_ns"] == pytest.approx(wall_ns - mono_ns, abs=1_000 * MS)


async def test_script_is_played(tmp_path):
    script = tmp_path / "script.txt"
    script.write_text("# a lap\n\n0 17 5 1\n120 27   # the second strip\n60 17 5\n")
    async with (
        RecorderProcess(tmp_path, "--lines", "17,27", "--script", str(script)) as recorder,
        connected(recorder.socket) as client,
    ):
        client.hello(0)
        edges = await client.edges(8)
    presses = [edge for edge in edges if edge["edge"] == "active"]
    assert [edge["line"] for edge in presses] == [17, 17, 17, 27]
    assert presses[3]["at_ns"] - presses[2]["at_ns"] == pytest.approx(60 * MS, abs=55 * MS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0 17\nsoon 17\n", "Line 2 of the script"),
        ("0 5\n", "line 5 does not exist; there are 17, 27"),
        ("0 17 0\n", "Line 1 of the script"),
        ("0\n", "Line 1 of the script"),
        ("0 17 5 5 5\n", "Line 1 of the script"),
        ("999999999999 17\n", "more than a week"),
    ],
)
async def test_wrong_script_is_refused_by_its_line(tmp_path, text, complaint):
    script = tmp_path / "script.txt"
    script.write_text(text)
    recorder = RecorderProcess(tmp_path, "--lines", "17,27", "--script", str(script))
    assert await recorder.start() == ""
    assert await recorder.ended() == 1
    assert complaint in recorder.stderr
    assert "Traceback" not in recorder.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--lines", "17,17"), "names a line twice"),
        (("--lines", "17,x"), "not a list of numbers"),
        (("--lines", "17,27", "--names", "left"), "2 lines and 1 names"),
        (("--script", "/nowhere"), "cannot be read"),
    ],
)
async def test_wrong_arguments_are_refused_with_a_remedy(tmp_path, arguments, complaint):
    recorder = RecorderProcess(tmp_path, *arguments)
    assert await recorder.start() == ""
    assert await recorder.ended() == 1
    assert complaint in recorder.stderr
    assert "Traceback" not in recorder.stderr


async def test_lines_have_the_names_they_were_given(tmp_path):
    arguments = ("--lines", "5,6", "--names", "left, right")
    async with RecorderProcess(tmp_path, *arguments) as recorder, connected(recorder.socket) as client:
        client.hello(0)
        assert (await client.next())["lines"] == [{"line": 5, "name": "left"}, {"line": 6, "name": "right"}]


async def test_recorder_stays_small(tmp_path):
    async with RecorderProcess(tmp_path):
        pass
    async with RecorderProcess(tmp_path) as recorder, connected(recorder.socket) as client:
        client.hello(0)
        client.hit()
        await client.edges(2)
        assert resident_kb(recorder.pid) < 40_000


def test_recorder_imports_no_web_server():
    code = "import sys, json, timing.recorder; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    modules = {name.partition(".")[0] for name in json.loads(output)}
    assert "timing" in modules
    assert not modules & {"litestar", "jinja2", "sqlite_utils", "click", "httpx", "uvicorn", "aiosqlite", "web"}


# Inside the process, with strips of our own


class HandStrips:
    """Strips whose edges are made by the test."""

    kind = StripsKind.GPIO
    lines = (Line(line=4, name="hand"),)

    async def start(self, sink):
        self.sink = sink

    async def stop(self):
        self.sink = None


class Running:
    """A recorder in this process."""

    def __init__(self, directory, boot="boot-a"):
        self.strips = HandStrips()
        self.socket = directory / "timing.sock"
        self._recorder = Recorder(directory, self.strips, boot)
        self._stop = asyncio.Event()

    async def __aenter__(self):
        ready = asyncio.Event()
        self.task = asyncio.create_task(self._recorder.run(self.socket, self._stop, ready))
        async with asyncio.timeout(20):
            await ready.wait()
        return self

    async def __aexit__(self, *_):
        self._stop.set()
        await self.task


async def test_bad_edge_does_not_stop_the_next(tmp_path):
    async with Running(tmp_path) as running, connected(running.socket) as client:
        client.hello(0)
        running.strips.sink(RawEdge(-5, True, 1))
        running.strips.sink(RawEdge("four", None, None))
        running.strips.sink(None)
        running.strips.sink(RawEdge(4, True, 7))
        (edge,) = await client.edges(1)
    assert (edge["seq"], edge["line"], edge["at_ns"]) == (1, 4, 7)


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


async def test_new_boot_goes_on_with_the_numbers(tmp_path):
    for boot in ("boot-a", "boot-b"):
        async with Running(tmp_path, boot) as running, connected(running.socket) as client:
            client.hello(None)
            running.strips.sink(RawEdge(4, True, 50))
            await client.edges(1)
    async with Running(tmp_path, "boot-c") as running:
        edges = await history(running.socket)
    assert [(edge["seq"], edge["boot_id"]) for edge in edges] == [(1, "boot-a"), (2, "boot-b")]


async def test_writer_that_dies_takes_the_recorder_with_it(tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    async with Running(tmp_path) as running:
        monkeypatch.setattr("timing.edges_db.EdgesDb.commit", broken)
        running.strips.sink(RawEdge(4, True, 1))
        with pytest.raises(RuntimeError, match="a vital part") as failure:
            async with asyncio.timeout(20):
                await asyncio.shield(running.task)
        assert str(failure.value.__cause__) == "a bug"
        running.task = asyncio.create_task(asyncio.sleep(0))
    assert not running.socket.exists()


# A full disk


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
