"""Choosing one of a few, over whatever screen asked."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.columns import Cell, fit, plain
from tui.key_line import KeyLine
from tui.row_list import RowList


class Pick(ModalScreen[int | None]):
    """Answers the index of what was chosen, None for nothing."""

    DEFAULT_CSS = """
    Pick { align: center middle; }
    Pick > Vertical {
        width: 56; max-width: 100%; height: auto; max-height: 100%;
        padding: 0 1; border: heavy $accent; background: $surface;
    }
    Pick .title { text-style: bold; }
    Pick RowList { height: 1; max-height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Choose", key_display="Enter"),
        Binding("escape", "dismiss(None)", "Leave it as it is", key_display="Esc"),
    ]

    def __init__(self, title: str, choices: Sequence[str], chosen: int = 0) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._chosen = chosen

    def compose(self) -> ComposeResult:
        """What it is for, and the choices."""
        with Vertical():
            yield Static(Content(plain(self._title)), classes="title")
            yield RowList()
        yield KeyLine()

    def on_mount(self) -> None:
        """The keys are for the list."""
        self._paint()
        rows = self.query_one(RowList)
        rows.styles.height = len(self._choices) + 1
        rows.choose(self._chosen, is_told=False)
        rows.focus()

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The rows fill the new width."""
        self._paint()

    def action_take(self) -> None:
        """This one."""
        self.dismiss(self.query_one(RowList).chosen)

    def _paint(self) -> None:
        rows = self.query_one(RowList)
        rows.set_rows((), [[Cell(fit(choice, max(8, rows.content_width)))] for choice in self._choices])
