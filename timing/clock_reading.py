"""
Monotonic time and UTC read together, and when that pair is worth keeping (reference/timing.md 2.3).

UTC may be years wrong until a network or a person sets it; the kept pairs let it be corrected afterwards.
"""

from dataclasses import dataclass

from appliance.clock import mono_ns, wall_ns

ANCHOR_EVERY_NS = 60_000_000_000
STEP_NS = 20_000_000
"""Between two readings a second apart a slewed clock moves 0.5 ms; anything near this was set, or the box slept."""
TRIES = 3


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment on both clocks."""

    mono_ns: int
    wall_ns: int


def read_clocks() -> ClockReading:
    """The closest of three pairs, as another process may run between the two readings."""
    best_ns, best = None, None
    for _ in range(TRIES):
        before_ns, wall, after_ns = mono_ns(), wall_ns(), mono_ns()
        if best_ns is None or after_ns - before_ns < best_ns:
            best_ns, best = after_ns - before_ns, ClockReading((before_ns + after_ns) // 2, wall)
    assert best is not None  # noqa: S101 (TRIES is not 0)
    return best


class ClockWatch:
    """Says which readings to keep."""

    def __init__(self) -> None:
        self._kept: ClockReading | None = None
        self._previous: ClockReading | None = None

    def anchor_due(self, reading: ClockReading) -> str | None:
        """Why this reading is to be kept: "start", "step", "minute", or None."""
        previous, self._previous = self._previous, reading
        reason = self._reason(reading, previous)
        if reason:
            self._kept = reading
        return reason

    def _reason(self, reading: ClockReading, previous: ClockReading | None) -> str | None:
        if self._kept is None or previous is None:
            return "start"
        moved_ns = (reading.wall_ns - previous.wall_ns) - (reading.mono_ns - previous.mono_ns)
        if abs(moved_ns) > STEP_NS:
            return "step"
        return "minute" if reading.mono_ns - self._kept.mono_ns >= ANCHOR_EVERY_NS else None
