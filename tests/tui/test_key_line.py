"""The keys at the foot of a screen, in rows."""

from hypothesis import given
from hypothesis import strategies as st

from tui.key_line import KeyWord, key_rows

KEYS = [KeyWord("l", "Lap"), KeyWord("space", "Pause"), KeyWord("?", "Help")]


def test_keys_stand_in_one_row_where_there_is_room() -> None:
    assert key_rows(KEYS, 30) == [KEYS]


def test_keys_that_do_not_fit_take_another_row() -> None:
    assert key_rows(KEYS, 21) == [KEYS[:2], KEYS[2:]]


@given(st.lists(st.builds(KeyWord, st.text("abc", min_size=1, max_size=5), st.text("xyz ", max_size=12)), max_size=25))
def test_no_key_is_left_out_and_no_row_is_too_long(keys: list[KeyWord]) -> None:
    rows = key_rows(keys, 80)
    assert [key for row in rows for key in row] == keys
    assert all(sum(key.cells for key in row) + 2 * (len(row) - 1) <= 78 for row in rows)
