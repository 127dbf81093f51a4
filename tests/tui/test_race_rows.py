"""Races and laps as rows: as wide as their heading whatever the names, states in words, edits read or refused."""

from datetime import date
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.race_samples import lap, race
from timing.journal import Kind
from timing.structs import RaceState
from tui.columns import Row
from tui.race_edits import (
    MAX_RESETS,
    WRONG_TIME,
    Drafts,
    changed_words,
    is_same,
    read_resets,
    read_time,
    whole,
    why_not,
)
from tui.race_rows import lap_rows, race_rows, summary

TODAY = date(2026, 6, 5)
"""The day of the sample races."""


def text(row: Row) -> str:
    return "".join(cell.text for cell in row)


@given(st.text(max_size=40), st.text(max_size=40), st.integers(60, 160))
def test_every_race_is_as_wide_as_the_heading_whatever_the_names(name: str, track: str, cells: int) -> None:
    for tracks in ({"1": track}, {"1": track, "2": "Right"}):
        heading, rows = race_rows([race(username=name), race(by_proxy=True)], tracks, cells, TODAY)
        assert {cell_len(text(row)) for row in rows} == {cell_len(text(heading))}


@pytest.mark.parametrize("cells", [76, 78, 96])
def test_races_of_two_tracks_fit_the_width_they_are_given(cells: int) -> None:
    heading, _ = race_rows([], {"1": "Left", "2": "Right"}, cells, TODAY)
    assert cell_len(text(heading)) <= cells


@pytest.mark.parametrize("cells", [54, 78, 96])
def test_laps_fit_and_say_what_became_of_them(cells: int) -> None:
    laps = [
        lap(1),
        lap(2, 7_000, deleted=True),
        lap(3, valid=False, dnf=True),
        lap(4, 6_000, suspect=True, edited=True),
    ]
    heading, rows = lap_rows(laps, 8_000, cells)
    assert {cell_len(text(row)) for row in rows} == {cell_len(text(heading))}
    assert ["√ valid" in text(rows[0]), "× Deleted" in text(rows[1]), "× DNF" in text(rows[2])] == [True] * 3
    assert "best" in text(rows[0])
    if cells > 60:
        assert cell_len(text(heading)) <= cells
        assert "edited fast?" in text(rows[3])


def test_a_deleted_race_says_so_before_its_state() -> None:
    _, rows = race_rows([race(RaceState.SUBMITTED, deleted=True)], {"1": "Left"}, 78, TODAY)
    assert "× Deleted" in text(rows[0])


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("00:07.5", 7_500),
        ("nine", WRONG_TIME),
        ("", WRONG_TIME),
        ("0", "A lap takes more than no time. Delete the lap if it was none."),
        ("8", "It is 00:08.000 already. Type another time, or press Esc."),
    ],
)
def test_a_typed_time_is_read_or_says_what_to_type(typed: str, read: int | str) -> None:
    assert read_time(typed, lap(1)) == read


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), (" 12 ", 12), ("1000", 1000), ("1001", None), ("-1", None), ("", None), ("²", None)]
)
def test_resets_are_a_whole_number(text: str, number: int | None) -> None:
    assert whole(text, 0, MAX_RESETS) == number


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2", 2),
        ("two", "Type a whole number from 0 to 1000."),
        ("0", "It is 0 already. Type another number, or press Esc."),
    ],
)
def test_typed_resets_are_read_or_say_what_to_type(typed: str, read: int | str) -> None:
    assert read_resets(typed, lap(1)) == read


def test_the_same_correction_sent_again_is_the_same_action() -> None:
    numbers = count(1)
    drafts = Drafts(lambda: f"id-{next(numbers)}")
    first = drafts.action(" jumped ", kind=Kind.SET_TIME, lap=1, lap_ms=7_000)
    assert (first.action_id, first.reason) == ("id-1", "jumped")
    assert drafts.action("jumped", kind=Kind.SET_TIME, lap=1, lap_ms=7_000) == first
    assert drafts.action("jumped", kind=Kind.SET_TIME, lap=1, lap_ms=7_001).action_id == "id-2"
    assert drafts.action("", kind=Kind.SET_TIME, lap=1, lap_ms=7_001).reason is None


def test_a_lap_that_somebody_changed_meanwhile_is_told() -> None:
    assert is_same(lap(3), lap(3))
    assert not is_same(lap(3), lap(3, 8_001))
    assert not is_same(lap(3), None)
    message, _ = changed_words(lap(3), lap(3, 8_001, valid=False, resets=2))
    assert message == "Lap 3 was changed meanwhile: it is 00:08.001, invalid, 2 resets."


@pytest.mark.parametrize(
    ("view", "message"),
    [
        (race(RaceState.SUBMITTED, deleted=True), "This race is deleted."),
        (race(RaceState.DISCARDED), "This race was discarded."),
        (race(RaceState.RUNNING), "The race is not over yet."),
        (race(RaceState.SUBMITTED), "There is no such lap."),
    ],
)
def test_a_key_that_does_nothing_says_why(view: object, message: str) -> None:
    assert why_not(view, Kind.SET_TIME)[0] == message  # type: ignore[arg-type]


def test_the_day_is_shown_of_races_of_another_day() -> None:
    heading, rows = race_rows([race()], {"1": "Left"}, 78, TODAY)
    assert "Jun" not in text(rows[0])
    heading, rows = race_rows([race()], {"1": "Left"}, 78, date(2026, 6, 6))
    assert "Jun" in text(rows[0])
    assert cell_len(text(rows[0])) == cell_len(text(heading))


@given(st.text(min_size=1, max_size=20), st.integers(30, 160))
def test_the_line_over_a_race_is_cut_between_its_parts(track: str, cells: int) -> None:
    shown = summary(race(RaceState.SUBMITTED, lap(1), lap(2), lap(3)), track, cells)
    assert shown.cell_length <= cells
    assert shown.plain.startswith("ada (NL)   √ Submitted")
