"""
Rows of columns under a heading that stays, one of them chosen: what a screen with a table uses.

Shows rows and says which one is chosen; a thousand rows cost what is on the screen. Cells are plain text, so a name
that looks like markup is a name.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click, Focus, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.columns import Look, Row

CHOSEN = "► "
"""Before the chosen row: a colour alone is not seen by everybody."""


class RowList(ScrollView, can_focus=True):
    """The rows. `chosen` is the index of the chosen one, None without rows."""

    class Chosen(Message):
        """Another row was chosen."""

        def __init__(self, rows: "RowList", index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> "RowList":
            """Who says it."""
            return self.rows

    class Resized(Message):
        """There is another width to fill."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-list--heading",
        "row-list--chosen",
        *(f"row-list--{look}" for look in Look),
    }
    DEFAULT_CSS = """
    RowList { height: 1fr; width: 1fr; scrollbar-gutter: stable; scrollbar-size-vertical: 1; }
    RowList > .row-list--heading { color: $text-muted; background: $surface; text-style: bold; }
    RowList > .row-list--chosen { background: $block-cursor-blurred-background; text-style: bold; }
    RowList:focus > .row-list--chosen { background: $primary 60%; text-style: bold; }
    RowList > .row-list--soft { color: $text-muted; }
    RowList > .row-list--strong { text-style: bold; }
    RowList > .row-list--good { color: $text-success; text-style: bold; }
    RowList > .row-list--warn { color: $text-warning; text-style: bold; }
    RowList > .row-list--bad { color: $text-error; text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose_by(-1)", "Row", key_display="↑↓"),
        Binding("down", "choose_by(1)", "Row", show=False),
        Binding("home", "choose(0)", "First", key_display="Home"),
        Binding("end", "choose(-1)", "Last", key_display="End"),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._heading: Row = ()
        self._rows: Sequence[Row] = ()
        self.chosen: int | None = None
        self._seen_rows = 0

    def set_rows(self, heading: Row, rows: Sequence[Row]) -> None:
        """Show these; the scroll place and the chosen row's index stay where they can."""
        self._heading, self._rows = heading, rows
        last = len(rows) - 1
        self.chosen = None if not rows else min(self.chosen or 0, last)
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows) + 1)
        self.refresh()

    @property
    def content_width(self) -> int:
        """Cells that the columns have together."""
        return max(0, self.scrollable_content_region.width - len(CHOSEN))

    @property
    def page_rows(self) -> int:
        """Rows that are seen at once."""
        return max(1, self.scrollable_content_region.height - 1)

    def choose(self, index: int, *, is_told: bool = True, is_shown: bool = True) -> None:
        """Choose a row, bring it into view and tell it; out of range means the nearest."""
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        is_other = index != self.chosen
        self.chosen = index
        if is_shown:
            top = min(index, max(self.scroll_offset.y, index - self.page_rows + 1))
            self.scroll_to(y=top, animate=False, immediate=True)
        self.refresh()
        if is_other and is_told:
            self.post_message(self.Chosen(self, index))

    def shift(self, rows: int) -> None:
        """Scroll so many rows on, without a glide."""
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """The heading, then the rows from where it is scrolled to."""
        width = self.scrollable_content_region.width
        if y == 0:
            return self._strip(self._heading, width, is_heading=True)
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        return self._strip(self._rows[index], width, is_chosen=index == self.chosen)

    def action_choose_by(self, step: int) -> None:
        """The row above or below."""
        self.choose((self.chosen or 0) + step)

    def action_choose(self, index: int) -> None:
        """The first or the last."""
        self.choose(index if index >= 0 else len(self._rows) + index)

    def action_page(self, pages: int) -> None:
        """As many rows as are seen at once."""
        self.choose((self.chosen or 0) + pages * self.page_rows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where all rows are in view, the keys for pages are free for what stands beside them."""
        return len(self._rows) > self.page_rows if action == "page" else True

    def on_click(self, click: Click) -> None:
        """Where there is a mouse."""
        if click.y > 0:
            self.choose(click.y - 1 + self.scroll_offset.y)

    def on_focus(self, _: Focus) -> None:
        """The chosen row is seen."""
        if self.chosen is not None:
            self.choose(self.chosen)

    def on_resize(self, _: Resize) -> None:
        """Whoever fills the columns fills them anew; a chosen row that was in view stays in it."""
        was_seen = range(self.scroll_offset.y, self.scroll_offset.y + self._seen_rows)
        self._seen_rows = self.page_rows
        if self.chosen is not None and self.chosen in was_seen:
            self.choose(self.chosen)
        self.post_message(self.Resized())

    def _strip(self, row: Row, width: int, *, is_heading: bool = False, is_chosen: bool = False) -> Strip:
        base = self.rich_style
        if is_heading or is_chosen:
            base = self.get_component_rich_style(f"row-list--{'heading' if is_heading else 'chosen'}")
        segments = [Segment(CHOSEN if is_chosen else " " * len(CHOSEN), base)]
        for cell in row:
            look = None if is_heading else self.get_component_rich_style(f"row-list--{cell.look}", partial=True)
            segments.append(Segment(cell.text, base if look is None else base + look))
        return Strip(segments).adjust_cell_length(width, base)
