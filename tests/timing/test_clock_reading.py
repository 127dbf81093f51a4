"""Which readings of the clocks are kept."""

from timing.anchors import ClockReading
from timing.clock_reading import ClockWatch

SECOND_NS = 1_000_000_000


def test_clocks_are_kept_at_the_start_each_minute_and_when_utc_is_stepped():
    watch = ClockWatch()

    def at(second, step_s=0):
        return watch.anchor_due(ClockReading(second * SECOND_NS, (1_000 + second + step_s) * SECOND_NS))

    assert at(0) == "start"
    assert [at(second) for second in range(1, 60)] == [None] * 59
    assert at(60) == "minute"
    assert at(61, 86_400 * 365 * 5) == "step"
    assert at(62, 86_400 * 365 * 5) is None
    assert at(120, 86_400 * 365 * 5) is None
    assert at(121, 86_400 * 365 * 5) == "minute"


def test_slewed_clock_is_no_step():
    watch = ClockWatch()
    watch.anchor_due(ClockReading(0, 0))
    assert watch.anchor_due(ClockReading(SECOND_NS, SECOND_NS + 500_000)) is None


def test_sleep_is_no_step_and_a_step_is_no_sleep():
    watch, slept_ns = ClockWatch(), 3_600 * SECOND_NS
    watch.anchor_due(ClockReading(0, 0))
    assert watch.anchor_due(ClockReading(SECOND_NS, SECOND_NS + slept_ns, slept_ns)) == "wake"
    assert watch.previous == ClockReading(0, 0)
    assert watch.anchor_due(ClockReading(2 * SECOND_NS, 2 * SECOND_NS + slept_ns, slept_ns)) is None
    assert watch.anchor_due(ClockReading(3 * SECOND_NS, 3 * SECOND_NS, slept_ns)) == "step"
