"""
The box's monotonic clock as this machine knows it: when something that happened here happened there. Pure.

Measured by asking the box what time it is; of the last minute the smallest round trip counts (timing/clock_offset.py).
One measurement holds for one boot of the box and for one time awake of this machine: CLOCK_MONOTONIC stands still while
a laptop sleeps and the box's goes on, so a new span of measurements begins after each sleep. A stamp is placed by the
measurements of its own span when there are any, also when it is sent after the sleep.
"""

from dataclasses import dataclass, field

from timing.clock_offset import ClockOffset, Offset
from timing.crew_structs import ClockReading

SLEPT_NS = 50_000_000
"""The two clocks of a stamp are read microseconds apart, milliseconds on a loaded machine; sleeps last seconds."""
DRIFT_PPM = 50
"""Of two crystals, at worst (timing/clock_offset.py): what an old measurement may be off by."""
SLEEP_ERROR_NS = 1_000_000_000
"""How long a laptop slept is told by its battery clock, which counts whole seconds on some."""
ENOUGH = 5
"""The first answer also paid for its connection; of five one is quick, if any on this network is."""
WELL_NS = 2_000_000
MAX_SPANS = 8


@dataclass(frozen=True, slots=True)
class Stamp:
    """
    A moment on this machine: CLOCK_MONOTONIC, and how long it has slept since its boot (CLOCK_BOOTTIME minus that).
    """

    mono_ns: int
    slept_ns: int = 0


@dataclass(frozen=True, slots=True)
class OnServer:
    """The same moment on the box's CLOCK_MONOTONIC of `boot_id`, right to `error_ns`."""

    at_ns: int
    boot_id: str
    error_ns: int


@dataclass(slots=True)
class _Span:
    boot_id: str
    slept_ns: int
    offset: ClockOffset = field(default_factory=ClockOffset)
    best: Offset | None = None
    measured_ns: int = 0
    answers: int = 0

    def add(self, *, sent_ns: int, server_ns: int, received_ns: int) -> None:
        self.offset.add(sent_ns=sent_ns, recorder_ns=server_ns, received_ns=received_ns)
        self.best = self.offset.best(received_ns)
        self.measured_ns = received_ns
        self.answers += 1

    def place(self, stamp: Stamp) -> OnServer | None:
        if self.best is None:
            return None
        slept_between_ns = stamp.slept_ns - self.slept_ns
        same_span = abs(slept_between_ns) <= SLEPT_NS
        drift_ns = abs(stamp.mono_ns - self.measured_ns) * DRIFT_PPM // 1_000_000
        return OnServer(
            at_ns=stamp.mono_ns + self.best.offset_ns + (0 if same_span else slept_between_ns),
            boot_id=self.boot_id,
            error_ns=self.best.error_ns + drift_ns + (0 if same_span else SLEEP_ERROR_NS),
        )


class ServerClock:
    """What is known of the box's clock; `boot_id` is the newest boot of the box that was heard of."""

    def __init__(self) -> None:
        self.boot_id: str | None = None
        self._spans: list[_Span] = []

    def add(self, reading: ClockReading, *, sent: Stamp, received: Stamp) -> None:
        """One question asked at `sent` and answered by `received`; worth nothing when we slept between the two."""
        self.boot_id = reading.boot_id
        if abs(received.slept_ns - sent.slept_ns) > SLEPT_NS:
            return
        span = self._span(reading.boot_id, received.slept_ns)
        span.add(sent_ns=sent.mono_ns, server_ns=reading.mono_ns, received_ns=received.mono_ns)

    def heard(self, boot_id: str) -> bool:
        """The box said of which boot it is; whether that is another than before."""
        is_new = self.boot_id is not None and self.boot_id != boot_id
        self.boot_id = boot_id
        return is_new

    def place(self, stamp: Stamp) -> OnServer | None:
        """When a moment here was on the box, in its present boot; None while nothing was measured in that boot."""
        span = self._nearest(stamp)
        return None if span is None else span.place(stamp)

    def offset(self, now: Stamp) -> Offset | None:
        """The box's clock minus ours now, and by how much that may be wrong: for showing it."""
        there = self.place(now)
        return None if there is None else Offset(there.at_ns - now.mono_ns, there.error_ns)

    def basis(self, now: Stamp) -> tuple[int, int | None]:
        """What the offset rests on, for showing it: answers of the last minute, and the smallest round trip in ns."""
        span = self._nearest(now)
        if span is None or span.best is None:
            return 0, None
        return span.offset.count(now.mono_ns), 2 * span.best.error_ns

    def is_measured(self, now: Stamp) -> bool:
        """
        Whether the present boot was measured well since the last sleep: by enough answers, or by a quick one.

        A single slow answer is not enough: the lap between a press placed by it and one placed by the next answer
        would be wrong by as much.
        """
        span = self._nearest(now)
        if span is None or span.best is None or abs(span.slept_ns - now.slept_ns) > SLEPT_NS:
            return False
        return span.answers >= ENOUGH or span.best.error_ns <= WELL_NS

    def _nearest(self, stamp: Stamp) -> _Span | None:
        """The measured span of the present boot that this moment is of, or was least asleep away from."""
        spans = [span for span in self._spans if span.boot_id == self.boot_id and span.best is not None]
        return min(reversed(spans), key=lambda span: max(SLEPT_NS, abs(span.slept_ns - stamp.slept_ns)), default=None)

    def _span(self, boot_id: str, slept_ns: int) -> _Span:
        for span in reversed(self._spans):
            if span.boot_id == boot_id and abs(span.slept_ns - slept_ns) <= SLEPT_NS:
                return span
        self._spans = [*self._spans[1 - MAX_SPANS :], _Span(boot_id, slept_ns)]
        return self._spans[-1]
