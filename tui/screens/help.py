"""The help screen: every key, in words, for the screen it was asked from and for all of them."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

EVERYWHERE = (
    ("F9", "Stops the cars of this track, or all where it has no fleet"),
    ("1 … 7", "Race, Queue, Races, Board, Strips, System, Cars"),
    ("T", "Another track of the event"),
    ("O", "Another box or event"),
    ("B", "Big clock for a second screen"),
    ("M", "Sound on or off"),
    ("F2", "Bright or dark"),
    ("Ctrl+P", "All commands, by typing"),
    ("Q", "Quit; asks while presses wait"),
)
SAYS = (
    "A key counts at the moment you press it, also while the box is away: it waits, in sight, until the box has it.",
    "A held key is one press. The clock of the box decides; this laptop's clock is measured against it all the time.",
    "√ counts, × does not, ► runs, ‖ is paused, ■ is over. * was changed by hand; fast? looks too quick to be a lap.",
)


class HelpScreen(ModalScreen[None]):
    """Over whatever screen asked; Escape or ? closes it."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen > VerticalScroll {
        width: 76; max-width: 100%; height: auto; max-height: 100%;
        border: heavy $accent; background: $surface; padding: 0 2;
    }
    HelpScreen .head { text-style: bold; color: $accent; margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "dismiss", "Close", key_display="esc")
    ]

    def __init__(self, name: str, keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._of = name
        self._keys_of = keys

    def compose(self) -> ComposeResult:
        """The screen's own keys first."""
        with VerticalScroll():
            if self._keys_of:
                yield Static(Content(self._of), classes="head")
                yield Static(Content("\n".join(_rows(self._keys_of))))
            yield Static(Content("On every screen"), classes="head")
            yield Static(Content("\n".join(_rows(EVERYWHERE))))
            yield Static(Content("Good to know"), classes="head")
            yield Static(Content("\n".join(SAYS)))
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Arrow keys scroll at once."""
        self.query_one(VerticalScroll).focus()


def _rows(keys: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{key:<12} {words}" for key, words in keys]
