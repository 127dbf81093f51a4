"""The line of a track and who has left it, as two lists. Owns which entry is chosen while others come and go."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.widgets import Static

from timing.crew_structs import InLine
from timing.queue_structs import QueueEntry
from tui.queue_rows import line_rows, past_rows
from tui.row_list import RowList

EMPTY = "Nobody in line."
EMPTY_REMEDY = "\n\nPress A and type a few letters of a name."


class LineLists(Container):
    """Both lists, one below the other; with the class `-wide` side by side."""

    DEFAULT_CSS: ClassVar[str] = """
    LineLists { height: 1fr; layout: vertical; }
    LineLists #queue-empty { height: 1fr; width: 1fr; content-align: center middle; text-align: center; }
    LineLists #queue-past { height: 7; border-top: hkey $panel; }
    LineLists.-wide { layout: horizontal; }
    LineLists.-wide #queue-past { width: 42; height: 1fr; border-top: none; border-left: vkey $panel; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._line: Sequence[InLine] = ()
        self._past: Sequence[QueueEntry] = ()
        self._awaited: str | None = None
        """An entry that is to be chosen as soon as it is there."""
        self._stays = False

    def compose(self) -> ComposeResult:
        """The line, or what to do without one, and who has left."""
        yield RowList(id="queue-line")
        yield Static(id="queue-empty")
        yield RowList(id="queue-past")

    def put(
        self,
        line: Sequence[InLine],
        past: Sequence[QueueEntry],
        now_wall_ns: int | None,
        prepared: Mapping[str, str],
        *,
        may_run: bool,
    ) -> None:
        """Show these; the chosen entry stays chosen, wherever it moved to."""
        followed = None if self.chosen is None else self.chosen.entry.queue_id
        self._line, self._past = line, past
        rows, left, empty = self._rows, self._left, self.query_one("#queue-empty", Static)
        before = rows.chosen
        rows.set_rows(*line_rows(line, now_wall_ns, rows.content_width, prepared))
        left.set_rows(*past_rows(past, left.content_width))
        self._keep(followed, before)
        rows.display, empty.display = bool(line), not line
        empty.update(Content(EMPTY + EMPTY_REMEDY if may_run else EMPTY))

    @property
    def chosen(self) -> InLine | None:
        """Who is chosen in line."""
        index = self._rows.chosen
        return None if index is None or index >= len(self._line) else self._line[index]

    @property
    def chosen_past(self) -> QueueEntry | None:
        """Who is chosen of those who have left."""
        index = self._left.chosen
        return None if index is None or index >= len(self._past) else self._past[index]

    def focus_line(self) -> None:
        """The keys are for the line."""
        self._rows.focus()

    def await_entry(self, queue_id: str) -> None:
        """Choose this entry as soon as it is there."""
        self._awaited = queue_id

    def stay(self, *, stays: bool = True) -> None:
        """When the chosen entry goes from its place, choose who comes there, not where it went."""
        self._stays = stays

    @property
    def _rows(self) -> RowList:
        return self.query_one("#queue-line", RowList)

    @property
    def _left(self) -> RowList:
        return self.query_one("#queue-past", RowList)

    def _keep(self, followed: str | None, before: int | None) -> None:
        places = {item.entry.queue_id: place for place, item in enumerate(self._line)}
        if self._awaited in places:
            followed, self._awaited, self._stays = self._awaited, None, False
        place = places.get(followed or "")
        if self._stays and place != before:
            place, self._stays = None, False
        if place is not None:
            self._rows.choose(place, is_told=False)
