"""Who is next, beside the race: lines for a panel. Pure."""

from collections.abc import Sequence

from textual.content import Content

from timing.crew_structs import InLine
from timing.queue_structs import QueueEntry, QueueState
from tui.columns import fit
from tui.widgets.panel import BAD, OWN, SOFT, STRONG, Draw, spread
from tui.words import counted

WIDE = 40
"""Cells from which there is room for more than a name of 20 letters."""
WORDS_CELLS = 12
NAME_CELLS = 24
STATE_WORDS = {QueueState.CALLED: "called", QueueState.SKIPPED: "skipped"}


def queue_lines(line: Sequence[InLine], past: Sequence[QueueEntry] = ()) -> Draw:
    """The line, next one first, then who raced before; what has no room is counted."""
    standing = in_line(line)

    def draw(width: int, height: int) -> list[Content]:
        count = Content.assemble((f"{len(standing)} in line" if standing else "", SOFT))
        lines = [spread(Content.assemble(("NEXT", STRONG)), count, width)]
        rows = max(0, height - 1)
        shown = standing if len(standing) <= rows else standing[: max(0, rows - 1)]
        lines += [_row(one, width) for one in shown]
        if not standing:
            lines.append(Content.assemble((fit("Nobody. 2 opens the queue.", width), SOFT)))
        if len(shown) < len(standing):
            lines.append(Content.assemble((f"    and {counted(len(standing) - len(shown), 'more', 'more')}", SOFT)))
        return [*lines, *_past(past, height - len(lines), width)]

    return draw


def in_line(line: Sequence[InLine]) -> list[InLine]:
    """Who stands in line; who is racing is not next."""
    return [one for one in line if one.entry.state is not QueueState.RACING]


def is_used_up(one: InLine) -> bool:
    """All runs are raced: one more is for the crew to allow."""
    return one.max_runs is not None and one.runs_done >= one.max_runs


def run_text(one: InLine) -> str:
    """ "1/3": the run they come for; "used" when there is none left."""
    if is_used_up(one):
        return "used"
    return f"{one.runs_done + 1}/{one.max_runs}" if one.max_runs is not None else str(one.runs_done + 1)


def _row(one: InLine, width: int) -> Content:
    """Place, name, run; where there is room the country and the state in words too."""
    entry, is_wide = one.entry, width >= WIDE
    is_called = entry.state is QueueState.CALLED
    name_cells = width - 9 - (WORDS_CELLS if is_wide else 0)
    state = f" {entry.country or '':<2}  {STATE_WORDS.get(entry.state, ''):<7} " if is_wide else " "
    return Content.assemble(
        (f"{entry.position or 0:>2}{'!' if is_called else ' '} ", OWN if is_called else SOFT),
        (fit(entry.username, name_cells), STRONG),
        (state, OWN if is_called else SOFT),
        (f"{run_text(one):>4}", BAD if is_used_up(one) else SOFT),
    )


def _past(past: Sequence[QueueEntry], rows: int, width: int) -> list[Content]:
    """Who has left the line, when three or more rows are free for them."""
    if not past or rows < 4:
        return []
    words = {QueueState.DONE: "raced", QueueState.NO_SHOW: "not there"}
    lines = [Content(""), Content.assemble(("BEFORE", SOFT))]
    for entry in past[: rows - 2]:
        word = words.get(entry.state, entry.state.value)
        lines.append(
            spread(
                Content.assemble("    ", (fit(entry.username, min(NAME_CELLS, width - 18)), "")),
                Content.assemble((word, SOFT)),
                width,
            )
        )
    return lines
