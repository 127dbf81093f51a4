"""What a recorder says to its clients, and what it makes of theirs."""

from contextlib import AsyncExitStack
from itertools import pairwise

import pytest
from recorder_process import MS, RecorderProcess, connected, history, numbers, resident_kb, stored

from appliance.clock import boot_id
from timing.strips.simulated import BOUNCE_NS


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
