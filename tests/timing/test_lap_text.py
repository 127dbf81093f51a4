"""Reading what a person types for a lap: every time that is shown can be typed, and nothing else becomes a time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timing.lap_text import lap_text, lap_time_ms


@given(st.integers(0, 999 * 60_000 + 59_999))
def test_every_time_that_is_shown_can_be_typed(lap_ms: int) -> None:
    assert lap_time_ms(lap_text(lap_ms)) == lap_ms


@given(st.text(st.sampled_from("0123456789:., -٣x"), max_size=12))
def test_only_ascii_digits_are_a_time(text: str) -> None:
    assert text.isascii() or lap_time_ms(text) is None


@pytest.mark.parametrize(
    ("text", "lap_ms"),
    [
        ("00:12.345", 12_345),
        (" 1:02.3 ", 62_300),
        ("62.345", 62_345),
        ("9,1", 9_100),
        ("9", 9_000),
        ("00:00.000", 0),
        ("", None),
        ("9.1234", None),
        ("1:60", None),
        ("1:2:3", None),
        ("-9", None),
        ("nine", None),
        ("1e3", None),
    ],
)
def test_a_typed_time_is_read_or_refused(text: str, lap_ms: int | None) -> None:
    assert lap_time_ms(text) == lap_ms
