"""Which box: one that was found, or an address that is typed. Owns the choosing; who may enter is asked afterwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tui.columns import Cell, Look, Row, fit, plain
from tui.errors import BoxError
from tui.finder import Finder, Known, first_answer
from tui.found_boxes import FoundBox
from tui.row_list import RowList
from tui.typed_address import UNIX, addresses_typed
from tui.words import counted

ALONE_S = 5.0
"""A box in the hall is heard within two seconds; after this something is in the way."""
STATE_CELLS, WHERE_CELLS = 12, 28
LOOKING = "Looking for boxes…"
NONE_FOUND = (
    "No box found yet; it goes on looking. Are you in the box's network? Some access points keep their guests "
    "apart (client isolation) or drop what boxes announce. Type the address that the box shows at its start, "
    "or the one its QR code has."
)


class BoxesScreen(Screen[str | None]):
    """Answers the address of the chosen box, at which it answered just now, or None."""

    DEFAULT_CSS = """
    BoxesScreen > Vertical { padding: 0 1; }
    BoxesScreen .title { text-style: bold; margin-bottom: 1; }
    BoxesScreen .said { height: auto; color: $text-muted; }
    BoxesScreen .answer { height: auto; text-style: bold; }
    BoxesScreen .answer.wrong { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # Enter is the input's own, after every letter that was typed before it; here it is only told.
        Binding("ctrl+s", "take", "Go there", key_display="Enter", priority=True),
        Binding("up", "choose(-1)", "Choose", key_display="↑↓", priority=True),
        Binding("down", "choose(1)", "Choose", show=False, priority=True),
        Binding("pageup", "choose(-8)", "Choose", show=False, priority=True),
        Binding("pagedown", "choose(8)", "Choose", show=False, priority=True),
        Binding("escape", "leave", "Leave", key_display="Esc", priority=True),
    ]

    def __init__(self, known: Sequence[Known] = (), *, sockets: Sequence[Path] | None = None) -> None:
        """
        Args:
            known: Boxes that were used before, the last one first.
            sockets: As for tui/finder.py.
        """
        super().__init__()
        self._finder = Finder(self._found, known=known, sockets=sockets)
        self._boxes: list[FoundBox] = []
        self._chosen: str | None = None
        self._shown: tuple[int, list[str]] = 0, []
        """Which row is marked as far as is known, and the keys of the rows."""
        """The key of the box that somebody chose; it stays chosen when others come above it."""
        self._is_asking = False
        self._has_waited = False

    def compose(self) -> ComposeResult:
        """The boxes, what to do when there are none, and the address."""
        with Vertical():
            yield Static("Which box?", classes="title")
            yield RowList(id="boxes")
            yield Static(LOOKING, classes="said")
            yield Static(classes="answer")
            yield Input(placeholder="or type its address: 192.168.1.20", max_length=200)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Look, from now until the screen is left."""
        self.query_one(RowList).can_focus = False
        self.query_one(Input).focus()
        self.set_timer(ALONE_S, self._tell_alone)
        self._look()

    def on_input_changed(self) -> None:
        """What was wrong is being corrected."""
        self._answer("")

    def on_input_submitted(self) -> None:
        """Enter."""
        self.action_take()

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._paint()

    def on_row_list_chosen(self, chosen: RowList.Chosen) -> None:
        """Somebody chose: with a key, or with a mouse."""
        self._note_chosen(chosen.rows)

    def action_choose(self, step: int) -> None:
        """The box above or below."""
        self.query_one(RowList).action_choose_by(step)

    def action_take(self) -> None:
        """The typed address, else the chosen box."""
        typed = self.query_one(Input).value.strip()
        index = self.query_one(RowList).chosen
        if self._is_asking:
            return
        if typed:
            self._take_typed(typed)
        elif index is not None and index < len(self._boxes):
            box = self._boxes[index]
            self._ask(box.addresses, box.box_id, box.name)

    def action_leave(self) -> None:
        """No box."""
        self.dismiss(None)

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        await self._finder.run()

    def _take_typed(self, typed: str) -> None:
        try:
            addresses = addresses_typed(typed)
        except BoxError as error:
            self._answer(str(error), is_wrong=True)
        else:
            self._ask(addresses, None, typed)

    @work(exclusive=True, group="ask")
    async def _ask(self, addresses: Sequence[str], box_id: str | None, name: str) -> None:
        """Go only where a box answers: a list may be some seconds old, a typed address wrong."""
        self._is_asking = True
        self._answer(f"Asking {name}…")
        try:
            address, _ = await first_answer(addresses, box_id)
        except BoxError as error:
            self._answer(str(error), is_wrong=True)
        else:
            self.dismiss(address)
        finally:
            self._is_asking = False

    def _found(self) -> None:
        self._boxes = self._finder.boxes
        if self.is_mounted:
            self._paint()

    def _tell_alone(self) -> None:
        self._has_waited = True
        self._paint()

    def _paint(self) -> None:
        rows = self.query_one(RowList)
        self._note_chosen(rows)  # A key may have moved the mark, and the message of it be under way.
        rows.set_rows(_heading(rows.content_width), [_row(box, rows.content_width) for box in self._boxes])
        keys = [box.key for box in self._boxes]
        place = keys.index(self._chosen) if self._chosen in keys else 0
        rows.choose(place, is_told=False)
        self._shown = place, keys
        self.query_one(".said", Static).update(Content(self._said()))

    def _note_chosen(self, rows: RowList) -> None:
        place, keys = self._shown
        if rows.chosen is not None and rows.chosen != place and rows.chosen < len(keys):
            self._shown, self._chosen = (rows.chosen, keys), keys[rows.chosen]

    def _said(self) -> str:
        if self._boxes:
            said = f"{counted(len(self._boxes), 'box', 'boxes')} found. Enter goes to the one that is marked."
        else:
            said = NONE_FOUND if self._has_waited else LOOKING
        return f"{said} {plain(self._finder.problem)}" if self._finder.problem else said

    def _answer(self, text: str, *, is_wrong: bool = False) -> None:
        answer = self.query_one(".answer", Static)
        answer.set_class(is_wrong, "wrong")
        answer.update(Content(f"× {plain(text)}" if is_wrong else plain(text)))


def _heading(cells: int) -> Row:
    name, events = _name_and_events(cells)
    return (
        Cell(fit("", STATE_CELLS)),
        Cell(fit("Box", name)),
        Cell(fit("Where", WHERE_CELLS)),
        Cell(fit("Events", events)),
    )


def _row(box: FoundBox, cells: int) -> Row:
    name, events = _name_and_events(cells)
    if box.answers_at is not None:
        state = Cell(fit("√ ready", STATE_CELLS), Look.GOOD)
    elif box.is_asked:
        state = Cell(fit("× no answer", STATE_CELLS), Look.BAD)
    else:
        state = Cell(fit("… asking", STATE_CELLS), Look.SOFT)
    return (
        state,
        Cell(fit(box.name, name - 1) + " ", Look.STRONG),
        Cell(fit(_where(box), WHERE_CELLS)),
        Cell(fit(", ".join(box.events), events)),
    )


def _where(box: FoundBox) -> str:
    address = (box.answers_at or next(iter(box.addresses), "")).removeprefix("http://")
    where = "this machine" if address.startswith(UNIX) else address
    return f"{where} (known)" if box.is_known and not box.is_here else where


def _name_and_events(cells: int) -> tuple[int, int]:
    """The name gets what it needs of most boxes, the events the rest."""
    left = max(10, cells - STATE_CELLS - WHERE_CELLS)
    name = min(30, left // 2)
    return name, left - name
