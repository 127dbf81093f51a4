"""Strips of a DREM timer kit, against a real WebSocket server that says what the kit says."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.clock import mono_ns
from appliance.errors import InvalidInput
from tests.timing.timer_kit import TimerKit
from timing.stream import Line, Stamp, StripsKind
from timing.strips import RawEdge, RawGap
from timing.strips.drem_kit import MAX_MESSAGES_PER_S, DremKitStrips

MS = 1_000_000
RECONNECT_S = 5.0
"""What the issue asks for."""


class Heard:
    """A sink that can be waited at."""

    def __init__(self) -> None:
        self.all: list[RawEdge | RawGap] = []
        self._news = asyncio.Event()

    def __call__(self, raw: RawEdge | RawGap) -> None:
        self.all.append(raw)
        self._news.set()

    async def first(self, count: int) -> list[RawEdge | RawGap]:
        async with asyncio.timeout(20):
            while len(self.all) < count:
                self._news.clear()
                await self._news.wait()
        return self.all[:count]

    @property
    def edges(self) -> list[RawEdge]:
        return [raw for raw in self.all if isinstance(raw, RawEdge)]


@asynccontextmanager
async def listening(kit: TimerKit) -> AsyncIterator[tuple[DremKitStrips, Heard]]:
    strips, heard = DremKitStrips(kit.url), Heard()
    await strips.start(heard)
    try:
        await kit.connected()
        yield strips, heard
    finally:
        await strips.stop()


async def until(true: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_laps_are_the_kits_own_milliseconds_exactly() -> None:
    async with TimerKit() as kit, listening(kit) as (strips, heard):
        before_ns = mono_ns()
        said = [await kit.cross(gpio) for gpio in (17, 27, 17)]
        said.append(await kit.cross(17, at_ms=said[-1] + 123))
        edges = await heard.first(4)
    assert strips.kind is StripsKind.DREM_KIT
    assert [edge.line for edge in edges] == [17, 27, 17, 17]
    assert {(edge.active, edge.stamp) for edge in heard.edges} == {(True, Stamp.WALL_MS)}
    assert [b.at_ns - a.at_ns for a, b in pairwise(edges)] == [(b - a) * MS for a, b in pairwise(said)]
    assert edges[0].at_ns == pytest.approx(before_ns, abs=500 * MS)


async def test_an_old_kit_that_sends_a_bare_word_is_timed_by_arrival() -> None:
    async with TimerKit(greets=False) as kit, listening(kit) as (strips, heard):
        before_ns = mono_ns()
        await kit.say("passed")
        (edge,) = await heard.first(1)
        assert strips.note is not None
        assert "sends no times" in strips.note
        await kit.cross()
        await heard.first(2)
        assert "sends no times" not in strips.note
    assert isinstance(edge, RawEdge)
    assert (edge.line, edge.active, edge.stamp) == (17, True, Stamp.ARRIVAL)
    assert before_ns <= edge.at_ns <= mono_ns()


async def test_another_sensor_is_named_when_it_is_first_heard() -> None:
    async with TimerKit() as kit, listening(kit) as (strips, heard):
        assert [(line.line, line.name) for line in strips.lines] == [(17, "kit sensor 1"), (27, "kit sensor 2")]
        await kit.cross(5)
        assert [raw.line for raw in await heard.first(1)] == [5]
        assert strips.lines[2] == Line(line=5, name="kit sensor 3")


async def test_a_kit_that_names_ever_new_sensors_does_not_fill_the_memory() -> None:
    async with TimerKit() as kit, listening(kit) as (strips, heard):
        for gpio in range(100, 160):
            await kit.cross(gpio)
        edges = await heard.first(60)
    assert len(strips.lines) == 16
    assert edges[-1].line == 17


async def test_a_kit_that_was_off_is_met_again_within_five_seconds_and_its_losses_are_counted() -> None:
    async with TimerKit() as kit, listening(kit) as (strips, heard):
        await kit.cross()
        await kit.cross()
        first = (await heard.first(2))[-1]
        await kit.stop()
        await until(lambda: "is not connected" in (strips.note or ""))
        assert kit.url in (strips.note or "")
        laps = kit.laps
        await kit.start()
        back_s = time.monotonic()
        await kit.connected(2)
        assert time.monotonic() - back_s < RECONNECT_S
        kit.laps = laps + 3  # crossings that nobody heard
        last_ms = await kit.cross()
        gap, edge = (await heard.first(4))[2:]
        assert "is not connected" not in (strips.note or "")
    assert gap == RawGap(17, 3, edge.at_ns)
    assert isinstance(edge, RawEdge)
    assert (edge.at_ns - first.at_ns) % MS == 0, "the base must outlive the connection"
    assert last_ms


async def test_a_kit_that_is_started_again_counts_from_one_and_loses_nothing() -> None:
    async with TimerKit() as kit, listening(kit) as (_, heard):
        for _ in range(3):
            await kit.cross()
        await heard.first(3)
        kit.laps = 0
        await kit.cross()
        await kit.cross()
        assert all(isinstance(raw, RawEdge) for raw in await heard.first(5))


async def test_a_kit_that_falls_silent_is_noticed_and_called_again() -> None:
    """The network is cut without a word: the connection stays open, nothing comes any more."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        try:
            upstream, to_kit = await asyncio.open_connection("127.0.0.1", kit.port)
            request = await reader.readuntil(b"\r\n\r\n")
            to_kit.write(request)
            writer.write(await upstream.readuntil(b"\r\n\r\n"))
            await reader.read()  # and swallow everything from now on
            to_kit.close()
        finally:
            writer.close()

    calls = 0
    async with TimerKit(greets=False) as kit, await asyncio.start_server(swallow, "127.0.0.1", 0) as cut:
        strips = DremKitStrips(f"ws://127.0.0.1:{cut.sockets[0].getsockname()[1]}")
        await strips.start(Heard())
        try:
            await until(lambda: calls == 1 and "is not connected" not in (strips.note or ""))
            await until(lambda: "silent for 3 s" in (strips.note or ""), within_s=10)
            await until(lambda: calls == 2, within_s=10)
        finally:
            await strips.stop()


