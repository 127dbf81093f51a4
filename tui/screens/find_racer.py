"""Finding a racer by a few letters of the name, over whatever screen asked. Owns the finding, not what follows."""

from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.box import Box
from tui.columns import Cell, fit, plain
from tui.errors import BoxError
from tui.key_line import KeyLine
from tui.racer_order import meant, offered
from tui.row_list import RowList
from tui.wire import Racer
from tui.words import who

TYPING_S = 0.12
"""Between two letters of somebody who types; the web's box waits as long."""
MOST = 50
"""More letters find them sooner than scrolling does."""


class FindRacer(ModalScreen[Racer | None]):
    """Answers the racer chosen with Enter, or None. What was typed last wins, however late an older answer comes."""

    DEFAULT_CSS = """
    FindRacer { align: center middle; }
    FindRacer > Vertical {
        width: 60; max-width: 100%; height: 18; max-height: 100%;
        padding: 0 1; border: heavy $accent; background: $surface;
    }
    FindRacer .title { text-style: bold; }
    FindRacer Input { margin: 0; }
    FindRacer .said { height: auto; color: $text-warning; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the input's own, after every letter that was typed before it; here it is only told.
        Binding("ctrl+s", "take", "Take", key_display="enter", priority=True),
        Binding("up", "choose(-1)", "Choose", key_display="↑↓", priority=True),
        Binding("down", "choose(1)", "Choose", show=False, priority=True),
        Binding("pageup", "choose(-8)", "Choose", show=False, priority=True),
        Binding("pagedown", "choose(8)", "Choose", show=False, priority=True),
        Binding("escape", "leave", "Close", priority=True),
    ]

    def __init__(self, box: Box, title: str) -> None:
        super().__init__()
        self._box = box
        self._title = title
        self._found: list[Racer] = []
        self._answered = ""
        """The letters that `_found` answers."""
        self._is_answered = False
        self._takes_only = False
        """Enter came before the answer: who is the only one that fits is meant."""

    def compose(self) -> ComposeResult:
        """What it is for, the letters, and who has them in their name."""
        with Vertical():
            yield Static(Content(plain(self._title)), classes="title")
            yield Input(placeholder="Type a few letters of the name", max_length=80)
            yield RowList(id="found")
            yield Static(classes="said")
        yield KeyLine()

    def on_mount(self) -> None:
        """The newest racers, before any letter: who has just signed up is often the one."""
        self._typing = self.set_timer(TYPING_S, self._ask, pause=True)
        self.query_one("#found", RowList).can_focus = False
        self.query_one(Input).focus()
        self._ask()

    def on_input_changed(self) -> None:
        """Ask once they pause; each letter puts it off."""
        self._takes_only = False
        self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._ask)

    def on_input_submitted(self) -> None:
        """Enter."""
        self.action_take()

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._paint()

    def action_take(self) -> None:
        """The chosen racer; when the answer to the last letters is not there yet, the only one of it."""
        rows = self.query_one("#found", RowList)
        if self._letters != self._answered:
            self._takes_only = True
            self._typing.stop()
            self._ask()
        elif self._found and rows.chosen is not None:
            self.dismiss(self._found[rows.chosen])

    def action_choose(self, step: int) -> None:
        """The racer above or below."""
        self.query_one("#found", RowList).action_choose_by(step)

    def action_leave(self) -> None:
        """Nobody."""
        self.dismiss(None)

    @property
    def _letters(self) -> str:
        return self.query_one(Input).value.strip()

    @work(exclusive=True)
    async def _ask(self) -> None:
        letters = self._letters
        try:
            found = await self._box.racers(letters, MOST)
        except BoxError as error:
            self._say(str(error))
            return
        if letters != self._letters:
            return
        self._is_answered = True
        self._found = offered(found, letters) if letters else found
        self._answered = letters
        self._say(self._nobody() if not found else "")
        self._paint()
        self.query_one("#found", RowList).choose(0, is_told=False)
        if self._takes_only and (only := meant(self._found, letters)) is not None:
            self.dismiss(only)
        self._takes_only = False

    def _nobody(self) -> str:
        nobody = f"No racer is called “{plain(self._answered)}”." if self._answered else "No racers yet."
        return f"{nobody} Type other letters, or register them at the desk."

    def _count(self) -> str:
        if not self._is_answered:
            return "Asking the box…"
        if not self._answered:
            return "The newest"
        return f"The first {MOST}: type more letters" if len(self._found) >= MOST else f"{len(self._found)} found"

    def _say(self, text: str) -> None:
        self.query_one(".said", Static).update(Content(text))

    def _paint(self) -> None:
        rows = self.query_one("#found", RowList)
        cells = max(8, rows.content_width)
        names = [who(racer.username, racer.country) for racer in self._found]
        rows.set_rows([Cell(fit(self._count(), cells))], [[Cell(fit(name, cells))] for name in names])
