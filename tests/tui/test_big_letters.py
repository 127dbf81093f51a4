"""Large letters: an order fits the room it has, or is said in ordinary ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.big_letters import LETTERS, big_lines, can_draw, spaced

TAP = "Tap strip 1 three times"


def test_an_order_is_drawn_with_blocks() -> None:
    assert big_lines("Tap 1", 40, 3) == [
        "▀█▀ ▄▀▄ █▀▄    ▄█",
        " █  █▀█ █▀      █",
        " ▀  ▀ ▀ ▀       ▀",
    ]


def test_words_go_on_a_second_line_where_a_terminal_is_narrow() -> None:
    rows = big_lines(TAP, 76, 7)
    assert rows is not None
    assert len(rows) == 7
    assert rows[3] == ""


def test_a_wide_terminal_gets_larger_letters() -> None:
    rows = big_lines(TAP, 136, 12)
    assert rows is not None
    assert len(rows) == 11
    assert "██" in rows[0]


@pytest.mark.parametrize(("text", "width", "rows"), [(TAP, 76, 3), (TAP, 20, 12), ("Tap Ziel ö", 76, 9), ("", 76, 9)])
def test_what_does_not_fit_is_not_drawn(text: str, width: int, rows: int) -> None:
    assert big_lines(text, width, rows) is None


@pytest.mark.parametrize(
    ("text", "width", "said"),
    [
        ("Tap Süd", 40, ["T A P   S Ü D"]),
        ("Tap Süd three times", 12, ["TAP SÜD", "THREE TIMES"]),
        ("Tap 山田", 40, ["T A P   山 田"]),
    ],
)
def test_what_cannot_be_drawn_is_said_in_capitals(text: str, width: int, said: list[str]) -> None:
    assert spaced(text, width) == said


def test_every_letter_is_five_dots_high_and_even() -> None:
    assert {len(dots) for dots in LETTERS.values()} == {5}
    assert [sign for sign, dots in LETTERS.items() if len({len(row) for row in dots}) != 1] == []


@given(st.text(alphabet=[*LETTERS, " ", "a"], max_size=40), st.integers(1, 160), st.integers(1, 20))
def test_whatever_is_drawn_fits(text: str, width: int, rows: int) -> None:
    assert can_draw(text)
    drawn = big_lines(text, width, rows) or []
    assert len(drawn) <= rows
    assert all(len(row) <= width for row in drawn)
