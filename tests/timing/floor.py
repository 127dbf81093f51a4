"""Somebody on the floor who taps strips: edges with stamps, and the self-test that hears them. No time passes."""

from dataclasses import dataclass, field

import msgspec

from timing import strip_verdict
from timing.crossings import EdgeSeen
from timing.stream import Line
from timing.strip_health import RecorderState
from timing.strip_hits import NS_PER_MS
from timing.strip_verdict import Phase, StripTest
from timing.strip_words import LineVerdict

STRIP_1 = Line(line=17, name="strip 1")
STRIP_2 = Line(line=27, name="strip 2")
AHEAD_NS = 77_000_000_000_000
"""The recorder's clock before the server's: nothing may mix the two."""
TICK_MS = 100


def recorder(**changed: object) -> RecorderState:
    """The box's own, connected, with two strips."""
    state = RecorderState(
        recorder_id="pi",
        remote_id=None,
        name="this box",
        is_own=True,
        connected=True,
        caught_up=True,
        problem=None,
        note=None,
        strips="simulated",
        lines=[STRIP_1, STRIP_2],
        last_seq=0,
        offset_us=0,
        offset_error_us=0,
        clock_difference_ms=0,
    )
    return msgspec.structs.replace(state, **changed)


@dataclass
class Floor:
    """A recorder with two strips, the clocks, and the test under way."""

    lines: tuple[Line, ...] = (STRIP_1, STRIP_2)
    now_ms: float = 1_000.0
    seq: int = 0
    newest: dict[int, EdgeSeen] = field(default_factory=dict)
    test: StripTest | None = None

    @property
    def running(self) -> StripTest:
        assert self.test is not None
        return self.test

    def begin(self, *, is_kit: bool = False) -> None:
        self.test = strip_verdict.begin(self.lines, self.newest, self._now_ns(), is_kit=is_kit)

    def edge(self, line: int, *, active: bool, at_ms: float | None = None) -> EdgeSeen:
        """One edge, heard at once; `at_ms` when its stamp is another."""
        self.seq += 1
        at_ns = round((self.now_ms if at_ms is None else at_ms) * NS_PER_MS)
        made = EdgeSeen("pi", "server", self.seq, line, active, at_ns, at_ns, "pi-boot", at_ns + AHEAD_NS)
        self.newest[line] = made
        if self.test is not None:
            self.test = strip_verdict.heard(self.test, made, self._now_ns())
        return made

    def wait(self, ms: float) -> None:
        """Time passes, and the test looks at its watch."""
        until = self.now_ms + ms
        while self.now_ms < until:
            self.now_ms = min(until, self.now_ms + TICK_MS)
            if self.test is not None:
                self.test = strip_verdict.advance(self.test, self._now_ns())

    def tap(self, line: int = 17, *, hold_ms: float = 80, bounces: int = 0, rest: bool = False, then_ms: float = 400,
            ghost: int | None = None) -> None:  # fmt: skip
        """Press and let go; `rest` is the level of a strip that nobody touches, `ghost` a line that fires with it."""
        self.edge(line, active=not rest)
        for _ in range(bounces):
            self.now_ms += 0.3
            self.edge(line, active=rest)
            self.now_ms += 0.3
            self.edge(line, active=not rest)
        if ghost is not None:
            self.edge(ghost, active=True, at_ms=self.now_ms + 1)
            self.edge(ghost, active=False, at_ms=self.now_ms + 3)
        self.now_ms += hold_ms
        self.edge(line, active=rest)
        self.wait(then_ms)

    def chatter(self, line: int, edges: int, every_ms: float = 1) -> None:
        """The contact opens and closes by itself."""
        active = not (line in self.newest and self.newest[line].active)
        for _ in range(edges):
            self.edge(line, active=active)
            active = not active
            self.now_ms += every_ms

    def hands_off(self) -> None:
        """Until the first strip is asked for."""
        self.wait(2_100)
        assert self.running.phase is not Phase.HANDS_OFF

    def verdict(self, line: int = 17) -> LineVerdict:
        return next(verdict for verdict in self.running.verdicts if verdict.line == line)

    def _now_ns(self) -> int:
        return round(self.now_ms * NS_PER_MS)
