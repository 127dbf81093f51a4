"""The stream client with a recorder that misbehaves, which no real one can be asked to do."""

import asyncio

import pytest
from recorder_process import DEADLINE_S
from stream_owner import Owner

from appliance.clock import boot_id
from timing.clock_offset import WINDOW_NS, ClockOffset
from timing.stream import Clock, Edge, Level, Line, Ping, Pong, RecorderHello, Refusal, decode_client_line, encode

OTHER_BOOT = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def owner():
    return Owner()


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
