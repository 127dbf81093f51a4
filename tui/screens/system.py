"""
How the box is and how this terminal reaches it: every check of the box, the link, the clocks, who is connected.

Asks again every few seconds while it is shown. While the box is away, it shows what was known last and how old that is.
"""

import time
from datetime import datetime
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.widgets import Static

from timing.crew_structs import Connections
from tui import local_clock
from tui.columns import Cell, Look, Row, fit, plain
from tui.errors import BoxError
from tui.looks import content_of_rows
from tui.screens.base import RoomScreen
from tui.seat import Changed
from tui.system_rows import (
    Clock,
    Moment,
    check_rows,
    clock_rows,
    entry,
    link_rows,
    press_rows,
    seat_rows,
    summary,
    wrapped,
)
from tui.wire import BoxIdentity, HealthReport
from tui.words import age_text

EVERY_S = 5.0
WIDE_CELLS = 110
"""A terminal this wide has the box on the left and what is connected to it on the right."""


class SystemScreen(RoomScreen):
    """The box, this terminal, and everybody else."""

    TITLE_WORD: ClassVar[str] = "System"
    DEFAULT_CSS = """
    SystemScreen #system { layout: vertical; }
    SystemScreen #system { scrollbar-size-vertical: 1; }
    SystemScreen #system Static { width: 1fr; height: auto; padding: 0 1; }
    SystemScreen #system-here { margin-top: 1; }
    SystemScreen.wide #system { layout: horizontal; padding-top: 1; }
    SystemScreen.wide #system-here { margin-top: 0; border-left: vkey $panel; padding: 0 2; min-height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r,R", "ask_now", "Ask again now", tooltip="Asks the box at once; else every 5 s"),
        Binding("up", "scroll_by(-1)", "Scroll", key_display="↑↓", tooltip="Reads on where there are more rows"),
        Binding("down", "scroll_by(1)", "Scroll", show=False, tooltip="Reads on where there are more rows"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._report: HealthReport | None = None
        self._connections: Connections | None = None
        self._identity: BoxIdentity | None = None
        self._asked_s = 0.0
        self._heard_s = 0.0
        self._problem: BoxError | None = None
        """Why what is shown is old."""

    def compose_room(self) -> ComposeResult:
        """The box, then what is connected to it."""
        with VerticalScroll(id="system", can_focus=False):
            yield Static(id="system-box")
            yield Static(id="system-here")

    def show(self, changed: frozenset[Changed]) -> None:
        """What the seat knows is shown at once; the box is asked when it is back, and when the screen comes up."""
        if Changed.LINK in changed:
            self._ask()
        self._paint()

    def on_tick(self, server_now_ns: int) -> None:
        """Ages go on."""
        now_s = time.monotonic()
        if now_s - self._asked_s >= EVERY_S:
            self._ask()
        self._paint()

    def on_resize(self, resize: Resize) -> None:
        """Two columns where there is room."""
        self.set_class(resize.size.width >= WIDE_CELLS, "wide")
        self.call_after_refresh(self._paint)

    def on_screen_suspend(self) -> None:
        """It is asked again when somebody looks."""
        if not self._is_in_sight:
            self.workers.cancel_group(self, "system")

    def action_ask_now(self) -> None:
        """Somebody has changed something and wants to see it."""
        self._ask()

    def action_scroll_by(self, rows: int) -> None:
        """On a small terminal."""
        self.query_one("#system").scroll_relative(y=rows, animate=False)

    # ---- the box

    @work(exclusive=True, group="system")
    async def _ask(self) -> None:
        self._asked_s = time.monotonic()
        box = self.seat.box
        try:
            self._report = await box.health()
            self._connections = await box.connections()
            self._identity = await box.identity()
        except BoxError as error:
            self._problem = error
        else:
            self._problem, self._heard_s = None, time.monotonic()
        self._paint()

    # ---- what is seen

    def _paint(self) -> None:
        if not self._is_in_sight or not self.query("#system-here"):  # An answer may come while the seat goes.
            return
        box, here = self.query_one("#system-box", Static), self.query_one("#system-here", Static)
        box.update(content_of_rows(self._box_rows(self._cells(box))))
        here.update(content_of_rows(self._here_rows(self._cells(here))))

    def _cells(self, of: Static) -> int:
        return max(40, of.content_size.width or self.size.width - 3)

    def _box_rows(self, cells: int) -> list[Row]:
        problem = self._problem or self.seat.link_state.problem
        is_live = self._problem is None and self.seat.link_state.is_live
        age = age_text(int((time.monotonic() - self._heard_s) * 1000))
        rows: list[Row] = []
        if not is_live:
            old = "Nothing is known of it yet." if self._report is None else f"This is how it was {age} ago."
            rows += wrapped(f"× NOT LIVE: {problem or 'The box is not heard.'} {old}", cells, Look.BAD)
        if self._report is None:
            return rows or wrapped("Asking the box.", cells)
        if is_live:
            box = self._identity
            name = "" if box is None else f"   {plain(box.name)}, version {plain(box.version)}"
            heard = fit(f"{name}   asked {age} ago", max(0, cells - 26))
            rows.append([summary(self._report), Cell(heard, Look.SOFT)])
        return [*rows, *check_rows(self._report, cells)]

    def _here_rows(self, cells: int) -> list[Row]:
        seat, stamp = self.seat, local_clock.stamp()
        now = Moment(stamp.mono_ns, datetime.now().astimezone())
        roles = ", ".join(role for role in seat.me.roles if role != "racer") or "no role"
        is_unix = seat.box.address.startswith("unix:")
        way = "at the box itself, over its own socket" if is_unix else f"over {seat.box.address}"
        rows: list[Row] = [[Cell("This terminal", Look.STRONG)]]
        rows += link_rows(seat.link_state, now, cells)
        rows += clock_rows(Clock(seat.clock.offset(stamp), *seat.clock.basis(stamp)), cells)
        rows += press_rows(len(seat.presses.waiting), seat.presses.trouble, cells)
        rows += entry("you", f"{seat.me.username} ({roles}), {way}", cells)
        if self._connections is not None:
            tracks = {(seat.event_id, track.track_id): track.name for track in seat.picture.tracks}
            rows.append([Cell("")])
            rows += seat_rows(self._connections, tracks, cells)
        return rows
