"""
Every key that works now, at the foot of the screen: the screen's own first, then those that work everywhere.

Takes a second row where one is too narrow: a key that is not in sight does not exist. A key that makes no sense now is
left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import App
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

BETWEEN = "  "


@dataclass(frozen=True, slots=True)
class KeyWord:
    """A key as it is printed on keyboards, and what it does."""

    key: str
    words: str

    @property
    def cells(self) -> int:
        """Columns it takes."""
        return cell_len(self.key) + 1 + cell_len(self.words)


def key_rows(keys: Sequence[KeyWord], width: int) -> list[list[KeyWord]]:
    """The keys in as few rows as they need, in their order; `width` in cells with a rim of one on both sides."""
    rows: list[list[KeyWord]] = []
    left = 0
    for one in keys:
        if not rows or left < one.cells:
            rows.append([])
            left = width - 2
        rows[-1].append(one)
        left -= one.cells + len(BETWEEN)
    return rows


class KeyLine(Static):
    """The keys of the screen it is on."""

    DEFAULT_CSS = """
    KeyLine { dock: bottom; height: auto; background: $panel; color: $foreground; padding: 0 1; }
    """

    def __init__(self, everywhere: Sequence[KeyWord] = ()) -> None:
        super().__init__()
        self._everywhere = everywhere
        self._rows: list[list[KeyWord]] = []

    def on_mount(self) -> None:
        """Follow what the screen allows."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self.show_keys()

    def on_resize(self) -> None:
        """The same keys in other rows."""
        self.show_keys()

    def show_keys(self) -> None:
        """Write down the keys that work now."""
        if not self.is_attached:
            return
        keys = keys_of(self.screen)
        taken = {one.key for one in keys}
        keys += [one for one in self._everywhere if one.key not in taken]
        rows = key_rows(keys, self.app.size.width)
        if rows != self._rows:
            self._rows = rows
            self.styles.height = max(1, len(rows))
            self.update(Content("\n").join(_row(row) for row in rows))

    def _changed(self, _: Screen[object]) -> None:
        if self.is_attached:
            self.call_after_refresh(self.show_keys)


def keys_of(screen: Screen[object]) -> list[KeyWord]:
    """What works on this screen now, without what works everywhere; each action once, by its first key."""
    found: dict[str, KeyWord] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        if binding.show and enabled and binding.description and not isinstance(node, App):
            found.setdefault(binding.action, KeyWord(screen.app.get_key_display(binding), binding.description))
    return list(found.values())


def _row(row: Sequence[KeyWord]) -> Content:
    return Content(BETWEEN).join(Content.assemble((one.key, "bold $accent"), f" {one.words}") for one in row)
