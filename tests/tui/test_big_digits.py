"""Clock texts in large digits: their shape, their size, and that a running clock stands still."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.big_digits import SIZES, big_text, fitting_rows, glyph, glyph_width, starts, text_width

SIGNS = "0123456789:.- "
texts = st.text(SIGNS, min_size=1, max_size=9)
sizes = st.sampled_from(SIZES)


def test_three_rows_look_like_this() -> None:
    assert big_text("01:27.5", 3) == [
        "█▀▀▀█     █ ▄ ▀▀▀▀█ ▀▀▀▀█   █▀▀▀▀",
        "█   █     █ ▄ █▀▀▀▀     █   ▀▀▀▀█",
        "▀▀▀▀▀     ▀   ▀▀▀▀▀     ▀ ▀ ▀▀▀▀▀",
    ]


def test_five_rows_are_drawn_with_whole_blocks() -> None:
    assert big_text("34", 5) == [
        "██████ ██  ██",
        "    ██ ██  ██",
        "██████ ██████",
        "    ██     ██",
        "██████     ██",
    ]


@given(texts, sizes)
def test_all_lines_are_as_long_as_was_said(text: str, rows: int) -> None:
    lines = big_text(text, rows)
    assert len(lines) == rows
    assert {len(line) for line in lines} == {text_width(text, rows)}


@given(texts, sizes)
def test_each_sign_stands_where_it_starts(text: str, rows: int) -> None:
    lines = big_text(text, rows)
    for start, sign in zip(starts(text, rows), text, strict=True):
        end = start + glyph_width(sign, rows)
        assert tuple(line[start:end] for line in lines) == glyph(sign, rows)


@pytest.mark.parametrize("rows", SIZES)
def test_no_two_signs_look_alike(rows: int) -> None:
    assert len({glyph(sign, rows) for sign in SIGNS}) == len(SIGNS)


@pytest.mark.parametrize("rows", SIZES)
def test_all_digits_are_equally_wide(rows: int) -> None:
    assert len({glyph_width(sign, rows) for sign in "0123456789"}) == 1


@given(texts, st.integers(1, 200), st.integers(1, 60))
def test_the_largest_size_that_fits_is_chosen(text: str, width: int, height: int) -> None:
    rows = fitting_rows(text, width, height)
    fitting = [size for size in SIZES if size <= height and text_width(text, size) <= width]
    assert rows == max(fitting, default=3)


@pytest.mark.parametrize(
    ("width", "height", "rows"), [(39, 3, 3), (46, 5, 5), (58, 6, 5), (78, 8, 7), (138, 16, 15), (20, 2, 3)]
)
def test_a_clock_is_as_large_as_its_place(width: int, height: int, rows: int) -> None:
    assert fitting_rows("01:30.0", width, height) == rows
