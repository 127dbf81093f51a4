"""How the strips do, in one line or a few, and what they saw or missed: lines for a panel. Pure."""

from collections.abc import Sequence

from textual.content import Content

from timing.signal import BlindSpot
from timing.strip_health import LineHealth, StripHealth
from tui.columns import fit, plain
from tui.widgets.panel import ALARM, BAD, GOOD, SOFT, STRONG, WARN, Draw, spread
from tui.words import age_text, counted

NO_RECORDER = " NO RECORDER. Time by hand with L. What it still sees comes later. "


def strip_line(strips: StripHealth, later_ms: int = 0) -> Draw:
    """All strips in one line; `later_ms`: how long ago the health was told."""
    pieces = [Content.assemble(("STRIPS  ", SOFT)), *_trouble(strips)]
    if strips.connected:
        pieces.append(Content("   ").join([_strip(line, later_ms) for line in strips.lines]))
        if not strips.lines:
            pieces.append(Content("none here: time by hand with L"))
    return lambda width, _: [Content("").join(pieces).truncate(width, ellipsis=True)]


def strip_lines(strips: StripHealth, later_ms: int = 0) -> Draw:
    """A line for each strip."""

    def draw(width: int, _height: int) -> list[Content]:
        kind = "simulated" if strips.simulated else "connected" if strips.connected else ""
        heading = spread(Content.assemble(("STRIPS", STRONG)), Content.assemble((kind, SOFT)), width)
        lines = [heading, *(piece.truncate(width) for piece in _trouble(strips))]
        if strips.connected:
            lines += [_row(line, later_ms, width) for line in strips.lines]
            if not strips.lines:
                lines.append(Content.assemble(("None here: time by hand with L.", SOFT)))
        return lines

    return draw


def strip_rows(strips: StripHealth) -> int:
    """How many rows `strip_lines` takes."""
    return 1 + len(_trouble(strips)) + (max(1, len(strips.lines)) if strips.connected else 0)


def notes_line(loose_open: int, blind: Sequence[BlindSpot], lost_edges: int) -> Content:
    """What somebody has to look at; empty when nothing."""
    said = []
    if loose_open:
        said.append(f"Who was that? {counted(loose_open, 'crossing')} (web: Crossings)")
    if blind:
        said.append(f"{_blind(blind)}: check the laps")
    if lost_edges:
        said.append(f"{counted(lost_edges, 'edge')} lost in the box")
    return Content.assemble((" · ".join(said), WARN))


def _blind(blind: Sequence[BlindSpot]) -> str:
    """What the strips missed of this race; the newest comes first in `blind`."""
    if len(blind) > 1:
        return f"{len(blind)} times blind"
    if blind[0].lost:
        return f"{counted(blind[0].lost, 'edge')} lost"
    return "Blind" if blind[0].missing_ms is None else f"Blind for {age_text(blind[0].missing_ms)}"


def _trouble(strips: StripHealth) -> list[Content]:
    """What is said loudly."""
    if not strips.connected:
        return [Content.assemble((NO_RECORDER, ALARM))]
    if strips.problem:
        return [Content.assemble((f" {plain(strips.problem)} ", ALARM), " ")]
    return [] if strips.caught_up else [Content.assemble((" catching up ", WARN))]


def _strip(line: LineHealth, later_ms: int) -> Content:
    if line.silent:
        return Content.assemble((f"× {plain(line.name)}: silent for {line.silent_crossings} crossings", BAD))
    return Content.assemble(
        ("√ " if line.hits else "○ ", GOOD if line.hits else SOFT),
        plain(line.name),
        (f", {_last_seen(line, later_ms)}", SOFT),
    )


def _row(line: LineHealth, later_ms: int, width: int) -> Content:
    mark, look, word = ("√", GOOD, "ok") if line.hits else ("○", SOFT, "not yet")
    if line.silent:
        mark, look, word = "×", BAD, f"silent, {line.silent_crossings} crossings"
    said = word if line.silent else f"{counted(line.hits, 'hit')}, {_last_seen(line, later_ms)}" if line.hits else word
    name_cells = max(4, width - len(said) - 4)
    return Content.assemble((f" {mark} ", look), fit(line.name, name_cells), " ", (said, BAD if line.silent else SOFT))


def _last_seen(line: LineHealth, later_ms: int) -> str:
    return "not yet" if line.last_edge_age_ms is None else f"{age_text(line.last_edge_age_ms + later_ms)} ago"
