"""A clock in large digits under its caption. Owns the digits on the screen: only those that changed are drawn again."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.big_digits import big_text, fitting_rows, glyph_width, starts, text_width


class Clock(Widget):
    """
    Shows what `show` was told last, as large as it fits below the caption.

    The place of a digit is the same for all texts of one length, so that a running clock stands still.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"clock--caption", "clock--digits"}
    DEFAULT_CSS = """
    Clock { width: 1fr; height: 4; }
    Clock > .clock--caption { color: $text-muted; text-style: bold; }
    Clock > .clock--digits { color: $foreground; }
    Clock.-still > .clock--digits { color: $text-muted; }
    Clock.-last > .clock--digits { color: $text-warning; }
    Clock.-last > .clock--caption { color: $text-warning; }
    Clock.-up > .clock--digits { color: $text-error; }
    Clock.-up > .clock--caption { color: $text-error; }
    """
    LOOKS: ClassVar[tuple[str, ...]] = ("-still", "-last", "-up")

    def __init__(self, *, is_centred: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self._is_centred = is_centred
        self._caption = ""
        self._text = ""
        self._lines: list[str] = []
        self._drawn: tuple[str, int] = ("", 0)
        self._styles: dict[str, Style] = {}

    def show(self, caption: str, text: str, look: str = "") -> None:
        """
        Show a text of a clock.

        Args:
            look: One of LOOKS, or nothing.
        """
        for name in self.LOOKS:
            if self.has_class(name) != (name == look):
                self.set_class(name == look, name)
        before, self._text = self._text, text
        if caption != self._caption or len(before) != len(text):
            self._caption = caption
            self.refresh()
        elif before != text:
            self.refresh(*self._changed(before))

    def notify_style_update(self) -> None:
        """Another theme or look."""
        self._styles.clear()
        super().notify_style_update()

    @property
    def digit_rows(self) -> int:
        """How many rows a digit has at this size."""
        return fitting_rows(self._text, self.size.width, self.size.height - 1)

    def render_line(self, y: int) -> Strip:
        """The caption, then the rows of the digits."""
        width = self.size.width
        if y == 0:
            return self._strip(self._placed(self._caption, len(self._caption)), "clock--caption", width)
        rows = self.digit_rows
        if self._drawn != (self._text, rows):
            self._lines, self._drawn = big_text(self._text, rows), (self._text, rows)
        if y > rows:
            return Strip.blank(width, self._style(""))
        return self._strip(self._placed(self._lines[y - 1], text_width(self._text, rows)), "clock--digits", width)

    def _changed(self, before: str) -> list[Region]:
        rows = self.digit_rows
        left = self._left(text_width(self._text, rows))
        return [
            Region(left + start, 1, glyph_width(sign, rows), rows)
            for start, sign, old in zip(starts(self._text, rows), self._text, before, strict=True)
            if sign != old
        ]

    def _left(self, cells: int) -> int:
        return max(0, self.size.width - cells) // 2 if self._is_centred else 0

    def _placed(self, line: str, cells: int) -> str:
        return " " * self._left(cells) + line

    def _strip(self, line: str, component: str, width: int) -> Strip:
        return Strip([Segment(line, self._style(component))]).adjust_cell_length(width, self._style(""))

    def _style(self, component: str) -> Style:
        """Worked out once for each look: ten times a second that is half of all the work."""
        if component not in self._styles:
            self._styles[component] = self.get_component_rich_style(component) if component else self.rich_style
        return self._styles[component]
