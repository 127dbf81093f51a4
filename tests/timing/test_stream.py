"""The lines of the timing stream: what is understood, what is refused, and that nothing else can happen."""

import contextlib
import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from timing.stream import (
    Blind,
    BlindReason,
    CaughtUp,
    ClientHello,
    Clock,
    Crossed,
    Edge,
    Gap,
    Hit,
    Level,
    Line,
    LineRole,
    NotUnderstood,
    Ping,
    Pong,
    Problem,
    RecorderHello,
    Refusal,
    Stamp,
    decode_client_line,
    decode_recorder_line,
    encode,
)

BOOT = "0d9e1c1e-7c6b-4c0c-9a56-0c8b6f1a2b3c"
EDGE = Edge(seq=7, boot_id=BOOT, line=17, edge=Level.ACTIVE, at_ns=123, wall_ns=456)
HELLO = RecorderHello(
    protocol=1, recorder_id="r", boot_id=BOOT, mono_ns=1, wall_ns=2, last_seq=3, lines=[Line(line=17, name="strip 1")]
)

BLIND = Blind(boot_id="b", from_ns=1, from_wall_ns=2, to_wall_ns=3, reason=BlindReason.KILLED)

DESIGN = [
    (ClientHello(protocol=1, after=5), '{"type":"hello","protocol":1,"after":5}'),
    (ClientHello(protocol=1, after=None), '{"type":"hello","protocol":1,"after":null}'),
    (Ping(id=9), '{"type":"ping","id":9}'),
    (Pong(id=9, mono_ns=4), '{"type":"pong","id":9,"mono_ns":4}'),
    (CaughtUp(seq=7), '{"type":"caught_up","seq":7}'),
    (Refusal(message="no"), '{"type":"error","message":"no"}'),
    (Clock(mono_ns=1, wall_ns=2, boot_id="b"), '{"type":"clock","mono_ns":1,"wall_ns":2,"boot_id":"b"}'),
    (Gap(seq=8, line=17, lost=3, at_ns=5), '{"type":"gap","seq":8,"line":17,"lost":3,"at_ns":5}'),
    (Crossed(line=17), '{"type":"crossing","line":17}'),
    (
        Gap(seq=9, line=17, lost=0, at_ns=6, boot_id="c", blind=BLIND),
        '{"type":"gap","seq":9,"line":17,"lost":0,"at_ns":6,"boot_id":"c","blind":{"boot_id":"b","from_ns":1,'
        '"from_wall_ns":2,"to_wall_ns":3,"reason":"killed"}}',
    ),
    (
        Edge(seq=7, boot_id="b", line=1, edge=Level.INACTIVE, at_ns=1, wall_ns=2, stamp=Stamp.WALL_MS),
        '{"type":"edge","seq":7,"boot_id":"b","line":1,"edge":"inactive","at_ns":1,"wall_ns":2,"stamp":"wall_ms"}',
    ),
    (
        EDGE,
        f'{{"type":"edge","seq":7,"boot_id":"{BOOT}","line":17,"edge":"active","at_ns":123,"wall_ns":456}}',
    ),
    (
        HELLO,
        f'{{"type":"hello","protocol":1,"recorder_id":"r","boot_id":"{BOOT}","mono_ns":1,"wall_ns":2,"last_seq":3,'
        '"lines":[{"line":17,"name":"strip 1"}]}',
    ),
]


@pytest.mark.parametrize(("message", "line"), DESIGN, ids=lambda value: type(value).__name__)
def test_message_is_written_exactly_as_the_protocol_says(message, line):
    assert encode(message) == line.encode() + b"\n"


@pytest.mark.parametrize(("message", "line"), DESIGN, ids=lambda value: type(value).__name__)
def test_message_is_read_back_as_it_was_written(message, line):
    decode = decode_client_line if isinstance(message, (ClientHello, Ping, Hit, Crossed)) else decode_recorder_line
    assert decode(line.encode() + b"\n") == message


PAGE = (Path(__file__).parents[2] / "docs/timing-stream.md").read_text()
SAID = re.findall(r"^([<>]) (\{.*\})$", PAGE, re.MULTILINE)


def test_documentation_has_an_example_of_every_message_and_every_extension():
    messages = [json.loads(line) for _, line in SAID]
    kinds = {"hello", "edge", "gap", "caught_up", "clock", "ping", "pong", "crossing", "hit", "error"}
    assert {message["type"] for message in messages} >= kinds
    fields = {field for message in messages for field in message}
    assert fields >= {"strips", "note", "stamp", "boot_id", "blind", "problem"}
    assert any("role" in line for message in messages for line in message.get("lines", ()))
    for words in (Stamp, BlindReason, Problem, LineRole):
        assert all(f'"{word}"' in PAGE or f"`{word}`" in PAGE for word in words if word is not LineRole.STRIP)


def test_examples_in_the_documentation_are_true():
    refused = None
    for side, line in SAID:
        if refused is not None:
            assert decode_recorder_line(line.encode()) == Refusal(message=refused.message)
            refused = None
            continue
        try:
            message = decode_client_line(line.encode()) if side == ">" else decode_recorder_line(line.encode())
        except NotUnderstood as error:
            refused = error
        else:
            assert encode(message).decode() == line + "\n"
    assert refused is None


def test_unknown_fields_are_ignored():
    line = b'{"type":"hello","protocol":1,"after":0,"colour":"red","nested":{"a":[1,2]}}\n'
    assert decode_client_line(line) == ClientHello(protocol=1, after=0)


