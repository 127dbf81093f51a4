"""The guided self-test: every verdict, the wrong strip, and what it must survive."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timing.floor import STRIP_1, STRIP_2, TICK_MS, Floor
from timing import strip_verdict
from timing.stream import Line, LineRole
from timing.strip_hits import NS_PER_MS
from timing.strip_verdict import TAPS, Phase
from timing.strip_words import REMEDIES, TITLES, Verdict

DOCS = Path(__file__).resolve().parents[2] / "docs/strips.md"


# ---- one strip after the other


def test_two_good_strips() -> None:
    floor = Floor()
    floor.begin()
    assert floor.running.asked is None
    floor.hands_off()
    assert floor.running.asked == STRIP_1
    for tap in (1, 2, 3):
        floor.tap(17)
        assert floor.running.taps == tap
    floor.wait(300)
    assert floor.running.asked == STRIP_2
    for _ in range(TAPS):
        floor.tap(27, bounces=2)
    floor.wait(300)

    assert floor.running.phase is Phase.DONE
    assert floor.running.passed
    first, second = floor.running.verdicts
    assert (first.finding, first.remedy) == ("3 taps felt, 80 ms on it, no bounces.", None)
    assert second.finding == "3 taps felt, 80 ms on it, 2 bounces."


def test_an_early_tap_only_delays_the_first_question() -> None:
    floor = Floor()
    floor.begin()
    floor.wait(1_500)
    floor.tap(then_ms=1_900)
    assert floor.running.phase is Phase.HANDS_OFF
    floor.wait(200)
    assert (floor.running.asked, floor.running.taps) == (STRIP_1, 0)


def test_buttons_are_not_tested() -> None:
    floor = Floor(lines=(STRIP_1, Line(line=5, name="start", role=LineRole.BUTTON)))
    floor.begin()
    assert floor.running.lines == (STRIP_1,)


def test_nothing_to_test_is_done_at_once() -> None:
    floor = Floor(lines=())
    floor.begin()
    assert (floor.running.phase, floor.running.verdicts) == (Phase.DONE, ())


# ---- every verdict: what happens in strip 1's turn


def _three(**how: object) -> Callable[[Floor], None]:
    def taps(floor: Floor) -> None:
        for _ in range(TAPS):
            floor.tap(**how)  # type: ignore[arg-type]

    return taps


def _nothing(floor: Floor) -> None:
    floor.wait(20_100)


def _one_tap(floor: Floor) -> None:
    floor.tap()
    floor.wait(20_100)


def _other_strip(floor: Floor) -> None:
    for _ in range(TAPS):
        floor.tap(27)
    floor.wait(4_100)


def _never_let_go(floor: Floor) -> None:
    floor.tap()
    floor.tap()
    floor.edge(17, active=True)
    floor.wait(20_100)


def _never_quiet(floor: Floor) -> None:
    floor.chatter(17, 250)


def _merged(floor: Floor) -> None:
    for _ in range(2):  # The first time only shows that its rest was guessed wrongly.
        for _ in range(TAPS):
            floor.edge(17, active=False)
            floor.edge(17, active=False)
            floor.wait(400)
        floor.wait(2_000)


CASES = [
    (_three(), Verdict.GOOD, "3 taps felt, 80 ms on it, no bounces."),
    (_three(hold_ms=400), Verdict.GOOD, "3 taps felt, 400 ms on it, no bounces."),
    (_three(bounces=1), Verdict.GOOD, "3 taps felt, 80 ms on it, 1 bounce."),
    (_three(hold_ms=5), Verdict.GOOD, "3 taps felt, 5 ms on it, no bounces."),
    (_three(hold_ms=4.9), Verdict.TOO_SHORT, "A tap closes it for only 4 ms: a fast wheel would be missed."),
    (_merged, Verdict.TOO_SHORT, "A tap closes it for only under 1 ms: a fast wheel would be missed."),
    (_three(bounces=8), Verdict.GOOD, "3 taps felt, 80 ms on it, 8 bounces."),
    (_three(bounces=9), Verdict.CHATTERING, "9 bounces in one tap."),
    (_never_quiet, Verdict.CHATTERING, "100 bounces in one tap."),
    (_three(rest=True), Verdict.INVERTED, "It says pressed while nobody touches it, and lets go when tapped."),
    (_three(rest=True, hold_ms=900), Verdict.INVERTED, None),
    (_nothing, Verdict.DEAD, "Nothing came from line 17."),
    (_other_strip, Verdict.SWAPPED, "strip 2 fired when strip 1 was to be tapped."),
    (_one_tap, Verdict.MISSES, "Only 1 tap arrived."),
    (_never_let_go, Verdict.STUCK, "Line 17 says that it is pressed all the time."),
    (_three(ghost=27), Verdict.CROSS_TALK, "Tapping it makes strip 2 fire too."),
]


@pytest.mark.parametrize(("happens", "verdict", "finding"), CASES)
def test_what_happens_gives_the_verdict(
    happens: Callable[[Floor], None], verdict: Verdict, finding: str | None
) -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    happens(floor)
    floor.wait(400)

    assert floor.running.asked == STRIP_2
    said = floor.verdict()
    assert said.verdict is verdict, said
    assert finding is None or said.finding == finding
    assert (said.remedy is None) == said.good


def test_a_line_known_to_be_active_and_silent_is_stuck() -> None:
    floor = Floor()
    floor.edge(17, active=True)
    floor.begin()
    floor.hands_off()
    floor.wait(20_100)
    assert floor.verdict().verdict is Verdict.STUCK


def test_a_line_active_from_before_that_answers_upside_down_is_inverted() -> None:
    floor = Floor()
    floor.edge(17, active=True)
    floor.wait(30_000)
    floor.begin()
    floor.hands_off()
    _three(rest=True)(floor)
    floor.wait(400)
    assert floor.verdict().verdict is Verdict.INVERTED
    assert floor.verdict().remedy == "Swap :active-low and :active-high for line 17 in gpio_lines of the settings."


def test_a_foot_that_stood_on_the_strip_from_before_only_costs_three_taps_more() -> None:
    floor = Floor()
    floor.edge(17, active=True)
    floor.begin()
    floor.hands_off()
    floor.edge(17, active=False)
    floor.wait(500)
    _three()(floor)
    floor.wait(2_000)
    assert (floor.running.asked, floor.running.taps) == (STRIP_1, 0)
    _three()(floor)
    floor.wait(400)
    assert floor.verdict().verdict is Verdict.GOOD


def test_a_strip_that_fires_while_hands_are_off_chatters_and_is_not_asked_for() -> None:
    floor = Floor()
    floor.begin()
    for _ in range(40):
        floor.chatter(27, 10)
        floor.wait(140)
    assert floor.running.asked == STRIP_1
    _three()(floor)
    floor.wait(400)
    assert floor.running.phase is Phase.DONE
    assert [said.verdict for said in floor.running.verdicts] == [Verdict.GOOD, Verdict.CHATTERING]
    assert floor.verdict(27).finding.endswith(" contacts without being touched.")


def test_a_restless_strip_is_never_taken_for_the_other_ones_cross_talk() -> None:
    floor = Floor()
    floor.begin()
    for _ in range(60):
        floor.chatter(27, 5)
        floor.wait(100)
    assert floor.running.asked == STRIP_1
    _three(ghost=27)(floor)
    floor.wait(400)
    assert floor.verdict(17).verdict is Verdict.GOOD


def test_exchanged_cables_are_found_on_both_strips() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    _other_strip(floor)
    for _ in range(TAPS):
        floor.tap(17)
    floor.wait(4_100)
    assert [said.verdict for said in floor.running.verdicts] == [Verdict.SWAPPED, Verdict.SWAPPED]


def test_the_wrong_strip_is_named_at_once_and_forgiven() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    floor.tap(17)
    assert strip_verdict.wrong_strip(floor.running) is None
    floor.tap(27)
    assert strip_verdict.wrong_strip(floor.running) == STRIP_2
    floor.tap(17)
    assert strip_verdict.wrong_strip(floor.running) is None
    floor.tap(17)
    floor.wait(400)
    assert floor.verdict().verdict is Verdict.GOOD


def test_the_wrong_strip_is_named_also_in_the_moment_that_another_is_asked_for() -> None:
    floor = Floor()
    floor.begin()
    while floor.running.asked is None:
        floor.wait(TICK_MS)
    floor.edge(27, active=True)
    assert strip_verdict.wrong_strip(floor.running) == STRIP_2


def test_a_strip_that_fires_with_the_asked_one_is_not_called_the_wrong_one() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    floor.tap(17, ghost=27)
    assert strip_verdict.wrong_strip(floor.running) is None


def test_one_brush_among_three_taps_does_not_fail_a_strip() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    floor.tap(hold_ms=1)
    floor.tap(bounces=20)
    floor.tap()
    floor.wait(400)
    assert floor.verdict().verdict is Verdict.GOOD


def test_a_held_strip_is_told_to_let_go() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    floor.edge(17, active=True)
    floor.wait(600)
    assert not strip_verdict.is_held(floor.running, round(floor.now_ms * NS_PER_MS))
    floor.wait(200)
    assert strip_verdict.is_held(floor.running, round(floor.now_ms * NS_PER_MS))


def test_a_strip_may_be_skipped_and_then_the_test_is_not_passed() -> None:
    floor = Floor()
    floor.begin()
    for _ in range(3):  # The waiting, strip 1, strip 2.
        floor.test = strip_verdict.skip(floor.running, round(floor.now_ms * NS_PER_MS))
    assert floor.running.phase is Phase.DONE
    assert [said.verdict for said in floor.running.verdicts] == [Verdict.SKIPPED, Verdict.SKIPPED]
    assert not floor.running.passed
    assert strip_verdict.skip(floor.running, 0) == floor.running


def test_a_timer_kit_has_no_contact_times_and_no_releases() -> None:
    floor = Floor()
    floor.edge(17, active=True)
    floor.begin(is_kit=True)
    floor.hands_off()
    for _ in range(TAPS):
        floor.edge(17, active=True)
        floor.wait(3_000)
    assert floor.verdict().finding == "3 taps felt."
    assert (floor.verdict().good, floor.verdict().contact_ms) == (True, None)


# ---- whatever comes


MOMENTS = st.lists(
    st.tuples(st.sampled_from((17, 27)), st.booleans(), st.sampled_from((0.0, 0.1, 1.0, 60.0, 149.0, 400.0, 3_000.0))),
    max_size=60,
)


@given(MOMENTS, st.integers(0, 60))
@settings(deadline=None)
def test_whatever_the_strips_do_the_test_ends_with_one_verdict_for_each(
    moments: list[tuple[int, bool, float]], before: int
) -> None:
    floor = Floor()
    for place, (line, active, then_ms) in enumerate(moments):
        if place == before:
            floor.begin()
        floor.edge(line, active=active)
        floor.wait(then_ms)
    if floor.test is None:
        floor.begin()
    floor.wait(2 * 6_000 + 4 * 20_200)
    assert floor.running.phase is Phase.DONE
    assert [said.line for said in floor.running.verdicts] == [17, 27]


@given(
    st.lists(st.tuples(st.floats(6, 900), st.integers(0, 8), st.floats(151, 1_900)), min_size=3, max_size=3),
    st.booleans(),
)
@settings(deadline=None)
def test_any_three_sound_taps_are_good_and_upside_down_they_are_inverted(
    taps: list[tuple[float, int, float]], inverted: bool
) -> None:
    floor = Floor(lines=(STRIP_1,))
    floor.begin()
    floor.hands_off()
    for hold_ms, bounces, then_ms in taps:
        floor.tap(hold_ms=hold_ms, bounces=bounces, then_ms=then_ms, rest=inverted)
    floor.wait(800)
    assert floor.verdict().verdict is (Verdict.INVERTED if inverted else Verdict.GOOD)


def test_every_verdict_has_words_and_is_in_the_docs() -> None:
    written = DOCS.read_text()
    assert set(TITLES) == set(REMEDIES) == set(Verdict)
    assert [title for title in TITLES.values() if f"**{title}**" not in written] == []
