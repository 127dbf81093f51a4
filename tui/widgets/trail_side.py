"""The newest of what happened in the race, in words: lines for a panel. Pure."""

from collections.abc import Sequence

from textual.content import Content

from timing.trail import TrailLine
from tui.columns import fit, plain
from tui.moments import second_text
from tui.widgets.panel import SOFT, STRONG, WARN, Draw

ACTOR_CELLS = 12


def trail_lines(trail: Sequence[TrailLine]) -> Draw:
    """Newest first, as many as there is room for; `trail` oldest first."""

    def draw(width: int, height: int) -> list[Content]:
        if height == 1:
            return [_row(line, ACTOR_CELLS).truncate(width, ellipsis=True) for line in trail[-1:]]
        lines = [Content.assemble(("WHAT HAPPENED", STRONG))]
        newest_first = list(reversed(trail))[: height - 1]
        return lines + [_row(line, ACTOR_CELLS).truncate(width, ellipsis=True) for line in newest_first]

    return draw


def _row(line: TrailLine, actor_cells: int) -> Content:
    return Content.assemble(
        (f"{second_text(line.at)}  ", SOFT),
        (f"{fit(line.actor, actor_cells)}  ", SOFT),
        (plain(line.text), WARN if line.is_edit else ""),
        ("  (edit)" if line.is_edit else "", SOFT),
    )
