"""
The board: who is where on this track or on all of them, kept true while races are handed in.

The order, the places and the gaps are the box's. Owns what is looked at: which board, where in it, whom.
"""

import time
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.widgets import Input, Static

from timing.structs import COMBINED, Board, BoardFormat
from tui.board_rows import board_rows, detail
from tui.columns import Look, fit, plain
from tui.errors import BoxAway, BoxError
from tui.looks import STYLES
from tui.row_list import RowList
from tui.screens.base import RoomScreen
from tui.seat import Changed
from tui.standings import count_text, find, kept, moves, shift_of

MARK_S = 8.0
"""How long a row that moved is marked: long enough to look up from the track and find it."""
DETAIL_CELLS = 118
"""A terminal this wide has room for all about the chosen racer."""
FORMAT_WORDS = {BoardFormat.FASTEST: "by best lap", BoardFormat.AVERAGE: "by best average"}
EMPTY = "No times yet.\n\nThe first race that is handed in appears here by itself."


class BoardScreen(RoomScreen):
    """The standings of the seat's event."""

    TITLE_WORD: ClassVar[str] = "Board"
    DEFAULT_CSS = """
    BoardScreen #board-head { height: 1; padding: 0 1; text-style: bold; }
    BoardScreen #board-body { height: 1fr; }
    BoardScreen #board-detail { width: 42; height: 1fr; padding: 1 1 0 1; border-left: vkey $panel; }
    BoardScreen #board-empty { height: 1fr; content-align: center middle; text-align: center; color: $text-muted; }
    BoardScreen #board-find { height: 1; border: none; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,F", "format('average')", "Average", tooltip="By best average"),
        Binding("f,F", "format('fastest')", "Best lap", tooltip="By best lap again"),
        Binding("c,C", "tracks(True)", "All tracks", tooltip="All tracks together: everybody's best"),
        Binding("c,C", "tracks(False)", "This track", tooltip="This track alone again"),
        Binding("slash", "find", "Find", key_display="/", tooltip="Goes to a racer while you type the name"),
        Binding("escape", "close_find", "Close", show=False, tooltip="Leaves the name that was typed"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._board: Board | None = None
        self._track: str | None = None
        """Which board; None is the seat's own track."""
        self._format: BoardFormat | None = None
        """None is the event's own ranking."""
        self._picked: str | None = None
        """The racer somebody chose; their row is followed."""
        self._place = 0
        """Which row that is."""
        self._signs: dict[str, tuple[str, float]] = {}

    def compose_room(self) -> ComposeResult:
        """The head, the rows with all about the chosen one, and the line to type a name in."""
        yield Static(id="board-head")
        with Horizontal(id="board-body"):
            yield RowList(id="board-rows")
            yield Static(id="board-detail")
        yield Static(Content(EMPTY), id="board-empty")
        yield Input(placeholder="Type a name, then Enter", id="board-find")

    def on_mount(self) -> None:
        """Nothing is known yet."""
        self.query_one("#board-find").display = False
        self.query_one("#board-rows").focus()
        self._paint()

    def show(self, changed: frozenset[Changed]) -> None:
        """Ask for the board when it is another one, and when the box can be reached again."""
        if not changed.isdisjoint({Changed.BOARD, Changed.LINK}):
            self._load()
        if not changed.isdisjoint({Changed.PICTURE_TRACKS, Changed.LINK}):
            self.refresh_bindings()
            self._paint()

    def on_screen_suspend(self) -> None:
        """It is asked for again when somebody looks."""
        if not self._is_in_sight:
            self.workers.cancel_group(self, "board")

    # ---- keys

    def action_format(self, board_format: str) -> None:
        """By best lap, or by best average."""
        self._format = BoardFormat(board_format)
        self._load()

    def action_tracks(self, is_combined: bool) -> None:
        """All tracks together, or this one alone."""
        self._track = COMBINED if is_combined else None
        self._load()

    def action_find(self) -> None:
        """Type part of a name."""
        line = self.query_one("#board-find", Input)
        line.clear()
        line.display = True
        line.focus()

    def action_close_find(self) -> None:
        """Back to the rows."""
        self.query_one("#board-find").display = False
        self.query_one("#board-rows").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key leads to the other board; an event with one track has none of all tracks."""
        match action:
            case "format":
                shown = BoardFormat.FASTEST if self._board is None else self._board.format
                return parameters != (shown.value,)
            case "tracks":
                return len(self.seat.picture.tracks) > 1 and parameters != (self._track == COMBINED,)
        return True

    def on_input_changed(self, typed: Input.Changed) -> None:
        """Go to the first who fits."""
        self._go_to(typed.value, 0)

    def on_input_submitted(self, _: Input.Submitted) -> None:
        """Found."""
        self.action_close_find()

    def on_row_list_chosen(self, chosen: RowList.Chosen) -> None:
        """Somebody looks at this racer."""
        place = chosen.rows.chosen  # Another board may have come since.
        if self._board is not None and place is not None:
            self._place, self._picked = place, self._board.rows[place].racer_id
            self._paint_detail()

    def on_row_list_resized(self, _: RowList.Resized) -> None:
        """The columns fill the new width."""
        self._paint()

    def on_resize(self, resize: Resize) -> None:
        """Wide terminals show all about one racer too."""
        self.query_one("#board-detail").display = resize.size.width >= DETAIL_CELLS

    # ---- the board

    @work(exclusive=True, group="board")
    async def _load(self) -> None:
        seat = self.seat
        try:
            board = await seat.box.board(seat.event_id, self._track or seat.track_id, self._format)
        except BoxAway:
            return  # The link says so, and asks again when it is back.
        except BoxError as error:
            self.tell_problem(error)
        else:
            if self._is_in_sight and self.query(RowList):  # It may go while the box answers.
                self._take(board)

    def _take(self, board: Board) -> None:
        now_s = time.monotonic()
        signs = moves(self._board, board)
        self._signs = kept(self._signs, now_s) | {racer_id: (sign, now_s + MARK_S) for racer_id, sign in signs.items()}
        if signs:
            self.set_timer(MARK_S + 0.1, self._paint)
        is_other = self._board is None or (self._board.track, self._board.format) != (board.track, board.format)
        if is_other:
            self._signs = {}
        rows = self.query_one("#board-rows", RowList)
        if self._board is not None and rows.chosen not in (None, self._place):  # A key that is still to be told.
            self._picked = self._board.rows[rows.chosen].racer_id
        top = rows.scroll_offset.y
        shift = 0 if is_other or self._board is None else shift_of(self._board.rows, board.rows, top, rows.page_rows)
        self._board = board
        self.refresh_bindings()
        self._paint()
        place = next((index for index, row in enumerate(board.rows) if row.racer_id == self._picked), 0)
        rows.choose(place, is_told=False, is_shown=is_other)
        self._place = place
        if shift:
            self.call_after_refresh(rows.shift, shift)
        self._paint_detail()

    def _go_to(self, typed: str, start: int) -> None:
        if self._board is None or (index := find(self._board.rows, typed, start)) is None:
            return
        self.query_one("#board-rows", RowList).choose(index)

    # ---- what is seen

    def _paint(self) -> None:
        if not self._is_in_sight or not self.query(RowList):  # A timer may come while the screen or the seat goes.
            return
        rows, board = self.query_one("#board-rows", RowList), self._board
        self.query_one("#board-head", Static).update(self._head())
        is_empty = board is not None and not board.rows
        self.query_one("#board-body").display = not is_empty
        self.query_one("#board-empty").display = is_empty
        if board is None:
            return
        signs = {racer_id: sign for racer_id, (sign, _) in kept(self._signs, time.monotonic()).items()}
        rows.set_rows(*board_rows(board.rows, board.format, signs, rows.content_width))

    def _head(self) -> Content:
        picture, board = self.seat.picture, self._board
        track = "All tracks" if self._track == COMBINED else picture.track_name
        if board is None:
            return Content(f"{plain(track)}: asking the box")
        said = [f"{plain(track)}, {FORMAT_WORDS[board.format]}", count_text(board.rows)]
        if any(row.by_proxy for row in board.rows):
            said.append("* by proxy")
        head = Content("   ".join(said))
        if self.seat.link_state.is_live:
            return head
        return Content.assemble(head, "   ", ("× NOT LIVE: as it was last", STYLES[Look.BAD]))

    def _paint_detail(self) -> None:
        rows, board = self.query_one("#board-rows", RowList), self._board
        if board is None or rows.chosen is None:
            return
        row = board.rows[rows.chosen]
        names = {track.track_id: track.name for track in self.seat.picture.tracks}
        said = [*detail(row, board.format), ("Track", names.get(row.track_id, row.track_id))]
        lines = [Content.styled(fit(row.username, 38), "bold"), Content(row.country or ""), Content("")]
        lines += [Content.assemble((fit(label, 15), "$text-muted"), plain(text)) for label, text in said]
        self.query_one("#board-detail", Static).update(Content("\n").join(lines))
