"""
The keys in docs/terminal.md, drawn from the screens: what the page says above the mark is written by hand.

`python -m tests.docs_terminal` writes it; tests/test_docs.py fails when what is written differs from the code.
"""

from collections.abc import Iterator
from pathlib import Path

from textual.binding import Binding
from textual.screen import Screen

from tui.app import ROOMS
from tui.screens.base import EVERYWHERE, RoomScreen
from tui.screens.race_edit import RaceEditScreen

PATH = Path(__file__).resolve().parent.parent / "docs/terminal.md"
MARK = "<!-- The keys below are drawn from the code. -->\n"
OVER: dict[str, type[RoomScreen]] = {"races": RaceEditScreen}
"""Screens that lie over another one and have no number of their own."""
NAMES = {
    "question_mark": "?",
    "slash": "/",
    "escape": "Esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
}


def drawn() -> str:
    """The whole page: its prose as it is, its keys as the code says."""
    prose = PATH.read_text().split(MARK)[0]
    return prose + MARK + "".join(_screens()) + _everywhere()


def _screens() -> Iterator[str]:
    for name, room in ROOMS.items():
        yield _screen(room)
        if name in OVER:
            yield _screen(OVER[name])


def _screen(room: type[RoomScreen]) -> str:
    rows: dict[str, list[Binding]] = {}
    frame = {binding.action for _, binding in Screen._merge_bindings()}
    for _, binding in room._merge_bindings():
        if binding.description and binding.action not in frame:
            rows.setdefault(binding.tooltip or binding.description, []).append(binding)
    return _table(room.TITLE_WORD, [(", ".join(_keys(bindings)), words) for words, bindings in rows.items()])


def _keys(bindings: list[Binding]) -> list[str]:
    """Each key once, as it is printed on keyboards; a capital letter is the same key."""
    shown = [one.key_display or NAMES.get(one.key) or one.key.replace("+", " ") for one in bindings]
    return list(dict.fromkeys(text.upper() if len(text) == 1 else text[0].upper() + text[1:] for text in shown))


def _everywhere() -> str:
    return _table("Every screen", [*((one.key.upper(), one.words) for one in EVERYWHERE), ("F2", "Bright or dark")])


def _table(title: str, rows: list[tuple[str, str]]) -> str:
    body = "".join(f"| {key.replace('|', '/')} | {words} |\n" for key, words in rows)
    return f"\n### {title}\n\n| key | what it does |\n|---|---|\n{body}"


if __name__ == "__main__":
    PATH.write_text(drawn())
