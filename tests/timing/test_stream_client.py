"""The stream client: every edge once and in order, through restarts of a real recorder."""

import signal
import sqlite3

import pytest
from recorder_process import RecorderProcess, connected
from stream_owner import Owner

from appliance.clock import mono_ns
from appliance.errors import Conflict, InvalidInput, NotReady
from timing.clock_offset import Offset
from timing.stream import CaughtUp, Clock, Edge, Line
from timing.stream_client import StreamClient


@pytest.fixture
def owner():
    return Owner()


async def test_edges_are_handed_on_in_order(tmp_path, owner):
    async with RecorderProcess(tmp_path) as recorder, owner.client(recorder.socket) as client:
        await owner.linked()
        await client.hit(17, hold_ms=5, bounces=2)
        assert await owner.edges(6) == [1, 2, 3, 4, 5, 6]
        assert client.connected
        assert client.last_seq == 6
        assert client.recorder.lines[0] == Line(line=17, name="strip 1")
        assert client.clock_offset == Offset(0, 0)


async def test_heartbeats_are_noted(tmp_path, owner):
    async with RecorderProcess(tmp_path) as recorder:
        before_ns = mono_ns()
        async with owner.client(recorder.socket) as client:
            await owner.until(lambda: any(isinstance(message, Clock) for message in owner.messages))
            assert before_ns < client.last_heartbeat_mono_ns <= mono_ns()
            assert client.problem is None


async def test_client_waits_for_a_recorder_that_starts_later(tmp_path, owner):
    recorder = RecorderProcess(tmp_path)
    async with owner.client(recorder.socket) as client:
        assert not client.connected
        with pytest.raises(NotReady, match="not connected"):
            await client.hit(17)
        async with recorder:
            await owner.linked()
            assert client.connected


async def test_recorder_killed_and_restarted_loses_and_repeats_nothing(tmp_path, owner):
    recorder = RecorderProcess(tmp_path)
    async with owner.client(recorder.socket) as client:
        for times in range(1, 6):
            await recorder.start()
            await owner.linked(times)
            for _ in range(5):
                await client.hit(17, hold_ms=1)
            await owner.edges(len(owner.numbers) + 4)
            await recorder.end(signal.SIGKILL)
            await owner.until(lambda times=times: owner.links.count(False) == times)
        async with recorder, connected(recorder.socket) as other:
            other.hello(0)
            everything = [edge["seq"] for edge in await other.replay()]
            await owner.edges(len(everything))
    assert owner.numbers == everything == list(range(1, len(everything) + 1))
    assert len(owner.hellos) == 1


async def test_new_client_goes_on_where_its_owner_says(tmp_path, owner):
    async with RecorderProcess(tmp_path) as recorder:
        async with owner.client(recorder.socket) as client:
            await owner.linked()
            await client.hit(17, hold_ms=5, bounces=2)
            await owner.edges(6)
        late = Owner(held=4)
        async with late.client(recorder.socket) as client:
            assert not client.caught_up
            await late.until(lambda: CaughtUp(seq=6) in late.messages)
            assert late.numbers == [5, 6]
            assert client.caught_up
        assert late.hellos[0].last_seq == 6


async def test_owner_that_wants_live_edges_only_is_told_no_old_ones(tmp_path, owner):
    async with RecorderProcess(tmp_path) as recorder:
        async with owner.client(recorder.socket) as client:
            await owner.linked()
            await client.hit(17, hold_ms=1)
            await owner.edges(2)
        live = Owner(held=None)
        async with live.client(recorder.socket) as client:
            await live.linked()
            await client.hit(27, hold_ms=1)
            assert await live.edges(2) == [3, 4]


async def test_new_edges_db_asks_the_owner_where_to_begin(tmp_path, owner):
    recorder = RecorderProcess(tmp_path)
    async with owner.client(recorder.socket) as client:
        async with recorder:
            await owner.linked()
            await client.hit(17, hold_ms=1)
            await owner.edges(2)
        for file in recorder.data.glob("edges.db*"):
            file.unlink()
        async with recorder:
            await owner.linked(2)
            await client.hit(17, hold_ms=1)
            assert await owner.edges(4) == [1, 2, 1, 2]
    assert len({hello.recorder_id for hello in owner.hellos}) == len(owner.hellos) == 2


async def test_edges_db_put_back_from_a_backup_asks_the_owner_too(tmp_path, owner):
    recorder = RecorderProcess(tmp_path)
    async with owner.client(recorder.socket) as client:
        async with recorder:
            await owner.linked()
            await client.hit(17, hold_ms=1)
            await owner.edges(2)
            with sqlite3.connect(recorder.data / "edges.db") as source, sqlite3.connect(tmp_path / "backup") as target:
                source.backup(target)
            await client.hit(17, hold_ms=1)
            await owner.edges(4)
        for file in recorder.data.glob("edges.db-*"):
            file.unlink()
        (tmp_path / "backup").rename(recorder.data / "edges.db")
        owner.held = 4
        async with recorder:
            await owner.linked(2)
            await client.hit(17, hold_ms=1)
            # Number 3 of this memory is the time without a recorder.
            assert await owner.edges(6) == [1, 2, 3, 4, 4, 5]
    assert [hello.last_seq for hello in owner.hellos] == [0, 3]


async def test_hit_on_a_line_that_does_not_exist_is_refused_and_the_link_stays(tmp_path, owner):
    async with RecorderProcess(tmp_path) as recorder, owner.client(recorder.socket) as client:
        await owner.linked()
        with pytest.raises(InvalidInput, match="no line 5"):
            await client.hit(5)
        await client.hit(17, hold_ms=1)
        assert await owner.edges(2) == [1, 2]
        assert owner.links == [True]


async def test_hit_on_strips_that_are_not_simulated_is_refused(tmp_path, owner):
    async with (
        RecorderProcess(tmp_path, "--strips", "disabled") as recorder,
        owner.client(recorder.socket) as client,
    ):
        await owner.linked()
        with pytest.raises(Conflict, match="not simulated"):
            await client.hit(17)


async def test_close_ends_the_link_and_tells_so(tmp_path, owner):
    async with RecorderProcess(tmp_path) as recorder:
        client = owner.client(recorder.socket)
        client.start()
        await owner.linked()
        await client.close()
        await client.close()
        assert owner.links == [True, False]
        assert not client.connected


async def test_handler_that_fails_does_not_stop_the_next_edge(tmp_path):
    owner = Owner()

    def picky(message):
        owner.on_message(message)
        if isinstance(message, Edge) and message.seq == 1:
            raise RuntimeError("a bug in the handler")

    async with (
        RecorderProcess(tmp_path) as recorder,
        StreamClient(recorder.socket, picky, owner.cursor, owner.on_link) as client,
    ):
        await owner.linked()
        await client.hit(17, hold_ms=1)
        assert await owner.edges(2) == [1, 2]
        assert owner.links == [True]
