"""The time in which nobody watched the strips is a record: from the last sign of life to the lines watched again."""

import signal
import sqlite3

import pytest
from recorder_inside import HandStrips, Running
from recorder_process import MS, RecorderProcess, connected, history, numbers, stored

from appliance.clock import boot_id, mono_ns, wall_ns
from timing import clock_reading
from timing.anchors import Anchor
from timing.blindness import Sign
from timing.edges_db import EdgesDb, EdgesReader
from timing.stream import BlindReason
from timing.strips import RawEdge

S = 1_000 * MS
JUNK = {
    "empty": b"",
    "cut short": b'{"recorder_id":"r","si',
    "not UTF-8": b"\xff" * 512,
    "of another recorder": b'{"recorder_id":"r","sign":{"boot_id":"b","mono_ns":1,"wall_ns":2}}',
}


async def first_gap(socket):
    async with connected(socket) as client:
        client.hello(0)
        while (message := (await client.edges(1))[0])["type"] != "gap":
            pass
    return message


async def beats(socket, count):
    """Wait for as many heartbeats; answers the last."""
    async with connected(socket) as client:
        client.hello(None)
        for _ in range(count):
            beat = await client.until("clock")
    return beat


async def test_very_first_start_is_no_blind_spot(tmp_path):
    async with RecorderProcess(tmp_path) as recorder:
        await beats(recorder.socket, 2)
        assert await history(recorder.socket) == []


async def test_stop_in_order_is_a_blind_spot_from_its_exact_moment(tmp_path):
    recorder = RecorderProcess(tmp_path)
    await recorder.start()
    before_ns = mono_ns()
    assert await recorder.end(signal.SIGTERM) == 0
    after_ns, after_wall_ns = mono_ns(), wall_ns()
    ((stop_ns,),) = stored(recorder.data, "SELECT mono_ns FROM anchor WHERE reason = 'stop'")
    assert not recorder.socket.with_name("timing.sock.life").exists()
    async with recorder:
        gap = await first_gap(recorder.socket)
        ready_ns, ready_wall_ns = mono_ns(), wall_ns()
    blind = gap.pop("blind")
    assert gap | {"at_ns": 0} == {"type": "gap", "seq": 1, "line": 17, "lost": 0, "at_ns": 0, "boot_id": boot_id()}
    assert (blind["reason"], blind["boot_id"], blind["from_ns"]) == ("stopped", boot_id(), stop_ns)
    assert before_ns <= blind["from_ns"] <= after_ns < gap["at_ns"] < ready_ns
    assert blind["from_wall_ns"] <= after_wall_ns < blind["to_wall_ns"] < ready_wall_ns
    assert blind["to_wall_ns"] - blind["from_wall_ns"] == gap["at_ns"] - blind["from_ns"]


async def test_kill_is_a_blind_spot_known_to_about_a_second(tmp_path):
    recorder = RecorderProcess(tmp_path)
    await recorder.start()
    await beats(recorder.socket, 4)
    await recorder.end(signal.SIGKILL)
    killed_ns = mono_ns()
    ((newest_ns,),) = stored(recorder.data, "SELECT max(mono_ns) FROM anchor")
    assert killed_ns - newest_ns > 2.5 * S
    async with recorder:
        blind = (await first_gap(recorder.socket))["blind"]
    assert blind["reason"] == "killed"
    assert 0 < killed_ns - blind["from_ns"] < 2.5 * S


async def test_kill_without_the_file_beside_the_socket_falls_back_to_the_newest_edge(tmp_path):
    recorder = RecorderProcess(tmp_path)
    await recorder.start()
    async with connected(recorder.socket) as client:
        client.hello(0)
        client.hit(17, hold_ms=300)
        _, release = await client.edges(2)
    await beats(recorder.socket, 2)
    await recorder.end(signal.SIGKILL)
    recorder.socket.with_name("timing.sock.life").unlink()
    async with recorder:
        gap = await first_gap(recorder.socket)
    assert gap["seq"] == 3
    assert gap["blind"]["reason"] == "killed"
    assert gap["blind"]["from_ns"] == release["at_ns"]


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
async def test_file_of_junk_beside_the_socket_is_passed_over(tmp_path, junk):
    recorder = RecorderProcess(tmp_path)
    await recorder.start()
    await beats(recorder.socket, 2)
    await recorder.end(signal.SIGKILL)
    recorder.socket.with_name("timing.sock.life").write_bytes(junk)
    ((start_ns,),) = stored(recorder.data, "SELECT mono_ns FROM anchor")
    async with recorder:
        assert (await first_gap(recorder.socket))["blind"]["from_ns"] == start_ns


