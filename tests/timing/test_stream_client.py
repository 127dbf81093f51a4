"""The stream client: every edge once and in order, through restarts and faults of whatever it follows."""

import asyncio
import signal
import sqlite3

import pytest
from recorder_process import DEADLINE_S, RecorderProcess, connected

from appliance.clock import boot_id, mono_ns
from appliance.errors import Conflict, InvalidInput, NotReady
from timing.clock_offset import WINDOW_NS, ClockOffset, Offset
from timing.stream import (
    CaughtUp,
    Clock,
    Edge,
    Gap,
    Level,
    Line,
    Ping,
    Pong,
    RecorderHello,
    Refusal,
    decode_client_line,
    encode,
)
from timing.stream_client import StreamClient

OTHER_BOOT = "00000000-0000-0000-0000-000000000000"


class Owner:
    """What a client hands on, and a way to wait for it."""

    def __init__(self, held=0):
        self.messages = []
        self.links = []
        self.hellos = []
        self.held = held
        self.heard = lambda: None
        self._news = asyncio.Event()

    def on_message(self, message):
        self.messages.append(message)
        self.heard()
        self._news.set()

    def on_link(self, up):
        self.links.append(up)
        self._news.set()

    def cursor(self, hello):
        self.hellos.append(hello)
        return self.held

    def client(self, socket):
        return StreamClient(socket, self.on_message, self.cursor, self.on_link)

    @property
    def numbers(self):
        return [message.seq for message in self.messages if isinstance(message, (Edge, Gap))]

    async def until(self, is_so):
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def edges(self, count):
        await self.until(lambda: len(self.numbers) >= count)
        return self.numbers

    async def linked(self, times=1):
        await self.until(lambda: self.links.count(True) >= times)


@pytest.fixture
def owner():
    return Owner()


# With a real recorder


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
    async with RecorderProcess(tmp_path) as recorder, owner.client(recorder.socket) as client:
        await owner.until(lambda: any(isinstance(message, Clock) for message in owner.messages))
        assert 0 <= mono_ns() - client.last_heartbeat_mono_ns < 3_000_000_000
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


# With a recorder that misbehaves, which no real one can be asked to do


class ScriptedRecorder:
    """
    Plays one list of messages (or raw bytes) to each connection in turn, then stays silent.

    The hellos of the client are in `greetings`; `after` decides nothing here.
    """

    def __init__(self, socket, *conversations, after_ping=()):
        self.socket = socket
        self.greetings = []
        self.greeted = asyncio.Semaphore(0)
        self._conversations = list(conversations)
        self._after_ping = after_ping

    async def _talk(self, reader, writer):
        self.greetings.append(decode_client_line(await reader.readline()))
        self.greeted.release()
        parts = self._conversations.pop(0) if len(self._conversations) > 1 else self._conversations[0]
        for part in parts:
            writer.write(part if isinstance(part, bytes) else encode(part))
        if not parts or parts[-1] == b"":
            writer.close()
        while line := await reader.readline():
            message = decode_client_line(line)
            if isinstance(message, Ping):
                for answer in (Pong(id=message.id, mono_ns=message.id + 5_000_000_000), *self._after_ping):
                    writer.write(encode(answer))
        writer.close()

    async def __aenter__(self):
        self._server = await asyncio.start_unix_server(self._talk, str(self.socket))
        return self

    async def __aexit__(self, *_):
        self._server.close()


def hello(last_seq=0, recorder_id="r", protocol=1, boot=None):
    return RecorderHello(
        protocol=protocol, recorder_id=recorder_id, boot_id=boot or boot_id(), mono_ns=1, wall_ns=2, last_seq=last_seq,
        lines=[Line(line=17, name="strip 1")],
    )  # fmt: skip


def edge(seq):
    return Edge(seq=seq, boot_id=OTHER_BOOT, line=17, edge=Level.ACTIVE, at_ns=seq, wall_ns=seq)


async def test_first_contact_asks_for_live_only_until_the_owner_has_decided(tmp_path, owner):
    owner.held = 3
    async with ScriptedRecorder(tmp_path / "s", [hello(5)]) as recorder, owner.client(recorder.socket):
        await owner.linked()
        assert [greeting.after for greeting in recorder.greetings] == [None, 3]


async def test_edge_told_twice_is_handed_on_once(tmp_path, owner):
    conversation = [hello(2), edge(1), edge(1), edge(2), edge(1), edge(3)]
    async with ScriptedRecorder(tmp_path / "s", [hello(2)], conversation) as recorder, owner.client(recorder.socket):
        assert await owner.edges(3) == [1, 2, 3]


async def test_hole_in_the_numbers_is_asked_for_again(tmp_path, owner):
    talks = [hello(3)], [hello(3), edge(1), edge(3)], [hello(3), edge(2), edge(3)]
    async with ScriptedRecorder(tmp_path / "s", *talks) as recorder, owner.client(recorder.socket):
        assert await owner.edges(3) == [1, 2, 3]
        assert [greeting.after for greeting in recorder.greetings] == [None, 0, 1]


