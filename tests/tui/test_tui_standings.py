"""The board of the terminal as values: places, gaps, what moved, and whom a typed name means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.boards import board, standing
from timing.structs import BoardFormat, Standing
from tui.board_rows import board_rows, detail
from tui.standings import count_text, find, gap_text, kept, moves, places, ranked_ms, shift_of

ROWS = [standing("Ann", 1, 9_100), standing("山田太郎", 2, 9_300), standing("annabelle", None, None)]


def texts(rows: list[Standing], cells: int = 74, signs: dict[str, str] | None = None) -> list[str]:
    """Heading and rows as they are seen."""
    heading, body = board_rows(rows, BoardFormat.FASTEST, signs or {}, cells)
    return ["".join(cell.text for cell in row) for row in (heading, *body)]


def test_a_narrow_board_has_place_racer_country_time_gap_laps_and_runs() -> None:
    assert texts(ROWS, signs={"Ann": "▲1"}) == [
        "     Pos  Racer                        Best lap         Gap     Laps  Runs",
        "▲1     1  Ann                   GB    00:09.100                  5/6     1",
        "       2  山田太郎              GB    00:09.300      +0.200      5/6     1",
        "       –  annabelle             GB            –                  5/6     1",
    ]


@given(st.text(min_size=1, max_size=80), st.integers(30, 140))
def test_no_name_breaks_the_columns(name: str, cells: int) -> None:
    rows = texts([standing(name, 1, 9_000), standing("b", 2, 9_100)], cells)
    assert {cell_len(row) for row in rows} == {cell_len(rows[0])}
    assert cell_len(rows[0]) <= cells


def test_a_wide_board_shows_the_other_value_too() -> None:
    heading, *_ = texts(ROWS, 100)
    assert heading.split() == ["Pos", "Racer", "Best", "lap", "Gap", "Average", "Laps", "Runs"]


def test_a_very_narrow_board_keeps_the_time() -> None:
    heading, *_ = texts(ROWS, 50)
    assert heading.split() == ["Pos", "Racer", "Best", "lap"]


def test_a_shared_place_is_told_for_all_who_share_it() -> None:
    shared = [standing("b", 2, 9_100), standing("c", 2, 9_100, tied=True)]
    rows = [standing("a", 1, 9_000), *shared, standing("d", 4, 9_200), standing("e", None, None)]
    assert places(rows) == ["1", "=2", "=2", "4", "–"]


@pytest.mark.parametrize(
    ("gap_ms", "text"), [(None, ""), (0, ""), (1, "+0.001"), (1_234, "+1.234"), (62_045, "+1:02.045")]
)
def test_a_gap_is_told_in_seconds(gap_ms: int | None, text: str) -> None:
    assert gap_text(gap_ms) == text


def test_the_ranked_value_is_the_one_of_the_format() -> None:
    row = standing("a", 1, 9_000)
    assert ranked_ms(row, BoardFormat.FASTEST) == 9_000
    assert ranked_ms(row, BoardFormat.AVERAGE) is None


def test_who_moved_is_marked_with_how_far() -> None:
    before = board(standing("a", 1, 9_000), standing("b", 2, 9_100), standing("c", 3, 9_200), standing("d", None, None))
    after = board(
        standing("c", 1, 8_900), standing("a", 2, 9_000), standing("b", 3, 9_050), standing("d", 4, 9_300),
        standing("e", None, None),
    )  # fmt: skip
    assert moves(before, after) == {"c": "▲2", "a": "▼1", "b": "▼1", "d": "new", "e": "new"}


def test_a_better_time_in_the_same_place_is_marked() -> None:
    assert moves(board(standing("a", 1, 9_000)), board(standing("a", 1, 8_900))) == {"a": "√"}


def test_another_board_moves_nobody() -> None:
    one = board(standing("a", 1, 9_000), standing("b", 2, 9_100))
    other = board(standing("b", 1, 9_000), standing("a", 2, 9_100), track="combined")
    assert moves(one, other) == {}
    assert moves(None, one) == {}


def test_what_is_read_stays_in_place_while_somebody_overtakes() -> None:
    before = [standing(str(number), number + 1, 9_000 + number) for number in range(10)]
    overtaken = [before[9], *before[:9]]
    assert shift_of(before, overtaken, 4, 3) == 1
    assert shift_of(overtaken, before, 5, 3) == -1
    assert shift_of(before, [*before[:4], before[6], before[4], before[5], *before[7:]], 4, 4) == 0
    assert shift_of(before, overtaken, 0, 3) == 0
    assert shift_of(before, [], 4, 3) == 0


@pytest.mark.parametrize(
    ("typed", "start", "index"),
    [("an", 0, 0), ("an", 1, 2), ("BELLE", 0, 2), ("田", 0, 1), ("zoe", 0, None), ("  ", 0, None)],
)
def test_a_typed_name_finds_who_begins_so_first(typed: str, start: int, index: int | None) -> None:
    assert find(ROWS, typed, start) == index


def test_who_has_no_time_is_counted() -> None:
    assert count_text(ROWS) == "3 racers, 1 without a time"
    assert count_text(ROWS[:1]) == "1 racer"


def test_a_mark_ends_by_itself() -> None:
    assert kept({"a": ("▲1", 5.0), "b": ("new", 4.0)}, 4.0) == {"a": ("▲1", 5.0)}


def test_all_about_a_racer_is_told() -> None:
    said = dict(detail(standing("a", 2, 9_000), BoardFormat.FASTEST))
    assert said["Best lap"] == "00:09.000"
    assert said["Valid laps"] == "5 of 6 (83 %)"
    assert said["Longest valid"] == "4 laps in a row"
    assert "By proxy" not in said