async def test_blind_record_is_the_same_in_every_replay_and_numbers_have_no_hole(tmp_path):
    recorder = RecorderProcess(tmp_path)
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        await recorder.start()
        async with connected(recorder.socket) as client:
            client.hello(None)
            client.hit()
            await client.edges(2)
        told = await history(recorder.socket)
        await recorder.end(number)
        async with recorder:
            first = await first_gap(recorder.socket)
            assert (await history(recorder.socket))[: len(told)] == told
            assert first in await history(recorder.socket)
    async with recorder:
        everything = await history(recorder.socket, after=0)
    assert numbers(everything) == list(range(1, len(everything) + 1))
    assert [one["blind"]["reason"] for one in everything if "blind" in one][:3] == ["stopped", "killed", "killed"]


async def test_another_boot_without_a_stop_is_a_power_cut(tmp_path):
    async with Running(tmp_path, "boot-a") as running:
        running.strips.sink(RawEdge(4, True, mono_ns()))
        await beats(running.socket, 1)
    forget_the_stop(tmp_path)
    async with Running(tmp_path, "boot-b") as running:
        gap = await first_gap(running.socket)
    assert (gap["seq"], gap["boot_id"], gap["line"]) == (2, "boot-b", 4)
    assert (gap["blind"]["reason"], gap["blind"]["boot_id"]) == ("power", "boot-a")
    ((edge_ns, edge_wall_ns),) = stored(tmp_path, "SELECT at_ns, wall_ns FROM edge WHERE seq = 1")
    assert gap["blind"]["from_ns"] == edge_ns
    assert gap["blind"]["from_wall_ns"] == pytest.approx(edge_wall_ns, abs=50 * MS)


async def test_stop_before_the_power_went_off_stays_a_stop(tmp_path):
    async with Running(tmp_path, "boot-a"):
        pass
    async with Running(tmp_path, "boot-b") as running:
        assert (await first_gap(running.socket))["blind"]["reason"] == "stopped"


async def test_clock_that_went_back_with_the_power_gives_a_blind_spot_of_no_length(tmp_path, monkeypatch):
    async with Running(tmp_path, "boot-a"):
        pass
    forget_the_stop(tmp_path)
    monkeypatch.setattr("timing.clock_reading.wall_ns", lambda: 1_000)
    async with Running(tmp_path, "boot-b") as running:
        blind = (await first_gap(running.socket))["blind"]
    assert blind["to_wall_ns"] == blind["from_wall_ns"] > 1_000


async def test_edge_seen_while_the_lines_are_taken_comes_after_the_blind_spot(tmp_path):
    async with Running(tmp_path):
        pass
    edge = RawEdge(4, True, mono_ns())
    strips = HandStrips(at_start=[RawEdge(4, None, None), edge])
    async with Running(tmp_path, strips=strips) as running, connected(running.socket) as client:
        client.hello(0)
        gap, press = await client.edges(2)
    assert gap["at_ns"] == press["at_ns"] == edge.at_ns
    assert gap["blind"]["from_ns"] < edge.at_ns


async def test_recorder_killed_before_it_watched_leaves_no_sign_of_life(tmp_path):
    class Missing(HandStrips):
        async def start(self, sink):
            raise OSError("no such chip")

    async with Running(tmp_path):
        pass
    ((stop_ns,),) = stored(tmp_path, "SELECT max(mono_ns) FROM anchor")
    failing = Running(tmp_path, strips=Missing())
    with pytest.raises(OSError, match="no such chip"):
        await failing.recorder.run(failing.socket, failing.stop, failing.stop)
    async with Running(tmp_path) as running:
        blind = (await first_gap(running.socket))["blind"]
    assert (blind["reason"], blind["from_ns"]) == ("stopped", stop_ns)


