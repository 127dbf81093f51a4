"""
How far another machine's monotonic clock is from ours, from questions and answers (the smallest round trip tells best).

Pure.
"""

from collections import deque
from dataclasses import dataclass

WINDOW_NS = 60_000_000_000
"""Only the last minute counts: crystals drift by some 50 millionths, 3 ms in a minute at worst."""


@dataclass(frozen=True, slots=True)
class Offset:
    """Recorder's clock minus ours, and by how much that may be wrong: half the round trip it was measured with."""

    offset_ns: int
    error_ns: int


class ClockOffset:
    """Recorder's clock minus ours, as estimated from the last minute."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int, int]] = deque()
        """(received_ns, round_trip_ns, offset_ns), oldest first."""

    def add(self, *, sent_ns: int, recorder_ns: int, received_ns: int) -> None:
        """One question asked at `sent_ns`, answered at `recorder_ns` of the other clock, heard at `received_ns`."""
        round_trip_ns = received_ns - sent_ns
        if round_trip_ns >= 0:
            self._samples.append((received_ns, round_trip_ns, recorder_ns - (sent_ns + round_trip_ns // 2)))

    def best(self, now_ns: int) -> Offset | None:
        """The estimate of the smallest round trip of the last minute; None without an answer in it."""
        while self._samples and now_ns - self._samples[0][0] > WINDOW_NS:
            self._samples.popleft()
        best = min(self._samples, key=lambda sample: sample[1], default=None)
        return None if best is None else Offset(best[2], (best[1] + 1) // 2)

    def count(self, now_ns: int) -> int:
        """How many answers of the last minute the estimate is the best of."""
        return 0 if self.best(now_ns) is None else len(self._samples)

    def offset_ns(self, now_ns: int) -> int | None:
        """The offset alone."""
        best = self.best(now_ns)
        return None if best is None else best.offset_ns
