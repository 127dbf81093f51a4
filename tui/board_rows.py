"""
The board as rows of a terminal: which columns there is room for, and what stands in them. Pure.

From left to right: what moved, place, racer, country, the value that ranks, gap, laps, runs; wider ones have more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from timing.structs import BoardFormat, Standing
from tui.columns import Cell, Look, Row, fit
from tui.standings import gap_text, places
from tui.words import lap_text

NAME_CELLS = 16
"""A name gets at least so many, where runs, laps and gap give way; what is left over goes to it too."""
AROUND_NAME = 15
"""Cells of the sign, the place and the country."""
NAME_MOST = 44
APART = 2
WIDE_CELLS = 92
"""From here on the other of best lap and average is shown as well."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of numbers: its heading, its cells, what stands in it."""

    title: str
    cells: int
    text: Callable[[Standing], str]
    look: Look = Look.PLAIN


def board_rows(
    rows: Sequence[Standing], board_format: BoardFormat, signs: Mapping[str, str], cells: int
) -> tuple[Row, list[Row]]:
    """The heading and one row per racer, each as wide as `cells` allows; `signs` of those that moved, by racer id."""
    columns = _columns(board_format, cells)
    name_cells = max(1, min(NAME_MOST, cells - AROUND_NAME - _taken(columns)))
    heading = [
        Cell(fit("", 4)),
        Cell(fit("Pos", 4, right=True)),
        Cell(fit("  Racer", name_cells + 7)),
        *(Cell(fit(column.title, column.cells + APART, right=True)) for column in columns),
    ]
    return heading, [
        _row(row, place, signs.get(row.racer_id, ""), columns, name_cells)
        for row, place in zip(rows, places(rows), strict=True)
    ]


def detail(row: Standing, board_format: BoardFormat) -> list[tuple[str, str]]:
    """All that the box sums up of one racer, as label and text."""
    average = row.best_average
    window = "" if average is None else f" (laps {average.first_lap}–{average.last_lap})"
    said = [
        ("Place", "–" if row.place is None else str(row.place)),
        ("Best lap", lap_text(row.best_ms)),
        ("Best average", f"{lap_text(None if average is None else average.average_ms)}{window}"),
        ("Gap to first", gap_text(row.gap_ms) or "–"),
        ("Mean of valid", lap_text(row.mean_ms)),
        ("Valid laps", f"{row.valid_laps} of {row.valid_laps + row.invalid_laps} ({row.completion_percent} %)"),
        ("Runs", str(row.runs)),
        ("Laps per run", f"{row.laps_per_run:g}"),
        ("Longest valid", _counted(row.longest_valid_run)),
    ]
    return [*said, ("By proxy", "yes")] if row.by_proxy else said


def _columns(board_format: BoardFormat, cells: int) -> list[Column]:
    best = Column("Best lap", 9, lambda row: lap_text(row.best_ms), Look.STRONG)
    average = Column("Average", 9, lambda row: lap_text(_average_ms(row)), Look.STRONG)
    first, other = (best, average) if board_format is BoardFormat.FASTEST else (average, best)
    gap = Column("Gap", 10, lambda row: gap_text(row.gap_ms), Look.SOFT)
    laps = Column("Laps", 7, lambda row: f"{row.valid_laps}/{row.valid_laps + row.invalid_laps}")
    runs = Column("Runs", 4, lambda row: str(row.runs))
    if cells >= WIDE_CELLS:
        return [first, gap, Column(other.title, 9, other.text), laps, runs]
    columns = [first, gap, laps, runs]
    while len(columns) > 1 and _taken(columns) + AROUND_NAME + NAME_CELLS > cells:
        columns.pop()
    return columns


def _taken(columns: Sequence[Column]) -> int:
    return sum(column.cells + APART for column in columns)


def _row(row: Standing, place: str, sign: str, columns: Sequence[Column], name_cells: int) -> Row:
    look = Look.SOFT if row.place is None else Look.PLAIN
    name = f"{row.username}{' *' if row.by_proxy else ''}"
    return [
        Cell(fit(sign, 4), Look.WARN if sign.startswith("▼") else Look.GOOD),
        Cell(fit(place, 4, right=True), Look.STRONG if row.place is not None and row.place <= 3 else look),
        Cell(f"  {fit(name, name_cells)} {fit(row.country or '', 4)}", look),
        *(
            Cell(fit(column.text(row), column.cells + APART, right=True), look if row.place is None else column.look)
            for column in columns
        ),
    ]


def _average_ms(row: Standing) -> int | None:
    return None if row.best_average is None else row.best_average.average_ms


def _counted(laps: int) -> str:
    return f"{laps} lap{'' if laps == 1 else 's'} in a row"