async def test_hole_that_stays_is_logged_and_passed(tmp_path, owner, caplog):
    talks = [hello(3)], [hello(3), edge(1), edge(3)]
    async with ScriptedRecorder(tmp_path / "s", *talks) as recorder, owner.client(recorder.socket):
        assert await owner.edges(2) == [1, 3]
    assert "edges_missing first=2 last=2" in caplog.text


async def test_silence_is_a_lost_link(tmp_path, owner, monkeypatch):
    monkeypatch.setattr("timing.stream_link.SILENCE_S", 0.05)
    async with ScriptedRecorder(tmp_path / "s", [hello()]) as recorder, owner.client(recorder.socket) as client:
        await owner.until(lambda: owner.links[:3] == [True, False, True])
        await owner.until(lambda: not client.connected)
        assert client.last_error == "No heartbeat for 0 s."


async def test_torn_last_line_is_not_handed_on(tmp_path, owner):
    torn = encode(edge(2))[:-5]
    talks = [hello(2)], [hello(2), edge(1), torn, b""], [hello(2), edge(2)]
    async with ScriptedRecorder(tmp_path / "s", *talks) as recorder, owner.client(recorder.socket):
        assert await owner.edges(2) == [1, 2]
        assert recorder.greetings[2].after == 1


@pytest.mark.parametrize(
    "line",
    [
        b"garbage\n",
        b'{"type":"edge","seq":-1}\n',
        b"z" * 2_000_000,
        encode(hello()),
        encode(Refusal(message="no")),
    ],
    ids=["garbage", "impossible", "endless", "second hello", "refusal"],
)
async def test_line_not_understood_means_a_new_connection(tmp_path, owner, line):
    talks = [hello(2)], [hello(2), edge(1), line], [hello(2), edge(2)]
    async with ScriptedRecorder(tmp_path / "s", *talks) as recorder, owner.client(recorder.socket):
        assert await owner.edges(2) == [1, 2]
        assert owner.links == [True, False, True]


async def test_message_of_an_unknown_type_is_passed_over(tmp_path, owner):
    talks = [hello(1)], [hello(1), b'{"type":"weather","sun":true}\n', edge(1)]
    async with ScriptedRecorder(tmp_path / "s", *talks) as recorder, owner.client(recorder.socket):
        assert await owner.edges(1) == [1]
        assert owner.links == [True]


@pytest.mark.parametrize(
    ("talk", "complaint"),
    [
        ([hello(protocol=2)], "speaks protocol 2, not 1"),
        ([Refusal(message="full")], "The recorder refused: full"),
        ([edge(1)], "is not a recorder"),
        ([b"SSH-2.0-OpenSSH\n"], "not understood"),
        ([], "closed the connection"),
    ],
)
async def test_what_is_no_recorder_is_named_and_tried_again(tmp_path, owner, talk, complaint, caplog):
    async with ScriptedRecorder(tmp_path / "s", talk) as recorder, owner.client(recorder.socket) as client:
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(3):
                await recorder.greeted.acquire()
        assert complaint in client.last_error
        assert not client.connected
    assert owner.links == []
    assert caplog.text.count("recorder_away") == 1


async def test_problem_of_the_recorder_is_known_while_it_lasts(tmp_path, owner):
    bad = Clock(mono_ns=1, wall_ns=2, boot_id=boot_id(), problem="disk_full")
    async with (
        ScriptedRecorder(tmp_path / "s", [hello()], [hello(), bad]) as recorder,
        owner.client(recorder.socket) as client,
    ):
        await owner.until(lambda: bad in owner.messages)
        assert client.problem == "disk_full"


async def test_clock_of_another_machine_is_known_before_its_first_edge(tmp_path, owner):
    there = hello(1, boot=OTHER_BOOT)
    offsets = []
    async with ScriptedRecorder(tmp_path / "s", [there], [there, edge(1)], [there]) as recorder:
        client = owner.client(recorder.socket)
        owner.heard = lambda: offsets.append(client.clock_offset)
        async with client:
            assert client.clock_offset is None
            await owner.edges(1)
    (offset,) = offsets
    assert 0 < offset.error_ns < 500_000_000
    assert offset.offset_ns == pytest.approx(5_000_000_000, abs=500_000_000)


async def test_heartbeats_keep_the_clock_of_another_machine_measured(tmp_path, owner):
    there, clock = hello(boot=OTHER_BOOT), Clock(mono_ns=1, wall_ns=2, boot_id=OTHER_BOOT)
    talks = [there], [there, clock], [there]
    async with (
        ScriptedRecorder(tmp_path / "s", *talks, after_ping=[edge(1)]) as recorder,
        owner.client(recorder.socket),
    ):
        assert await owner.edges(1) == [1], "comes after the answer to a question asked on the link itself"


def test_offset_comes_from_the_smallest_round_trip_of_the_last_minute():
    offset = ClockOffset()
    offset.add(sent_ns=100, recorder_ns=1_150, received_ns=200)
    offset.add(sent_ns=1_000, recorder_ns=2_010, received_ns=1_010)
    assert offset.offset_ns(2_000) == 1_005
    assert offset.offset_ns(1_010 + WINDOW_NS) == 1_005
    assert offset.offset_ns(1_011 + WINDOW_NS) is None
