"""The line as rows: every cell as wide as its column whatever the name, and every state in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from timing.crew_structs import InLine
from timing.queue_structs import QueueEntry, QueueState
from tui.columns import Row
from tui.queue_rows import line_rows, past_rows, run_words, said_words

NOON_NS = 1_795_348_800_000_000_000
"""22 November 2026, 12:00 UTC."""


def in_line(
    username: str = "ann", *, state: QueueState = QueueState.WAITING, runs: int = 0, most: int | None = 3
) -> InLine:
    """Somebody in line."""
    entry = QueueEntry(
        queue_id="q1",
        event_id="e1",
        track_id="1",
        racer_id="r1",
        username=username,
        country="DE",
        colour=None,
        state=state,
        position=1,
        added_at="2026-11-22T11:00:00.000Z",
        called_at="2026-11-22T11:57:00.000Z" if state is QueueState.CALLED else None,
        race_id=None,
    )
    return InLine(entry=entry, runs_done=runs, max_runs=most)


def test_car_and_model_that_are_prepared_have_a_column_where_anybody_has_some() -> None:
    line = [in_line("ann"), in_line("bo")]
    heading, (first, second) = line_rows(line, NOON_NS, 77, {"q1": "Blue 1, fast"})
    assert text(heading).split() == ["#", "Racer", "With", "Run", "State"]
    assert "ann (DE)" in text(first)
    assert "Blue 1, fast" in text(first)
    assert len(text(first)) == len(text(second)) == 77
    assert "With" not in text(line_rows(line, NOON_NS, 77)[0])


def text(row: Row) -> str:
    """A row as it is seen."""
    return "".join(cell.text for cell in row)


@given(st.text(max_size=60), st.integers(40, 200))
def test_every_row_is_as_wide_as_the_heading_whatever_the_name(name: str, cells: int) -> None:
    heading, rows = line_rows([in_line(name), in_line("ann")], NOON_NS, cells)
    assert {cell_len(text(row)) for row in rows} == {cell_len(text(heading))}
    heading, rows = past_rows([in_line(name, state=QueueState.DONE).entry], cells)
    assert {cell_len(text(row)) for row in rows} == {cell_len(text(heading))}


@pytest.mark.parametrize("cells", [76, 78, 100])
def test_a_row_fits_the_width_it_is_given(cells: int) -> None:
    heading, _ = line_rows([], None, cells)
    assert cell_len(text(heading)) <= cells


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (in_line(runs=0), "1 of 3"),
        (in_line(runs=2), "3 of 3"),
        (in_line(runs=3), "all 3 used"),
        (in_line(runs=4), "all 3 used"),
        (in_line(runs=7, most=None), "8"),
    ],
)
def test_runs_are_said_in_words(item: InLine, words: str) -> None:
    assert run_words(item) == words


def test_who_was_called_shows_since_when() -> None:
    called = in_line(state=QueueState.CALLED).entry
    assert said_words(called, NOON_NS).endswith(", 3 min ago")
    assert said_words(called, None).startswith("called ")
    assert "ago" not in said_words(called, None)
    assert said_words(in_line(state=QueueState.SKIPPED).entry, NOON_NS) == "skipped"
    assert said_words(in_line().entry, NOON_NS).startswith("since ")
