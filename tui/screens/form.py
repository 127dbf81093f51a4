"""
A few fields to type in and one thing to send, over whatever screen asked.

Stays open, with what was typed, until the box has taken it. What is sent, and what it means, is the caller's.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from tui.columns import plain
from tui.errors import BoxError
from tui.key_line import KeyLine, KeyWord

Typed = Mapping[str, str]
"""What stands in the fields, by their names."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `typed` stands in it at first."""

    name: str
    label: str
    typed: str = ""
    most: int = 200


class Mistyped(Exception):
    """What was typed cannot be sent; says what to type, and in which field."""

    def __init__(self, words: str, field: str) -> None:
        super().__init__(words)
        self.words = words
        self.field = field


REASON = Field("reason", "Why (optional, kept in the trail)")


class Form(ModalScreen[bool]):
    """
    Answers True once it was sent, False when it was left.

    `send` gets what was typed and raises Mistyped or BoxError to keep the form open.
    """

    DEFAULT_CSS = """
    Form { align: center middle; }
    Form > VerticalScroll {
        width: 64; max-width: 100%; height: auto; max-height: 100%;
        padding: 0 2; border: heavy $accent; background: $surface;
    }
    Form .title { text-style: bold; }
    Form .detail { color: $text-muted; }
    Form Label { margin-top: 1; }
    Form .wrong { margin: 1 0; color: $text-error; text-style: bold; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save at once", key_display="^S", priority=True),
        Binding("escape", "leave", "Leave it as it is", key_display="Esc", priority=True),
    ]

    def __init__(
        self, title: str, detail: str, fields: Sequence[Field], send: Callable[[Typed], Awaitable[object]]
    ) -> None:
        super().__init__()
        self._title = title
        self._detail = detail
        self._fields = fields
        self._send = send
        self._is_sending = False

    @property
    def _keys(self) -> list[KeyWord]:
        several = [KeyWord("Enter", "Next, then save"), KeyWord("Tab", "Other field")]
        return several if len(self._fields) > 1 else [KeyWord("Enter", "Save")]

    def compose(self) -> ComposeResult:
        """What it is about, the fields, and what is wrong with them."""
        with VerticalScroll(can_focus=False):
            yield Static(Content(plain(self._title)), classes="title")
            if self._detail:
                yield Static(Content(self._detail), classes="detail")
            for field in self._fields:
                yield Label(Content(field.label))
                yield Input(field.typed, id=field.name, max_length=field.most, select_on_focus=True)
            yield Static(classes="wrong")
        yield KeyLine(self._keys)

    def on_mount(self) -> None:
        """The first field is the one to type in."""
        self.query(Input).first().focus()

    def on_input_submitted(self, submitted: Input.Submitted) -> None:
        """Enter goes to the next field; in the last one it sends."""
        submitted.stop()
        if submitted.input.id == self._fields[-1].name:
            self.action_save()
        else:
            self.focus_next(Input)

    def action_save(self) -> None:
        """Send it, once."""
        if not self._is_sending:
            self._is_sending = True
            self._say("Saving…")
            self._try()

    def action_leave(self) -> None:
        """Change nothing; not while the box is being asked, as nobody would know what it did."""
        if not self._is_sending:
            self.dismiss(False)

    @work
    async def _try(self) -> None:
        try:
            await self._send({field.name: self.query_one(f"#{field.name}", Input).value for field in self._fields})
        except Mistyped as mistyped:
            self._say(f"× {mistyped.words}")
            self.query_one(f"#{mistyped.field}", Input).focus()
        except BoxError as error:
            self._say(f"× {plain(error.message)} {plain(error.remedy)}")
        else:
            self.dismiss(True)
        finally:
            self._is_sending = False

    def _say(self, text: str) -> None:
        self.query_one(".wrong", Static).update(Content(text))
