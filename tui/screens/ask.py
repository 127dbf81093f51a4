"""A question with two answers, over whatever screen asked it. Owns the question only; who asked does what follows."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.columns import plain
from tui.key_line import KeyLine

QUESTION_COLUMNS = 64
"""A question of two lines is read at a glance; wider ones are not, and 80 columns leave a rim of the screen below."""


class Ask(ModalScreen[bool]):
    """
    Answers True for yes and False for no.

    Y and N answer at once, Enter answers what is marked, Escape is no. `careful`: "no" is marked at first, for what
    cannot be taken back.
    """

    DEFAULT_CSS = f"""
    Ask {{ align: center middle; }}
    Ask > Vertical {{
        width: {QUESTION_COLUMNS}; max-width: 100%; height: auto; max-height: 100%;
        padding: 1 2; border: heavy $accent; background: $surface;
    }}
    Ask .question {{ text-style: bold; }}
    Ask .detail {{ margin-top: 1; color: $text-muted; }}
    Ask Horizontal {{ height: auto; margin-top: 1; align-horizontal: right; }}
    Ask Button {{ margin-left: 2; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n", "answer(False)", "No", key_display="n esc"),
        Binding("escape", "answer(False)", "No", show=False),
        Binding("left,up", "app.focus_previous", "Choose", key_display="←→ enter"),
        Binding("right,down", "app.focus_next", "Choose", show=False),
    ]

    def __init__(
        self, question: str, detail: str = "", *, yes: str = "Yes", no: str = "No", careful: bool = False
    ) -> None:
        super().__init__()
        self.question = question
        self.detail = detail
        self.careful = careful
        self._words = {"yes": yes, "no": no}

    def compose(self) -> ComposeResult:
        """The question, what follows from a yes, and the two answers with their keys."""
        with Vertical():
            yield Static(Content(plain(self.question)), classes="question")
            if self.detail:
                yield Static(Content(plain(self.detail)), classes="detail")
            with Horizontal():
                yield Button(self._label("yes"), variant="error" if self.careful else "primary", id="yes")
                yield Button(self._label("no"), id="no")
        yield KeyLine()

    def on_mount(self) -> None:
        """Mark the answer that Enter gives."""
        self.query_one("#no" if self.careful else "#yes").focus()

    def on_descendant_focus(self) -> None:
        """The mark moved; it is a sign, so that nobody needs the colour."""
        for answer in self._words:
            self.query_one(f"#{answer}", Button).label = self._label(answer)

    def on_button_pressed(self, pressed: Button.Pressed) -> None:
        """Enter, or a click where there is a mouse."""
        pressed.stop()
        self.dismiss(pressed.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Y or N."""
        self.dismiss(yes)

    def _label(self, answer: str) -> Content:
        mark = "►" if self.focused is not None and self.focused.id == answer else " "
        return Content(f"{mark} {answer[0].upper()}  {self._words[answer]}  ")
