"""Names in columns: of any script, of any length, and none of them can do anything to the screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.columns import fit, plain


@pytest.mark.parametrize(
    ("text", "cells", "fitted"),
    [
        ("ann", 5, "ann  "),
        ("annabelle", 5, "anna…"),
        ("山田太郎", 6, "山田… "),
        ("山田太郎", 5, "山田…"),
        ("山田太郎", 8, "山田太郎"),
        ("Zoe\u0308", 4, "Zoe\u0308 "),
        ("", 2, "  "),
        ("ann", 1, "…"),
        ("ann", 0, ""),
    ],
)
def test_a_name_takes_exactly_its_column(text: str, cells: int, fitted: str) -> None:
    assert fit(text, cells) == fitted


def test_numbers_stand_at_the_right() -> None:
    assert fit("12", 4, right=True) == "  12"


@given(st.text(max_size=60), st.integers(min_value=0, max_value=40), st.booleans())
def test_any_text_takes_exactly_its_column(text: str, cells: int, right: bool) -> None:
    assert cell_len(fit(text, cells, right=right)) == cells


@pytest.mark.parametrize("sign", ["\x1b", "\x07", "\r", "\n", "\x9b", "\u2028", "\x00"])
def test_what_a_terminal_would_obey_becomes_a_space(sign: str) -> None:
    assert plain(f"a{sign}[31mb") == "a [31mb"


def test_the_direction_of_writing_is_not_turned() -> None:
    assert plain("ann\u202eeve") == "anneve"
