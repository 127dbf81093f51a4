"""
Monotonic time and UTC read together, and when that pair is worth keeping (reference/timing.md 2.3).

UTC may be years wrong until a network or a person sets it; the kept pairs let it be corrected afterwards
(timing/anchors.py).
"""

import time

from appliance.clock import mono_ns, wall_ns
from timing.anchors import AnchorReason, ClockReading

ANCHOR_EVERY_NS = 60_000_000_000
STEP_NS = 20_000_000
"""Between two readings a second apart a slewed clock moves 0.5 ms; anything near this was set."""
SLEPT_NS = 100_000_000
"""Less is the noise of reading three clocks, one after the other, on a busy machine."""
MS = 1_000_000
TRIES = 3


def read_clocks() -> ClockReading:
    """The closest of three pairs, as another process may run between the readings."""
    best_ns, best = None, None
    for _ in range(TRIES):
        before_ns, wall, boottime_ns, after_ns = mono_ns(), wall_ns(), _boottime_ns(), mono_ns()
        if best_ns is None or after_ns - before_ns < best_ns:
            middle_ns = (before_ns + after_ns) // 2
            slept_ns = max(0, (boottime_ns - middle_ns + MS // 2) // MS * MS)
            best_ns, best = after_ns - before_ns, ClockReading(middle_ns, wall, slept_ns)
    assert best is not None  # noqa: S101 (TRIES is not 0)
    return best


class ClockWatch:
    """Says which readings to keep."""

    def __init__(self) -> None:
        self._kept: ClockReading | None = None
        self.previous: ClockReading | None = None
        """The reading before the last one that was asked about."""
        self._last: ClockReading | None = None

    def anchor_due(self, reading: ClockReading) -> AnchorReason | None:
        """Why this reading is to be kept; None as a rule."""
        self.previous, self._last = self._last, reading
        reason = self._reason(reading, self.previous)
        if reason:
            self._kept = reading
        return reason

    def _reason(self, reading: ClockReading, previous: ClockReading | None) -> AnchorReason | None:
        if self._kept is None or previous is None:
            return AnchorReason.START
        slept_ns = reading.slept_ns - previous.slept_ns
        if slept_ns > SLEPT_NS:
            return AnchorReason.WAKE
        moved_ns = (reading.wall_ns - previous.wall_ns) - (reading.mono_ns - previous.mono_ns) - slept_ns
        if abs(moved_ns) > STEP_NS:
            return AnchorReason.STEP
        return AnchorReason.MINUTE if reading.mono_ns - self._kept.mono_ns >= ANCHOR_EVERY_NS else None


def _boottime_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