async def test_edges_that_wait_for_the_disk_keep_the_sign_of_life_back(tmp_path):
    """A kill would lose them: blind since before them."""
    async with Running(tmp_path) as running:
        life = running.socket.with_name("timing.sock.life")
        await beats(running.socket, 2)
        commit = running.recorder._db.commit

        def refuse(*_):
            raise sqlite3.OperationalError("disk I/O error")

        running.recorder._db.commit = refuse
        running.strips.sink(RawEdge(4, True, mono_ns()))
        async with connected(running.socket) as client:
            client.hello(0)
            while (await client.until("clock")).get("problem") != "not_recording":
                pass
            sign = life.read_bytes()
            for _ in range(3):
                await client.until("clock")
            assert life.read_bytes() == sign
            running.recorder._db.commit = commit
            await client.edges(1)
            while life.read_bytes() == sign:
                await client.until("clock")


async def test_loop_that_hangs_gives_no_sign_of_life(tmp_path, monkeypatch):
    """The kernel may hold edges that it has not taken."""
    async with Running(tmp_path) as running:
        written = []
        monkeypatch.setattr(running.recorder._life, "write", written.append)
        await beats(running.socket, 2)
        last_ns = running.recorder._beat_ns
        for later_ns in (S, 2 * S):
            running.recorder._nothing_waits(clock_reading.ClockReading(last_ns + later_ns, wall_ns()))
        signs_ns = {sign.mono_ns + 50 * MS for sign in written}
    assert last_ns + S in signs_ns
    assert last_ns + 2 * S not in signs_ns


async def test_sleep_of_the_machine_is_a_blind_spot(tmp_path, monkeypatch):
    slept_ns, boottime_ns = 0, clock_reading._boottime_ns
    monkeypatch.setattr("timing.clock_reading._boottime_ns", lambda: boottime_ns() + slept_ns)
    monkeypatch.setattr("timing.clock_reading.wall_ns", lambda: wall_ns() + slept_ns)
    async with Running(tmp_path) as running, connected(running.socket) as client:
        client.hello(0)
        await client.until("clock")
        slept_ns = 3_600 * S
        (gap,) = await client.edges(1)
    assert (gap["blind"]["reason"], gap["blind"]["boot_id"]) == ("power", "boot-a")
    assert gap["blind"]["to_wall_ns"] - gap["blind"]["from_wall_ns"] == pytest.approx(3_601 * S, abs=S)
    assert [row[0] for row in stored(tmp_path, "SELECT reason FROM anchor")] == ["start", "wake", "stop"]


async def test_disabled_strips_are_never_blind(tmp_path):
    recorder = RecorderProcess(tmp_path, "--strips", "disabled")
    await recorder.start()
    await recorder.end(signal.SIGTERM)
    async with recorder:
        await beats(recorder.socket, 2)
        assert await history(recorder.socket) == []


def test_new_boot_in_the_file_beside_the_socket_counts_more_than_an_old_anchor(tmp_path):
    db = EdgesDb(tmp_path)
    for boot in ("old", "newer"):
        db.commit([], [Anchor(boot, 5 * S, 100 * S, "start")])
    reader = EdgesReader(db.path)
    stored_sign = Sign(boot_id="newer", mono_ns=5 * S, wall_ns=100 * S)
    assert reader.last_sign() == stored_sign
    for sign, is_last in [
        (Sign(boot_id="newer", mono_ns=6 * S, wall_ns=101 * S), True),
        (Sign(boot_id="newer", mono_ns=4 * S, wall_ns=99 * S), False),
        (Sign(boot_id="old", mono_ns=9 * S, wall_ns=999 * S), False),
        (Sign(boot_id="newest", mono_ns=1, wall_ns=2), True),
    ]:
        assert reader.last_sign(sign) == (sign if is_last else stored_sign)
    reader.close()
    db.close()


def test_reasons_of_the_file_are_those_of_the_stream(tmp_path):
    EdgesDb(tmp_path).close()
    ((sql,),) = stored(tmp_path, "SELECT sql FROM sqlite_master WHERE name = 'edge'")
    assert all(f"'{reason}'" in sql for reason in BlindReason)


def forget_the_stop(directory):
    """As a power cut leaves it."""
    connection = sqlite3.connect(directory / "edges.db")
    connection.execute("DROP TRIGGER anchor_no_delete")
    connection.execute("DELETE FROM anchor WHERE reason = 'stop'")
    connection.commit()
    connection.close()
