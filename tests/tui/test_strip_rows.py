"""The strip check as rows: every line says what it does in words and signs, and what to do is on top."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.timing.floor import Floor, recorder
from timing.line_words import NOTHING_SET_UP
from timing.strip_picture import LinePicture, RecorderPicture, picture_of_test
from tui.columns import Cell, Look, Row
from tui.strip_rows import AWAY, HOW, Place, panel, strip_rows

CELLS = 77


def line(number: int = 17, name: str = "strip 1", **changed: object) -> LinePicture:
    """One that was tapped 12 s ago."""
    fields: dict[str, object] = {
        "is_button": False, "pressed": False, "hits": 3, "contact_ms": 41, "bounces": 2, "silent_ms": 12_000, **changed,
    }  # fmt: skip
    return LinePicture(line=number, name=name, **fields)  # type: ignore[arg-type]


def picture(
    *lines: LinePicture, floor: Floor | None = None, ended: str | None = None, **changed: object
) -> RecorderPicture:
    test = None if floor is None else picture_of_test(floor.running, round(floor.now_ms * 1e6))
    return RecorderPicture(recorder=recorder(**changed), lines=list(lines), test=test, ended=ended)


def text(row: Row) -> str:
    return "".join(cell.text for cell in row)


def rows_of(of: RecorderPicture, age_ms: int = 0, cells: int = CELLS, *, is_live: bool = True) -> list[str]:
    heading, rows, _ = strip_rows([of], age_ms, cells, is_live=is_live)
    return [text(row) for row in (heading, *rows)]


def said(of: RecorderPicture, *racing: str, rows: int = 16) -> list[Cell]:
    return panel(of, racing, CELLS, rows)


def words(of: RecorderPicture, *racing: str) -> str:
    return " ".join(cell.text for cell in said(of, *racing) if cell.text)


def test_every_line_is_a_row_of_words() -> None:
    pressed = line(27, "strip 2", pressed=True, hits=1, contact_ms=0, bounces=0, silent_ms=0)
    unheard = line(5, "start", is_button=True, hits=0, contact_ms=None, bounces=None, silent_ms=None)
    assert rows_of(picture(line(), pressed, unheard)) == [
        "Strip      Line    Now                Hits      On it  Bounces  Test         ",
        "Strips of this box           √ connected, simulated strips                   ",
        "  strip 1    17    silent for 12 s       3      41 ms        2               ",
        "  strip 2    27  ■ PRESSED               1        ...        0               ",
        "  start       5    not heard yet         0          –        –  a button     ",
    ]


@pytest.mark.parametrize(
    ("age_ms", "said"), [(0, "• just now"), (500, "silent for 2 s"), (120_000, "silent for 2 min")]
)
def test_silence_counts_on_by_itself(age_ms: int, said: str) -> None:
    assert said in rows_of(picture(line(silent_ms=1_500)), age_ms)[2]


def test_nobody_knows_of_a_line_while_the_box_or_its_recorder_is_away() -> None:
    assert "? not known" in rows_of(picture(line(pressed=True)), is_live=False)[2]
    away = rows_of(picture(line(pressed=True), connected=False))
    assert "× NO RECORDER" in away[1]
    assert "? not known" in away[2]


def test_rows_stand_for_recorders_and_lines() -> None:
    _, _, places = strip_rows([picture(line()), picture(line(3), is_own=False, name="pi two")], 0, CELLS)
    assert places == [Place(0), Place(0, 17), Place(1), Place(1, 3)]


@given(st.text(min_size=1, max_size=60), st.integers(50, 160))
def test_no_name_of_a_strip_breaks_the_columns(name: str, cells: int) -> None:
    of = picture(line(name=name), line(27, "b"), is_own=False, name=name, problem=name)
    assert {cell_len(row) for row in rows_of(of, cells=cells)} == {cells}


def test_a_narrow_terminal_keeps_the_verdicts() -> None:
    heading, *_ = rows_of(picture(line()), cells=57)
    assert heading.split() == ["Strip", "Line", "Now", "Hits", "Test"]


def test_without_a_test_it_says_how_to_begin_one() -> None:
    assert words(picture(line())) == HOW


def test_a_recorder_that_is_away_is_told_first_and_large() -> None:
    cells = said(picture(line(), connected=False, problem="No recorder answers."), "Track 1", rows=12)
    assert cells[0].text.startswith("█▄ █ ▄▀▄")
    assert cells[0].look is Look.BAD
    rest = " ".join(cell.text for cell in cells[4:])
    assert rest == f"Strips of this box: No recorder answers. {AWAY}"


def test_an_open_race_is_told_before_somebody_taps() -> None:
    assert words(picture(line()), "Track 1", "Track 2").startswith(
        "! A race is open on Track 1 and Track 2. Taps are crossings like any other:"
    )


def test_a_recorder_without_strips_says_what_to_set() -> None:
    assert words(picture()) == NOTHING_SET_UP


def test_trouble_of_a_recorder_is_told() -> None:
    of = picture(
        line(), problem="The disk is full.", note="An edge was lost.", clock_difference_ms=-4_200, ended="Gone."
    )
    assert words(of) == (
        f"! The disk is full. ! An edge was lost. ! Gone. ! Its clock is 4 s behind. Laps are right all the same. {HOW}"
    )


def test_the_strip_to_tap_is_asked_for_in_large_letters_and_marked() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    floor.tap()
    floor.tap(27)
    of = picture(line(), line(27, "strip 2"), floor=floor)
    cells = said(of)
    assert cells[0].text.startswith("▀█▀ ▄▀▄ █▀▄")
    assert [cell.text for cell in cells[8:]] == ["■ ○ ○   strip 1 of 2   That was strip 2. Tap strip 1."]
    assert "◄ ■ ○ ○" in rows_of(of)[2]


def test_a_short_terminal_gets_ordinary_capitals() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    assert said(picture(line(), floor=floor), rows=6)[0].text == "T A P   S T R I P   1   T H R E E   T I M E S"


def test_the_verdicts_say_what_to_do() -> None:
    floor = Floor()
    floor.begin()
    floor.hands_off()
    for _ in range(3):
        floor.tap()
    floor.wait(25_000)
    of = picture(line(), line(27, "strip 2"), floor=floor)
    assert [cell.text for cell in said(of)[-3:]] == [
        "× strip 2: Dead. Nothing came from line 27. Press the tape down along the",
        "  foil, and look at the cable and its plug.",
        "√ strip 1: Good. 3 taps felt, 80 ms on it, no bounces.",
    ]
    assert "√ Good" in rows_of(of)[2]
    assert "× Dead" in rows_of(of)[3]
