"""The laps of a race, newest first, one of them chosen: lines for a panel. Pure."""

from collections.abc import Sequence

from textual.content import Content

from timing.structs import LapView
from tui.moments import second_text
from tui.widgets.panel import BAD, GOOD, OWN, SOFT, STRONG, Draw
from tui.words import lap_text, validity

MARK = "►"
HEADING = "  LAP TIME      RESETS  BY     COUNTS    "
MORE = " GAP TO BEST  AT        "
WIDE = len(HEADING) + len(MORE) + 14
"""Cells from which there is room for more about each lap, and for what is special about it."""
EMPTY = "  No lap yet."
CHOSEN = "on $block-cursor-blurred-background"


def lap_lines(laps: Sequence[LapView], best_ms: int | None, chosen: int | None) -> Draw:
    """
    As many of the newest laps as there is room for; the chosen one is always among them.

    Args:
        laps: In order, as the race has them.
        chosen: Number of the chosen lap, None for none.
    """
    newest_first = list(reversed(laps))

    def draw(width: int, height: int) -> list[Content]:
        rows = max(0, height - 1)
        top = _top(newest_first, chosen, rows)
        shown = newest_first[top : top + rows]
        heading = Content.assemble((_heading(width), f"underline {SOFT}"))
        drawn = [_row(lap, best_ms, is_chosen=lap.lap == chosen, width=width) for lap in shown]
        if rows and len(newest_first) > top + rows:
            drawn[-1] = Content.assemble((f"  and {len(newest_first) - top - rows + 1} before", SOFT))
        return [heading, *(drawn or [Content.assemble((EMPTY, SOFT))])]

    return draw


def notes(lap: LapView, best_ms: int | None) -> str:
    """What is special about a lap."""
    said = [
        "best" if lap.valid and lap.lap_ms == best_ms else "",
        "edited" if lap.edited else "",
        "fast?" if lap.suspect else "",
    ]
    return " ".join(word for word in said if word)


def stepped(laps: Sequence[LapView], chosen: int | None, step: int) -> int | None:
    """The lap that is chosen `step` rows further down (older); None above the newest. Without one, the newest."""
    numbers = [lap.lap for lap in reversed(laps)]
    if not numbers:
        return None
    if chosen not in numbers:
        return numbers[0] if step > 0 else None
    place = numbers.index(chosen) + step
    return None if place < 0 else numbers[min(place, len(numbers) - 1)]


def _heading(width: int) -> str:
    return (HEADING + MORE if width >= WIDE else HEADING).ljust(width)[:width]


def _more(lap: LapView, best_ms: int | None) -> str:
    gap_ms = None if best_ms is None else lap.lap_ms - best_ms
    gap = "–" if gap_ms is None or not lap.valid else f"+{gap_ms // 1000}.{gap_ms % 1000:03d}"
    return f" {gap:>11}  {second_text(lap.set_at)}  "


def _row(lap: LapView, best_ms: int | None, *, is_chosen: bool, width: int) -> Content:
    is_best = lap.valid and lap.lap_ms == best_ms
    by = "–" if lap.dnf else lap.source
    line = Content.assemble(
        (f"{MARK if is_chosen else ' '} ", OWN),
        f"{lap.lap:>3} ",
        (lap_text(lap.lap_ms), OWN if is_best else STRONG if lap.valid else SOFT),
        f" {lap.resets:>6}  {by:<5}  ",
        (f"{validity(lap):<9}", GOOD if lap.valid else BAD),
        (_more(lap, best_ms) if width >= WIDE else "", SOFT),
        (f" {notes(lap, best_ms)}", OWN if is_best else ""),
    )
    if not is_chosen:
        return line.truncate(width, ellipsis=True)
    return line.truncate(width, ellipsis=True, pad=True).stylize_before(CHOSEN)


def _top(newest_first: Sequence[LapView], chosen: int | None, rows: int) -> int:
    """The first row shown, so that the chosen one is above the last row."""
    numbers = [lap.lap for lap in newest_first]
    if chosen not in numbers or rows < 2:
        return 0
    place = numbers.index(chosen)
    last_top = max(0, len(numbers) - rows)
    return min(last_top, max(0, place - rows + 2))
