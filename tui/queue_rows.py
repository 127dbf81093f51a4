"""
The line of a track as rows of a terminal: place, racer, run, and what was said to them. Pure.
"""

from collections.abc import Mapping, Sequence

from timing.crew_structs import InLine
from timing.queue_structs import QueueEntry, QueueState
from tui.columns import Cell, Look, Row, fit
from tui.moments import age_ms, hour_text
from tui.widgets.queue_side import is_used_up
from tui.words import age_text, who

PLACE_CELLS = 4
RUN_CELLS = 12
""" "all 3 used"."""
SAID_CELLS = 26
""" "called 14:05, 12 min ago"."""
LEFT_CELLS = 13
""" "did not come"."""
NAME_MOST = 44
WITH_MOST = 34
GAP = "  "

LEFT_WORDS = {QueueState.DONE: "raced", QueueState.NO_SHOW: "did not come"}


def line_rows(
    line: Sequence[InLine], now_wall_ns: int | None, cells: int, prepared: Mapping[str, str] = {}
) -> tuple[Row, list[Row]]:
    """
    The heading and a row for each in line.

    Args:
        now_wall_ns: UTC on the box's clock, for how long ago somebody was called; None while it is not known.
        cells: Width of all columns together.
        prepared: With which car and model, by the id of the entry; without any the column is left out.
    """
    free = cells - PLACE_CELLS - RUN_CELLS - SAID_CELLS - 3 * len(GAP)
    with_cells = max(8, min(WITH_MOST, free // 2 - len(GAP))) if prepared else 0
    name_cells = max(8, min(NAME_MOST, free - with_cells - (len(GAP) if prepared else 0)))
    heading = [
        Cell(fit("#", PLACE_CELLS, right=True) + GAP),
        Cell(fit("Racer", name_cells) + GAP),
        *([Cell(fit("With", with_cells) + GAP)] if prepared else []),
        Cell(fit("Run", RUN_CELLS) + GAP),
        Cell(fit("State", SAID_CELLS)),
    ]
    rows: list[Row] = []
    for item in line:
        place, name, *others = _row(item, now_wall_ns, name_cells)
        named = [Cell(fit(prepared.get(item.entry.queue_id, ""), with_cells) + GAP)] if prepared else []
        rows.append([place, name, *named, *others])
    return heading, rows


def past_rows(past: Sequence[QueueEntry], cells: int) -> tuple[Row, list[Row]]:
    """Who has left the line, latest first."""
    name_cells = max(8, min(NAME_MOST, cells - LEFT_CELLS - len(GAP)))
    title = "Left the line" if past else "Left the line: nobody yet"
    heading = [Cell(fit(title, name_cells) + GAP), Cell(fit("", LEFT_CELLS))]
    return heading, [
        [
            Cell(fit(who(entry.username, entry.country), name_cells) + GAP),
            Cell(
                fit(LEFT_WORDS.get(entry.state, entry.state.value), LEFT_CELLS),
                Look.WARN if entry.state is QueueState.NO_SHOW else Look.SOFT,
            ),
        ]
        for entry in past
    ]


def run_words(item: InLine) -> str:
    """Which run they come for: "2 of 3", "2", or "all 3 used"."""
    if is_used_up(item):
        return f"all {item.max_runs} used"
    return f"{item.runs_done + 1}" if item.max_runs is None else f"{item.runs_done + 1} of {item.max_runs}"


def said_words(entry: QueueEntry, now_wall_ns: int | None) -> str:
    """What was said to them: called since when, skipped, or waiting since when."""
    if entry.state is QueueState.CALLED:
        ago = "" if now_wall_ns is None or not entry.called_at else f", {_ago(entry.called_at, now_wall_ns)}"
        return f"called {hour_text(entry.called_at)}{ago}"
    if entry.state is QueueState.SKIPPED:
        return "skipped"
    return f"since {hour_text(entry.added_at)}"


def _ago(iso: str, now_wall_ns: int) -> str:
    return f"{age_text(age_ms(iso, now_wall_ns))} ago"


SAID_LOOKS = {QueueState.CALLED: Look.GOOD, QueueState.SKIPPED: Look.WARN}


def _row(item: InLine, now_wall_ns: int | None, name_cells: int) -> Row:
    entry = item.entry
    return [
        Cell(fit(str(entry.position or "–"), PLACE_CELLS, right=True) + GAP, Look.SOFT),
        Cell(fit(who(entry.username, entry.country), name_cells) + GAP, Look.STRONG),
        Cell(fit(run_words(item), RUN_CELLS) + GAP, Look.BAD if is_used_up(item) else Look.PLAIN),
        Cell(fit(said_words(entry, now_wall_ns), SAID_CELLS), SAID_LOOKS.get(entry.state, Look.SOFT)),
    ]