def test_recorder_message_of_an_unknown_type_is_passed_over():
    assert decode_recorder_line(b'{"type":"weather","sun":true}\n') is None


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"hello\n",
        b"[]\n",
        b"{}\n",
        b'{"type":"hello"}\n',
        b'{"type":"hello","protocol":1}\n',
        b'{"type":"hello","protocol":"1","after":0}\n',
        b'{"type":"hello","protocol":1,"after":-1}\n',
        b'{"type":"hello","protocol":1,"after":1.5}\n',
        b'{"type":"hello","protocol":1,"after":9223372036854775808}\n',
        b'{"type":"hello","protocol":1,"after":true}\n',
        b'{"type":"hit","line":-1}\n',
        b'{"type":"hit","line":17,"hold_ms":0}\n',
        b'{"type":"hit","line":17,"bounces":101}\n',
        b'{"type":"edge","seq":1}\n',
        b'{"type":"crossing"}\n',
        b'{"type":"crossing","line":1024}\n',
        b'{"type":"ping"}\n',
        b'{"type":"ping","id":1}{"type":"ping","id":2}\n',
        b"\xff\xfe\n",
        b'{"type":"ping","id":1,"x":' + b"[" * 4_000 + b"\n",
    ],
)
def test_line_that_is_no_client_message_is_refused(line):
    with pytest.raises(NotUnderstood):
        decode_client_line(line)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b'{"type":"edge","seq":1}\n',
        b'{"type":7}\n',
        b'{"kind":"edge"}\n',
        b'{"type":"gap","seq":1,"line":1,"lost":0,"at_ns":1,"blind":{"boot_id":"b","from_ns":1}}\n',
        b'{"type":"gap","seq":1,"line":1,"lost":0,"at_ns":1,"blind":7}\n',
    ],
)
def test_line_that_is_no_recorder_message_is_refused(line):
    with pytest.raises(NotUnderstood):
        decode_recorder_line(line)


@given(st.binary(max_size=300))
def test_any_bytes_are_understood_or_refused(line):
    for decode in (decode_client_line, decode_recorder_line):
        with contextlib.suppress(NotUnderstood):
            decode(line)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
# The first text drawn on a machine builds a table of all characters, which is slow through no fault of the test.
on_a_busy_machine = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
types = st.sampled_from(
    ["hello", "ping", "hit", "crossing", "edge", "gap", "caught_up", "clock", "pong", "error", "other"]
)
FIELDS = (
    "protocol after id line hold_ms bounces seq boot_id edge at_ns wall_ns lost stamp blind note lines strips problem"
)
fields = st.sampled_from(FIELDS.split())
wire_ns = st.integers(-(2**63), 2**63 - 1)
blinds = st.builds(
    Blind,
    boot_id=st.text(max_size=40),
    from_ns=wire_ns,
    from_wall_ns=wire_ns,
    to_wall_ns=wire_ns,
    reason=st.sampled_from(BlindReason),
)


@on_a_busy_machine
@given(types, st.dictionaries(fields, json_values, max_size=6))
def test_any_object_is_understood_or_refused(kind, more):
    line = json.dumps({"type": kind, **more}).encode()
    for decode in (decode_client_line, decode_recorder_line):
        try:
            message = decode(line)
        except NotUnderstood:
            continue
        if message is not None:
            assert decode(encode(message)) == message


@on_a_busy_machine
@given(st.data())
def test_every_edge_survives_the_wire(data):
    seq = st.integers(0, 2**63 - 1)
    edge = Edge(
        seq=data.draw(seq),
        boot_id=data.draw(st.text(max_size=40)),
        line=data.draw(st.integers(0, 1023)),
        edge=data.draw(st.sampled_from(Level)),
        at_ns=data.draw(seq),
        wall_ns=data.draw(st.integers(-(2**63), 2**63 - 1)),
        stamp=data.draw(st.none() | st.sampled_from(Stamp)),
    )
    line = encode(edge)
    assert line.count(b"\n") == 1
    assert decode_recorder_line(line) == edge
    assert msgspec.json.decode(line)["edge"] in ("active", "inactive")


@on_a_busy_machine
@given(st.integers(0, 2**63 - 1), st.integers(0, 1023), wire_ns, st.text(max_size=40), st.none() | blinds)
def test_every_gap_survives_the_wire(seq, line, at_ns, boot_id, blind):
    gap = Gap(seq=seq, line=line, lost=0 if blind else 3, at_ns=at_ns, boot_id=boot_id, blind=blind)
    assert decode_recorder_line(encode(gap)) == gap
    assert ("blind" in msgspec.json.decode(encode(gap))) == (blind is not None)


@on_a_busy_machine
@given(st.dictionaries(fields | st.text(max_size=8), json_values, max_size=6), blinds)
def test_client_of_version_1_reads_a_blind_record_as_the_gap_it_is(more, blind):
    """What it does not know it ignores; what it needs is there."""

    class GapOfVersion1(msgspec.Struct, tag_field="type", tag="gap"):
        seq: int
        line: int
        lost: int
        at_ns: int

    known = {"seq": 4, "line": 17, "lost": 0, "at_ns": 9}
    told = msgspec.json.decode(encode(Gap(**known, boot_id="b", blind=blind)))
    line = json.dumps({**more, **told}).encode()
    assert msgspec.to_builtins(msgspec.json.decode(line, type=GapOfVersion1)) == {"type": "gap", **known}


@on_a_busy_machine
@given(st.lists(st.tuples(st.text(max_size=20), st.sampled_from(LineRole)), max_size=5), st.none() | st.text())
def test_every_hello_survives_the_wire(lines, note):
    named = [Line(line=number, name=name, role=role) for number, (name, role) in enumerate(lines)]
    hello = msgspec.structs.replace(HELLO, lines=named, note=note)
    assert decode_recorder_line(encode(hello)) == hello
    assert encode(hello).count(b"\n") == 1
