"""The recorder as a process: its ends and its beginnings, its socket, its size."""

import json
import random
import signal
import subprocess
import sys

import pytest
from recorder_process import MS, RecorderProcess, connected, history, numbers, resident_kb, stored


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
    async with recorder, connected(recorder.socket) as client:
        client.hello(0)
        assert await client.until("caught_up")


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
    assert not modules & {"gpiod", "gpiozero", "lgpio", "websockets", "asyncssh"}
