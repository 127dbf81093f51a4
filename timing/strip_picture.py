"""
What a page and a terminal show of a strip check: each line as it is, the self-test and what to do next. Pure.

Whoever shows it counts the silence on by itself: nothing is sent while nothing happens.
"""

from msgspec import Struct

from timing import strip_verdict
from timing.stream import Line, LineRole, StripsKind
from timing.strip_health import RecorderState
from timing.strip_hits import NS_PER_MS, LineState
from timing.strip_verdict import HANDS_OFF_NS, TAPS, Phase, StripTest
from timing.strip_words import LineVerdict


class LinePicture(Struct, frozen=True, kw_only=True):
    """
    One line. `contact_ms` and `bounces` are its last hit's, None before the first.

    `silent_ms`: since its last edge, None when none was heard. `contact_ms` 0: shorter than could be measured.
    """

    line: int
    name: str
    is_button: bool
    pressed: bool
    hits: int
    contact_ms: int | None
    bounces: int | None
    silent_ms: int | None


class TestPicture(Struct, frozen=True, kw_only=True):
    """
    The self-test: what to do now (`say`), what went wrong just now (`hint`), how far it is, and the verdicts so far.

    `asked` is the number of the strip to tap, None before and after.
    """

    __test__ = False  # No test of pytest's.

    phase: Phase
    say: str
    hint: str | None
    asked: int | None
    taps: int
    wanted: int
    place: int
    strips: int
    verdicts: tuple[LineVerdict, ...]
    passed: bool

    @property
    def running(self) -> bool:
        """Whether somebody is to do something."""
        return self.phase is not Phase.DONE


class RecorderPicture(Struct, frozen=True, kw_only=True):
    """One recorder with its lines, and its self-test: under way, the last one's result, or None."""

    recorder: RecorderState
    lines: list[LinePicture]
    test: TestPicture | None
    ended: str | None
    """Why the last test was not finished."""

    @property
    def simulated(self) -> bool:
        """Whether its strips can be tapped from a page."""
        return self.recorder.strips == StripsKind.SIMULATED


class StripCheckNow(Struct, frozen=True, kw_only=True):
    """What `GET /api/strips/check` sends: all recorders, the box's own first."""

    recorders: list[RecorderPicture]


def picture_of_line(line: Line, state: LineState | None, silent_ns: int | None, *, is_kit: bool = False) -> LinePicture:
    """One line as it is now; `silent_ns` since its last edge. A timer kit tells of passes, not of contacts."""
    hit = None if state is None or is_kit else state.last_hit
    return LinePicture(
        line=line.line,
        name=line.name,
        is_button=line.role is LineRole.BUTTON,
        pressed=state is not None and state.pressed and not is_kit,
        hits=0 if state is None else state.count,
        contact_ms=None if hit is None else hit.contact_ns // NS_PER_MS,
        bounces=None if hit is None else hit.bounces,
        silent_ms=None if silent_ns is None else max(0, silent_ns) // NS_PER_MS,
    )


def picture_of_test(test: StripTest, now_ns: int) -> TestPicture:
    """The self-test at this moment of the clock it is asked by."""
    asked = test.asked
    return TestPicture(
        phase=test.phase,
        say=_say(test),
        hint=_hint(test, now_ns),
        asked=None if asked is None else asked.line,
        taps=test.taps,
        wanted=TAPS,
        place=test.place + 1,
        strips=len(test.lines),
        verdicts=test.verdicts,
        passed=test.passed,
    )


def _say(test: StripTest) -> str:
    if test.phase is Phase.HANDS_OFF:
        return "Keep off the strips"
    if test.asked is not None:
        return f"Tap {test.asked.name} three times"
    if test.passed:
        return "All strips are good"
    bad = sum(not verdict.good for verdict in test.verdicts)
    return f"{bad} of {len(test.verdicts)} strips {'needs' if bad == 1 else 'need'} a hand"


def _hint(test: StripTest, now_ns: int) -> str | None:
    if test.phase is Phase.HANDS_OFF:
        fired = [line.name for line in test.lines if line.line in test.states]
        is_waiting = now_ns - test.since_ns > HANDS_OFF_NS
        return f"{fired[-1]} fires. Nobody may touch it." if fired and is_waiting else "for two seconds"
    if test.asked is None:
        return None
    wrong = strip_verdict.wrong_strip(test)
    if wrong is not None:
        return f"That was {wrong.name}. Tap {test.asked.name}."
    if strip_verdict.is_held(test, now_ns):
        return f"{test.asked.name} is still pressed. Let go of it."
    return "three seconds apart" if test.is_kit else None
