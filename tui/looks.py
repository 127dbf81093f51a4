"""How rows of cells look outside a list of rows: the same looks, from the theme. Names stay plain text."""

from collections.abc import Sequence

from textual.content import Content

from tui.columns import Cell, Look, Row

STYLES: dict[Look, str] = {
    Look.PLAIN: "",
    Look.SOFT: "$text-muted",
    Look.STRONG: "bold",
    Look.GOOD: "bold $text-success",
    Look.WARN: "bold $text-warning",
    Look.BAD: "bold $text-error",
}


def content_of(cells: Sequence[Cell]) -> Content:
    """One cell per line."""
    return Content("\n").join(_styled(cell) for cell in cells)


def content_of_rows(rows: Sequence[Row]) -> Content:
    """One row per line."""
    return Content("\n").join(Content("").join(_styled(cell) for cell in row) for row in rows)


def _styled(cell: Cell) -> Content:
    return Content.styled(cell.text, STYLES[cell.look]) if STYLES[cell.look] else Content(cell.text)