async def test_a_clock_set_in_the_kit_does_not_make_a_lap_of_hours() -> None:
    async with TimerKit() as kit, listening(kit) as (_, heard):
        await kit.cross()
        kit.ahead_ms = 3 * 3_600_000
        await kit.cross()
        first, second = await heard.first(2)
    assert 0 <= second.at_ns - first.at_ns < 5_000 * MS


@pytest.mark.parametrize("url", ["", "192.168.1.20:8080", "http://192.168.1.20:8080", "ws://", "ws://[", "ws://a:b"])
def test_an_address_that_is_no_websocket_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="is not the address of a timer kit"):
        DremKitStrips(url)


words = st.text(max_size=200) | st.binary(max_size=200) | st.sampled_from(["{", '{"event":"lap","timestamp":1}', "lap"])


@settings(max_examples=30, deadline=None)
@given(st.lists(words, max_size=20))
def test_rubbish_never_stops_the_next_crossing(rubbish: list[str | bytes]) -> None:
    async def talk() -> None:
        async with TimerKit() as kit, listening(kit) as (_, heard):
            await kit.say(
                *[word.encode("utf-8", "replace").decode() if isinstance(word, str) else word for word in rubbish]
            )
            await kit.cross(27)
            await until(lambda: any(edge.line == 27 for edge in heard.edges))

    asyncio.run(talk())


@pytest.mark.parametrize("nonsense", ["x" * 100_000, "flood", b"\xff\xfe not websocket at all \x00"])
async def test_what_talks_nonsense_is_hung_up_on_and_called_again(nonsense: str | bytes) -> None:
    async with TimerKit() as kit, listening(kit) as (_, heard):
        if nonsense == "flood":
            await kit.say(*["passed"] * (3 * MAX_MESSAGES_PER_S))
        elif isinstance(nonsense, bytes):
            for client in kit._clients:
                client.transport.write(nonsense)
        else:
            await kit.say(nonsense)
        await kit.connected(2)
        assert len(heard.edges) <= MAX_MESSAGES_PER_S
        await kit.cross(27)
        await until(lambda: any(edge.line == 27 for edge in heard.edges))


async def test_what_answers_no_websocket_is_called_for_ever() -> None:
    calls = asyncio.Queue[None]()

    async def page(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.put_nowait(None)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()

    async with await asyncio.start_server(page, "127.0.0.1", 0) as server:
        strips = DremKitStrips(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await strips.start(Heard())
        try:
            async with asyncio.timeout(10):
                await calls.get()
                await calls.get()
        finally:
            await strips.stop()
        assert "is not connected" in (strips.note or "")


async def test_after_stop_nothing_comes_and_the_kit_is_free() -> None:
    async with TimerKit() as kit, listening(kit) as (strips, heard):
        await strips.stop()
        await until(lambda: not kit._clients)
        assert heard.all == []
