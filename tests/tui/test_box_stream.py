"""Server-Sent Events from bytes, however the network cuts them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timing.crew_structs import Beat, ClockReading
from tui.errors import BoxError
from tui.stream import MAX_EVENT_BYTES, Event, Lines, message_of

NAMES = st.sampled_from(["snapshot", "race", "beat", "something-new"])
EVENTS = st.lists(st.builds(Event, NAMES, st.text().map(msgspec.json.encode)))


def text_of(events: list[Event]) -> bytes:
    """As the box sends them."""
    return b"".join(b"event: %s\ndata: %s\n\n" % (event.name.encode(), event.data) for event in events)


@given(EVENTS, st.data())
def test_events_survive_any_cutting(events: list[Event], data: st.DataObject) -> None:
    text, lines, heard = text_of(events), Lines(), []
    while text:
        size = data.draw(st.integers(1, len(text)))
        heard += lines.feed(text[:size])
        text = text[size:]
    assert heard == events


def test_a_proxy_may_end_its_lines_as_it_likes() -> None:
    lines = Lines()
    assert lines.feed(b": hello\r\n\r") == []
    assert lines.feed(b'\nevent: beat\r\ndata: "x"\r\n\r\n') == [Event("beat", b'"x"')]


def test_a_beat_says_what_time_it_is() -> None:
    clock = ClockReading(mono_ns=1, wall_ns=2, boot_id="a")
    assert message_of(Event("beat", msgspec.json.encode(Beat(clock=clock)))) == Beat(clock=clock)


def test_what_a_newer_box_invented_is_passed_over() -> None:
    clock = b'{"clock":{"mono_ns":1,"wall_ns":2,"boot_id":"a","more":1},"more":2}'
    assert message_of(Event("weather", b"{}")) is None
    assert message_of(Event("beat", clock)) == Beat(clock=ClockReading(mono_ns=1, wall_ns=2, boot_id="a"))


@pytest.mark.parametrize("data", [b"{}", b'{"a":"\xff"}', b'{"a":' * 100_000], ids=["shape", "no text", "deep"])
def test_what_cannot_be_understood_says_what_to_do(data: bytes) -> None:
    with pytest.raises(BoxError) as failed:
        message_of(Event("beat", data))
    assert failed.value.remedy == "Install the same version of Trackside here as on the box."


def test_an_event_without_end_is_not_kept_for_ever() -> None:
    lines = Lines()
    with pytest.raises(BoxError):
        lines.feed(b"x" * (MAX_EVENT_BYTES + 1))
