"""
The race's state machine as it stands in docs/race.md, drawn from the table in the code.

`python tests/timing/race_drawing.py` writes it into the page; a test fails when page and table differ.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from timing.race_table import TRANSITIONS, Do, Step  # noqa: E402
from timing.structs import RaceState  # noqa: E402

PAGE = ROOT / "docs" / "race.md"
BEGIN = "<!-- drawn from timing/race_table.py by tests/timing/race_drawing.py: begin -->"
END = "<!-- drawn: end -->"


def drawing() -> str:
    """Diagram and table in Markdown."""
    return "\n".join([*_diagram(), "", *_table()])


def with_drawing(page: str) -> str:
    """The page with a fresh drawing between the two marks."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{drawing()}\n\n{END}{after}"


def _diagram() -> list[str]:
    arrows: dict[tuple[RaceState, RaceState], list[str]] = {}
    for (state, kind), step in TRANSITIONS.items():
        if step.holds:
            continue
        if step.to is not state:
            arrows.setdefault((state, step.to), []).append(kind.value)
        if step.to_at_end is not None:
            arrows.setdefault((state, step.to_at_end), []).append(f"{kind.value} at the end")
    lines = [f"    {state} --> {to}: {', '.join(kinds)}" for (state, to), kinds in arrows.items()]
    return ["```mermaid", "stateDiagram-v2", "    [*] --> ready", *lines, "    submitted --> [*]",
            "    discarded --> [*]", "```"]  # fmt: skip


def _table() -> list[str]:
    rows = [
        f"| {state} | {kind} | {_what(step)} | {_then(step)} |"
        for (state, kind), step in TRANSITIONS.items()
        if step.do is not Do.EDIT
    ]
    edits = [f"| {state} | {_edits(state)} | {Do.EDIT} | {state} |" for state in RaceState if _edits(state)]
    return ["| state | what happens | what it does | then |", "|---|---|---|---|", *rows, *edits]


def _edits(state: RaceState) -> str:
    return ", ".join(kind for (of, kind), step in TRANSITIONS.items() if of is state and step.do is Do.EDIT)


def _what(step: Step) -> str:
    if step.holds:
        return f"{step.do} (only one accepted before a crossing was taken out or added)"
    return f"{step.do} (written by the box only)" if step.box_only else str(step.do)


def _then(step: Step) -> str:
    if step.do is Do.UNDO:
        return f"{step.to}, or as it would be without that lap"
    if step.do is Do.DROP and step.to is not RaceState.SUBMITTED:
        return f"{step.to}, or as it would be without it"
    return str(step.to) if step.to_at_end is None else f"{step.to}; at the end {step.to_at_end}"


if __name__ == "__main__":
    PAGE.write_text(with_drawing(PAGE.read_text()))
