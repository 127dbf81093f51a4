"""UTC worked out afterwards: whatever was done to the clock, a stamp means the moment that the last setting says."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from timing.anchors import Anchor, ClockReading, by_boot, utc_of
from timing.clock_reading import SLEPT_NS, ClockWatch, read_clocks

S = 1_000_000_000
START_NS = 1_700_000_000 * S


@dataclass
class Box:
    """A box's clocks, and what its recorder keeps of them."""

    mono_ns: int = 0
    slept_ns: int = 0
    wrong_ns: int = 0
    """By how much the wall clock is off."""

    def __post_init__(self):
        self.watch = ClockWatch()
        self.anchors = []
        self.stamps = []
        """(the monotonic stamp of an edge, the true time of it)"""

    @property
    def true_ns(self):
        return START_NS + self.mono_ns + self.slept_ns

    def second(self):
        """A second passes: a strip is hit, then the recorder's heart beats."""
        self.mono_ns += S // 2
        self.stamps.append((self.mono_ns, self.true_ns))
        self.mono_ns += S // 2
        reading = ClockReading(self.mono_ns, self.true_ns + self.wrong_ns, self.slept_ns)
        if reason := self.watch.anchor_due(reading):
            self.anchors.append(Anchor("boot", reading.mono_ns, reading.wall_ns, reason, reading.slept_ns))

    def seconds(self, count):
        for _ in range(count):
            self.second()


years = st.integers(-3 * 31_536_000, 3 * 31_536_000).map(lambda seconds: seconds * S)
steps = st.one_of(
    st.tuples(st.just("set"), years),
    st.tuples(st.just("sleep"), st.integers(SLEPT_NS + 1, 40_000 * S)),
    st.tuples(st.just("run"), st.integers(1, 150)),
)


@given(st.lists(steps, max_size=8), years)
def test_every_stamp_is_corrected_by_the_last_setting_of_the_clock(story, at_the_start):
    box = Box(wrong_ns=at_the_start)
    box.seconds(1)
    for what, amount in story:
        if what == "set":
            box.wrong_ns = amount
        elif what == "sleep":
            box.slept_ns += amount
        box.seconds(amount if what == "run" else 1)
    wakes_ns = [anchor.mono_ns for anchor in box.anchors if anchor.reason == "wake"]
    for mono_ns, true_ns in box.stamps:
        # Between the end of a sleep and the next heartbeat nobody knows of the sleep.
        if not any(0 < wake_ns - mono_ns < S for wake_ns in wakes_ns):
            assert utc_of(box.anchors, "boot", mono_ns) == true_ns + box.wrong_ns


@given(st.permutations(range(5)))
def test_order_of_the_anchors_does_not_matter(order):
    anchors = [Anchor("boot", number * S, START_NS + number * 7 * S, "step", number * S) for number in range(5)]
    shuffled = [anchors[number] for number in order]
    for mono_ns in (-S, 0, S + 1, 9 * S):
        assert utc_of(shuffled, "boot", mono_ns) == utc_of(anchors, "boot", mono_ns)


def test_clock_set_by_a_network_corrects_what_came_before():
    box = Box(wrong_ns=-2 * 31_536_000 * S)
    box.seconds(30)
    first_ns, true_ns = box.stamps[0]
    assert utc_of(box.anchors, "boot", first_ns) == true_ns - 2 * 31_536_000 * S
    box.wrong_ns = 0
    box.seconds(1)
    assert [anchor.reason for anchor in box.anchors] == ["start", "step"]
    assert utc_of(box.anchors, "boot", first_ns) == true_ns


def test_other_boots_say_nothing():
    anchors = [Anchor("one", 0, START_NS, "start"), Anchor("two", 0, START_NS + 9 * S, "start")]
    assert utc_of(anchors, "one", 5) == START_NS + 5
    assert utc_of(anchors, "three", 5) is None
    assert utc_of([], "one", 5) is None
    assert by_boot(anchors) == {"one": anchors[:1], "two": anchors[1:]}


def test_real_clocks_are_read_together():
    reading = read_clocks()
    anchor = Anchor("boot", reading.mono_ns, reading.wall_ns, "start", reading.slept_ns)
    later = read_clocks()
    utc_ns = utc_of([anchor], "boot", later.mono_ns)
    assert utc_ns is not None
    assert abs(utc_ns - later.wall_ns) < S // 10
    assert reading.slept_ns == later.slept_ns
