"""A place on a screen that shows lines drawn for its size; repaints only when they are others than before."""

from collections.abc import Callable, Sequence

from textual.content import Content
from textual.widget import Widget

Draw = Callable[[int, int], Sequence[Content]]
"""Width and height in cells to lines, none wider than that."""

STRONG = "bold"
SOFT = "$foreground 65%"
GOOD = "bold $text-success"
WARN = "bold $text-warning"
BAD = "bold $text-error"
OWN = "bold $text-accent"
ALARM = "bold $background on $error"
CAUTION = "bold $background on $warning"


class Panel(Widget):
    """Shows what the function last given to `put` draws. Text is text: nothing in it is read as markup."""

    DEFAULT_CSS = "Panel { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: clip; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._draw: Draw = _nothing
        self._shown = Content("")

    def put(self, draw: Draw) -> None:
        """Show this from now on."""
        self._draw = draw
        if not self._drawn().is_same(self._shown):
            self.refresh()

    def render(self) -> Content:
        """The lines for the size of now."""
        self._shown = self._drawn()
        return self._shown

    def _drawn(self) -> Content:
        return Content("\n").join(self._draw(self.size.width, self.size.height))


def _nothing(_width: int, _height: int) -> Sequence[Content]:
    return ()


def spread(left: Content, right: Content, width: int) -> Content:
    """One at each end of a line; where there is no room for both, the left one is cut."""
    left = left.truncate(max(0, width - right.cell_length - 1), ellipsis=True)
    return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)
