"""What a timer kit says is read as DREM's own page reads it, and its clock turned into ours without touching a lap."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timing.strips.drem_messages import (
    MAX_LINE,
    MAX_WALL_MS,
    NS_PER_MS,
    REST_NS,
    STEP_NS,
    KitClock,
    KitHello,
    KitLap,
    read_message,
)

WALL_MS = 1_790_000_000_000
MS = NS_PER_MS
SECOND = 1_000 * MS


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (
            '{"event":"lap","timestamp":1790000000123,"gpio":27,"lapNumber":7,"sensorLapCount":3}',
            KitLap(1790000000123 * MS, 27, 7),
        ),
        (
            '{"event":"connected","timestamp":1790000000000,"serverInfo":{"gpioLibrary":"rpi-gpio","config":{"port":8080}}}',
            KitHello(1790000000000 * MS),
        ),
        ('{"event":"connected"}', KitHello(None)),
        ('{"event":"lap"}', KitLap()),
        ('{"event":"lap","timestamp":"soon","gpio":17}', KitLap(None, 17)),
        ('{"event":"lap","timestamp":true}', KitLap()),
        ('{"event":"lap","timestamp":-5}', KitLap()),
        ('{"event":"lap","timestamp":1e300}', KitLap()),
        ('{"event":"lap","timestamp":1790000000123.5}', KitLap(1790000000123 * MS + 500_000)),
        ('{"event":"lap","gpio":99999,"lapNumber":-1}', KitLap()),
        ("passed", KitLap()),
        (" lap \n", KitLap()),
        ('"lap"', KitLap()),
        ("1", KitLap()),
    ],
)
def test_messages_of_kits_old_and_new_are_read(text: str, meaning: object) -> None:
    assert read_message(text) == meaning


@pytest.mark.parametrize(
    "rubbish",
    [
        "",
        " ",
        b"lap",
        b"\xff\x00",
        '{"event":"statistics","timestamp":1790000000123}',
        '{"timestamp":1790000000123}',
        '{"event":"lap","timestamp":17900000',
        "[1,2]",
        "[" * 5_000,
        '{"a":' * 5_000,
        "x" * 65,
        "lap\x00lap",
        '{"event":"lap\ud800"}',
    ],
)
def test_what_is_no_message_of_a_kit_is_nothing(rubbish: str | bytes) -> None:
    assert read_message(rubbish) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
almost_laps = st.fixed_dictionaries(
    {"event": st.sampled_from(["lap", "connected"]) | json_values},
    optional=dict.fromkeys(("timestamp", "gpio", "lapNumber", "serverInfo"), json_values),
).map(json.dumps)


@given(st.text() | st.binary() | json_values.map(json.dumps) | almost_laps)
def test_whatever_comes_from_the_network_is_read_or_ignored(data: str | bytes) -> None:
    message = read_message(data)
    assert message is None or isinstance(message, KitHello | KitLap)
    if message is not None and message.kit_ns is not None:
        assert 0 <= message.kit_ns <= MAX_WALL_MS * MS
    if isinstance(message, KitLap):
        assert message.line is None or 0 <= message.line <= MAX_LINE


def hear(clock: KitClock, kit_ms: int, arrived_ns: int, *, delay_at_most_ns: int = SECOND) -> int:
    return clock.hear(kit_ms * MS, arrived_ns=arrived_ns, sent_after_ns=arrived_ns - delay_at_most_ns)


def cross(clock: KitClock, kit_ms: int, arrived_ns: int) -> int:
    hear(clock, kit_ms, arrived_ns)
    return clock.crossing(kit_ms * MS)


laps_of_a_kit = st.lists(st.tuples(st.integers(1, 60_000), st.integers(0, 200 * MS)), min_size=1, max_size=50)


@given(laps_of_a_kit, st.integers(-(10**18), 10**18))
def test_two_stamps_differ_by_the_kits_milliseconds_exactly(steps: list[tuple[int, int]], ours_ns: int) -> None:
    """Whatever the network does to the messages, and wherever our clock stands."""
    clock = KitClock()
    hear(clock, WALL_MS, ours_ns + 3 * MS)
    kit_ms, arrived_ns, stamps, said = WALL_MS, ours_ns + 3 * MS, [], []
    for lap_ms, delay_ns in steps:
        kit_ms += lap_ms
        arrived_ns = max(arrived_ns, ours_ns + (kit_ms - WALL_MS) * MS + delay_ns)  # in order
        stamps.append(cross(clock, kit_ms, arrived_ns))
        said.append(kit_ms)
    assert [b - a for a, b in pairwise(stamps)] == [(b - a) * MS for a, b in pairwise(said)]


def test_the_quickest_message_before_the_first_crossing_sets_the_base() -> None:
    clock = KitClock()
    hear(clock, WALL_MS, 80 * MS)
    hear(clock, WALL_MS + 1_000, SECOND + 5 * MS)
    assert cross(clock, WALL_MS + 2_000, 2 * SECOND + 30 * MS) == pytest.approx(2 * SECOND + 5 * MS, abs=MS)


def test_a_quicker_message_later_leaves_the_base_alone() -> None:
    clock = KitClock()
    first = cross(clock, WALL_MS, 90 * MS)
    assert first == 90 * MS
    assert cross(clock, WALL_MS + 9_000, 9 * SECOND + 1 * MS) - first == 9 * SECOND


@pytest.mark.parametrize("set_by_ms", [3_600_000, -3_600_000, 400, -2_000])
def test_a_kit_whose_clock_is_set_is_noticed_and_compared_anew(set_by_ms: int) -> None:
    clock = KitClock()
    first = cross(clock, WALL_MS, 0)
    stepped_ns = hear(clock, WALL_MS + 9_000 + set_by_ms, 9 * SECOND + 10 * MS)
    assert stepped_ns == pytest.approx(set_by_ms * MS, abs=20 * MS)
    assert clock.crossing((WALL_MS + 9_000 + set_by_ms) * MS) - first == 9 * SECOND + 10 * MS
    assert cross(clock, WALL_MS + 19_000 + set_by_ms, 19 * SECOND) - first == 19 * SECOND + 10 * MS


def test_a_late_message_is_no_step() -> None:
    clock = KitClock()
    cross(clock, WALL_MS, 0)
    arrived_ns = 12 * SECOND
    assert clock.hear((WALL_MS + 9_000) * MS, arrived_ns=arrived_ns, sent_after_ns=arrived_ns - 4 * SECOND) == 0
    assert clock.crossing((WALL_MS + 9_000) * MS) == 9 * SECOND


def test_clocks_that_drift_apart_over_a_day_are_no_step_and_touch_no_lap() -> None:
    """50 millionths, a crossing every 9 s for eight hours."""
    clock = KitClock()
    hear(clock, WALL_MS, 0)
    stamps = []
    for lap in range(1, 3_200):
        arrived_ns = lap * 9 * SECOND
        kit_ms = WALL_MS + lap * 9_000 - arrived_ns // 20_000 // MS
        assert hear(clock, kit_ms, arrived_ns) == 0
        stamps.append((clock.crossing(kit_ms * MS), kit_ms))
    assert all(b[0] - a[0] == (b[1] - a[1]) * MS for a, b in pairwise(stamps))


def test_after_a_rest_longer_than_any_lap_the_clocks_are_compared_anew() -> None:
    clock = KitClock()
    assert cross(clock, WALL_MS, 0) == 0
    slower_ns = REST_NS + STEP_NS // 5
    assert cross(clock, WALL_MS + REST_NS // MS, slower_ns) == slower_ns


def test_a_clock_that_was_never_heard_stamps_nothing() -> None:
    with pytest.raises(ValueError, match="not known yet"):
        KitClock().crossing(WALL_MS * MS)
