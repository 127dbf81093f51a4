"""The strip check as text: it fits the terminal, and says everything without colour."""

import re

import pytest

from tests.timing.floor import STRIP_1, STRIP_2, Floor, recorder
from timing.stream import Line
from timing.strip_hits import LineState, step
from timing.strip_picture import RecorderPicture, picture_of_line, picture_of_test
from timing.strip_screen import Look, frame, hit_row
from timing.strip_words import Verdict, verdict_of

PLAIN = Look(colour=False)
LONG = Line(line=1023, name="the long strip behind the stage, on the left")


def tapped(floor: Floor, line: int = 17, contact_ms: float = 42) -> LineState:
    state = step(LineState(), floor.edge(line, active=True))
    floor.now_ms += contact_ms
    return step(state, floor.edge(line, active=False))


def picture(*lines: Line, floor: Floor | None = None, **changed: object) -> RecorderPicture:
    """A recorder whose first line was tapped 12 s ago and whose second is pressed."""
    hands = Floor()
    states = [tapped(hands), step(LineState(), hands.edge(27, active=True)), None, None]
    pictures = [
        picture_of_line(line, state, None if state is None else 12_000_000_000)
        for line, state in zip(lines, states, strict=False)
    ]
    test = None if floor is None or floor.test is None else picture_of_test(floor.test, round(floor.now_ms * 1e6))
    return RecorderPicture(recorder=recorder(**changed), lines=pictures, test=test, ended=None)


def shown(of: RecorderPicture, look: Look = PLAIN) -> str:
    return "\n".join(frame(of, look, muted=False))


def test_every_line_is_a_row() -> None:
    text = shown(picture(STRIP_1, STRIP_2, Line(line=22, name="spare")))
    assert " strip 1  line 17   silent for 12 s        1 hit      42 ms on it  0 bounces" in text
    assert " strip 2  line 27   PRESSED                1 hit        ... on it  0 bounces" in text
    assert " spare    line 22   not heard yet          0 hits\n" in text
    assert text.splitlines()[0].endswith("live ")
    assert text.splitlines()[-1] == " t test   m mute   q quit"


def test_test_asks_in_capitals_and_shows_the_taps() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    floor.tap()
    floor.tap(27)
    text = shown(picture(STRIP_1, floor=floor))
    assert " TAP STRIP 1 THREE TIMES   ● ○ ○   (1 of 2)\n That was strip 2. Tap strip 1." in text
    assert text.splitlines()[-1] == " s skip   e end test   m mute   q quit"


def test_a_terminal_without_unicode_gets_ascii_signs() -> None:
    floor = Floor(lines=(STRIP_1,))
    floor.begin()
    floor.hands_off()
    floor.tap()
    look = Look(colour=False, unicode=False)
    assert "X - -" in shown(picture(STRIP_1, floor=floor), look)
    floor.wait(20_100)
    text = shown(picture(STRIP_1, floor=floor), look)
    assert " NO 1 of 1 strips needs a hand" in text
    assert " NO strip 1  Misses taps. Only 1 tap arrived. Tap again in the middle;" in text
    assert text.isascii()


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (140, 40), (60, 10), (20, 4)])
def test_a_frame_is_never_larger_than_the_terminal(columns: int, rows: int) -> None:
    floor = Floor(lines=(STRIP_1, STRIP_2, LONG))
    floor.begin()
    floor.hands_off()
    floor.wait(61_000)
    of = picture(STRIP_1, STRIP_2, LONG, floor=floor, problem="The disk is full. " * 4)
    text = frame(of, Look(columns=columns, rows=rows), muted=True)
    assert len(text) == rows
    if columns >= 60:
        assert [row for row in text if len(re.sub("\x1b\\[[0-9;]*m", "", row)) > columns] == []


def test_a_recorder_that_went_away_is_said() -> None:
    text = shown(picture(STRIP_1, connected=False, problem="No heartbeat for 3 s."))
    assert "NOT LIVE: trying again" in text
    assert "No heartbeat for 3 s." in text


def test_no_strips_says_what_to_set() -> None:
    assert 'No strips are set up. In trackside.toml, set strips = "gpio"' in shown(picture())


def test_a_hit_for_a_pipe() -> None:
    (line,) = picture(STRIP_1).lines
    assert hit_row(line) == "strip 1  line 17  42 ms on it  0 bounces  hit 1"
    floor = Floor()
    short = picture_of_line(STRIP_1, tapped(floor, contact_ms=0.2), 0)
    assert hit_row(short) == "strip 1  line 17  under 1 ms on it  0 bounces  hit 1"


def test_colour_only_repeats_what_words_say() -> None:
    verdict = verdict_of(STRIP_1, Verdict.DEAD)
    assert not verdict.good
    of = picture(STRIP_1, STRIP_2)
    coloured = "\n".join(frame(of, Look(), muted=False))
    assert "\x1b[" in coloured
    stripped = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    assert [row.rstrip() for row in stripped.splitlines()] == [row.rstrip() for row in shown(of).splitlines()]
