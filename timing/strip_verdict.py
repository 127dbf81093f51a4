"""
The guided self-test of a recorder's strips, "tap each strip three times", and its verdict per line. Pure.

First everybody keeps off: what fires now fires by itself. Then each strip in turn is tapped three times, and judged
once it is quiet again. Two clocks take part and are never mixed: hits and contacts are measured by the recorder's own
stamps (`edge_ns`), waiting by the clock of whoever asks (`now_ns`).

A line at rest sends nothing, so the first edge tells which level was its rest: one that falls first and is active again
afterwards is inverted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from statistics import median_low
from types import MappingProxyType

from timing.crossings import EdgeSeen
from timing.stream import Line, LineRole
from timing.strip_hits import NS_PER_MS, Hit, LineState, step
from timing.strip_words import LineVerdict, Verdict, verdict_of

TAPS = 3
NS_PER_S = 1_000_000_000
HANDS_OFF_NS = 2 * NS_PER_S
"""Quiet to wait for before the first tap: a strip that fires by itself does so about every second or faster."""
HANDS_OFF_AT_MOST_NS = 6 * NS_PER_S
RESTLESS_EDGES = 10
"""Edges while everybody keeps off that make a strip chatter; three taps of somebody impatient are six."""
SETTLE_NS = 700 * NS_PER_MS
"""Quiet after the third tap until the verdict: a fourth one would have come, and a held finger is off."""
TAP_TIMEOUT_NS = 20 * NS_PER_S
"""Since the last tap, or since it was asked for: time to walk to the other end of the line."""
WRONG_STRIP_NS = 4 * NS_PER_S
"""How long somebody who tapped another strip three times has to notice."""
WRONG_TAP_NS = 100 * NS_PER_MS
"""A strip that fires sooner after the asked one does so with it, not instead of it."""
MAX_BOUNCES = 8
"""In one tap. Foil settles within a few ms, at some tenths of a ms per bounce: up to five are common."""
TOO_MANY_BOUNCES = 100
"""In one tap: no need to wait for two more."""
MIN_CONTACT_NS = 5 * NS_PER_MS
"""
Of one tap. A finger stays for 50 ms or more; a wheel at 4 m/s is over a 20 mm strip in 5 ms, a tenth of that. The
kernel reads the level some time after the interrupt (up to 1 ms on a busy box): two edges closer together than that
merge into one or are labelled wrongly, so a strip that closes for less than 5 ms under a finger may miss a car.
"""
CROSS_TALK_NS = 30 * NS_PER_MS
"""Two strips that fire so close together were not tapped in turn: nobody is that quick, and no car (41 ms per axle)."""


class Phase(StrEnum):
    """Where the test is."""

    HANDS_OFF = "hands_off"
    TAP = "tap"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class StripTest:
    """
    A self-test under way, or done. `states` holds what each line did in this phase (or this strip's turn).

    `since_ns`, `heard_ns` and `tapped_ns` say when the turn began, when the asked line (while hands are off: any line)
    was last heard, and when its last tap came; `wrong_ns` and `wrong_line` tell of the last tap of another line.
    """

    lines: tuple[Line, ...]
    since_ns: int
    heard_ns: int
    tapped_ns: int
    wrong_ns: int = 0
    wrong_line: int | None = None
    is_kit: bool = False
    """The source tells of passes only, no contacts (a DREM timer kit)."""
    phase: Phase = Phase.HANDS_OFF
    place: int = 0
    newest: Mapping[int, EdgeSeen] = field(default_factory=lambda: MappingProxyType({}))
    """Each line's last edge, for its level."""
    states: Mapping[int, LineState] = field(default_factory=lambda: MappingProxyType({}))
    verdicts: tuple[LineVerdict, ...] = ()

    @property
    def asked(self) -> Line | None:
        """The strip to tap now."""
        return self.lines[self.place] if self.phase is Phase.TAP else None

    @property
    def taps(self) -> int:
        """How often it was tapped."""
        return 0 if self.asked is None else min(TAPS, self._asked_state.count)

    @property
    def passed(self) -> bool:
        """Done, and every strip good."""
        return self.phase is Phase.DONE and all(verdict.good for verdict in self.verdicts)

    @property
    def _asked_state(self) -> LineState:
        return self.states.get(self.lines[self.place].line, LineState())


def begin(lines: Sequence[Line], newest: Mapping[int, EdgeSeen], now_ns: int, *, is_kit: bool = False) -> StripTest:
    """
    Start a test of these lines, in this order; buttons are left out.

    Args:
        newest: The last edge heard of each line, as far as any was.
    """
    strips = tuple(line for line in lines if line.role is LineRole.STRIP)
    test = StripTest(strips, now_ns, now_ns, now_ns, is_kit=is_kit, newest=MappingProxyType(dict(newest)))
    return test if strips else replace(test, phase=Phase.DONE)


def heard(test: StripTest, edge: EdgeSeen, now_ns: int) -> StripTest:
    """The test after an edge of any line."""
    if test.phase is Phase.DONE or (test.is_kit and not edge.active):
        return test
    before = test.states.get(edge.line) or _untouched(None if test.is_kit else test.newest.get(edge.line), edge)
    after = step(before, edge)
    if test.is_kit:  # A pass is all it tells of: there is nothing to let go.
        after = replace(after, active=False)
    test = replace(
        test,
        newest=MappingProxyType({**test.newest, edge.line: edge}),
        states=MappingProxyType({**test.states, edge.line: after}),
    )
    is_tap = after.count > before.count
    if test.asked is None or edge.line == test.asked.line:
        test = replace(test, heard_ns=now_ns, tapped_ns=now_ns if is_tap else test.tapped_ns)
    elif is_tap:
        test = replace(test, wrong_ns=now_ns, wrong_line=edge.line)
    return advance(test, now_ns)


def advance(test: StripTest, now_ns: int) -> StripTest:
    """The test at this moment: silence decides too. Call it a few times a second."""
    if test.phase is Phase.HANDS_OFF:
        is_over = now_ns - test.heard_ns >= HANDS_OFF_NS or now_ns - test.since_ns >= HANDS_OFF_AT_MOST_NS
        return _ask_first(test, now_ns) if is_over else test
    if test.phase is Phase.TAP and _is_over(test, now_ns):
        if _guessed_rest_wrongly(test):
            return _turn(test, test.place, now_ns)
        return _next(test, _judged(test), now_ns)
    return test


def skip(test: StripTest, now_ns: int) -> StripTest:
    """Leave out the strip that is asked for, or the waiting before the first."""
    if test.phase is Phase.HANDS_OFF:
        return _ask_first(test, now_ns)
    if test.asked is None:
        return test
    return _next(test, verdict_of(test.asked, Verdict.SKIPPED, taps=test.taps), now_ns)


def wrong_strip(test: StripTest) -> Line | None:
    """The strip that was tapped last, if it is not the asked one: to say so at once."""
    if test.asked is None or (test.taps and test.wrong_ns < test.tapped_ns + WRONG_TAP_NS):
        return None
    return next((line for line in _others(test) if line.line == test.wrong_line), None)


def is_held(test: StripTest, now_ns: int) -> bool:
    """Whether the asked strip has been pressed for longer than a tap takes: somebody stands on it, or it sticks."""
    state = test.asked and test.states.get(test.asked.line)
    return bool(state and not state.rest_active and state.pressed and now_ns - test.heard_ns >= SETTLE_NS)


def _untouched(newest: EdgeSeen | None, edge: EdgeSeen) -> LineState:
    """A line before its first edge of a turn: at rest, at the level it had, or else the one that this edge leaves."""
    if newest is None or newest.recorder_boot_id != edge.recorder_boot_id:
        return LineState(rest_active=not edge.active)
    return LineState(newest.active, newest.active, newest.recorder_boot_id, newest.edge_ns)


def _ask_first(test: StripTest, now_ns: int) -> StripTest:
    is_quiet = now_ns - test.heard_ns >= HANDS_OFF_NS
    restless = tuple(
        verdict_of(line, Verdict.CHATTERING, contacts=(state.edges + 1) // 2)
        for line in test.lines
        if not is_quiet and (state := test.states.get(line.line)) and state.edges >= RESTLESS_EDGES
    )
    return _turn(replace(test, phase=Phase.TAP, verdicts=restless), 0, now_ns)


def _turn(test: StripTest, place: int, now_ns: int) -> StripTest:
    """Ask for the strip at `place`, or the first one after it that has no verdict yet."""
    judged = {verdict.line for verdict in test.verdicts}
    while place < len(test.lines) and test.lines[place].line in judged:
        place += 1
    if place == len(test.lines):
        in_order = [line.line for line in test.lines]
        verdicts = tuple(sorted(test.verdicts, key=lambda verdict: in_order.index(verdict.line)))
        return replace(test, phase=Phase.DONE, verdicts=verdicts, states=MappingProxyType({}))
    empty: Mapping[int, LineState] = MappingProxyType({})
    return replace(test, place=place, states=empty, since_ns=now_ns, heard_ns=now_ns, tapped_ns=now_ns, wrong_line=None)


def _next(test: StripTest, verdict: LineVerdict, now_ns: int) -> StripTest:
    return _turn(replace(test, verdicts=(*test.verdicts, verdict)), test.place + 1, now_ns)


def _is_over(test: StripTest, now_ns: int) -> bool:
    state = test._asked_state
    if (
        max((hit.bounces for hit in state.hits), default=0) >= TOO_MANY_BOUNCES
        or now_ns - test.tapped_ns >= TAP_TIMEOUT_NS
    ):
        return True
    quiet_ns = now_ns - test.heard_ns
    if _guessed_rest_wrongly(test):
        return quiet_ns >= HANDS_OFF_NS
    if quiet_ns < SETTLE_NS:
        return False
    if state.count >= TAPS:
        return not state.pressed
    return _swapped_with(test) is not None and now_ns - test.wrong_ns >= WRONG_STRIP_NS


def _guessed_rest_wrongly(test: StripTest) -> bool:
    """It seemed to be active at rest and is not: its pulses were labelled wrongly, or somebody had stood on it."""
    state = test._asked_state
    return state.rest_active and state.active is False


def _judged(test: StripTest) -> LineVerdict:
    line, state = test.lines[test.place], test._asked_state
    if not state.hits:
        return _silent(test, line)
    bounces = median_low([hit.bounces for hit in state.hits])
    contact_ns = median_low([hit.contact_ns for hit in state.hits])
    contact_ms = None if test.is_kit else contact_ns // NS_PER_MS
    fires_too = _cross_talk(test)
    verdict = Verdict.GOOD
    most = max(hit.bounces for hit in state.hits)
    if most >= TOO_MANY_BOUNCES or bounces > MAX_BOUNCES:
        verdict, bounces = Verdict.CHATTERING, most
    elif state.rest_active:
        verdict = Verdict.INVERTED
    elif state.pressed:
        verdict = Verdict.STUCK
    elif state.count < TAPS:
        verdict = Verdict.MISSES
    elif contact_ns < MIN_CONTACT_NS and not test.is_kit:
        verdict = Verdict.TOO_SHORT
    elif fires_too is not None:
        verdict = Verdict.CROSS_TALK
    return verdict_of(
        line,
        verdict,
        taps=min(TAPS, state.count),
        contact_ms=contact_ms,
        bounces=bounces,
        other=fires_too.name if fires_too else "",
    )


def _silent(test: StripTest, line: Line) -> LineVerdict:
    """It made no edge at all in its turn."""
    newest, other = test.newest.get(line.line), _swapped_with(test)
    if newest is not None and newest.active and not test.is_kit:
        return verdict_of(line, Verdict.STUCK)
    if other is not None:
        return verdict_of(line, Verdict.SWAPPED, other=other.name)
    return verdict_of(line, Verdict.DEAD)


def _others(test: StripTest) -> list[Line]:
    """The strips that are not asked for and have not been found to fire by themselves."""
    restless = {verdict.line for verdict in test.verdicts if verdict.verdict is Verdict.CHATTERING}
    return [line for line in test.lines if line != test.asked and line.line not in restless]


def _swapped_with(test: StripTest) -> Line | None:
    """The strip that answered to all taps while the asked one stayed silent."""
    if test._asked_state.hits:
        return None
    return next((line for line in _others(test) if test.states.get(line.line, LineState()).count >= TAPS), None)


def _cross_talk(test: StripTest) -> Line | None:
    """The strip that fired with more than half of the asked one's taps."""
    taps = test._asked_state.hits
    for line in _others(test):
        fired = test.states.get(line.line, LineState()).hits
        if 2 * sum(_is_near(tap, fired) for tap in taps) > len(taps):
            return line
    return None


def _is_near(tap: Hit, fired: Sequence[Hit]) -> bool:
    return any(abs(hit.from_ns - tap.from_ns) <= CROSS_TALK_NS for hit in fired)
