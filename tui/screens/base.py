"""
What every screen of the seat shares: the status line on top, the keys below, ticks while a clock runs.

A screen shows what the seat knows and posts what somebody wants; what it asks the box for itself goes through `ask`.
"""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen

from tui.errors import BoxError
from tui.key_line import KeyLine, KeyWord
from tui.seat import Changed, Seat
from tui.status_line import StatusLine

if TYPE_CHECKING:
    from tui.seat_app import SeatApp

T = TypeVar("T")

TICK_S = 0.1
"""Tenths of a second are shown; twice as often cost 11 % of a core (reference/stack.md section 7)."""
IDLE_TICK_S = 1.0
PROBLEM_S = 8.0
"""Long enough to read a message and its remedy in a loud hall."""


EVERYWHERE = (
    KeyWord("F9", "Stop cars"),
    KeyWord("1-7", "Screens"),
    KeyWord("t", "Track"),
    KeyWord("o", "Box"),
    KeyWord("b", "Big clock"),
    KeyWord("m", "Sound"),
    KeyWord("?", "Help"),
    KeyWord("q", "Quit"),
)
"""What works on every screen of a seat (tui/seat_app.py)."""


class SeatChanged(Message):
    """What the seat knows is different."""

    def __init__(self, changed: frozenset[Changed]) -> None:
        super().__init__()
        self.changed = changed


class RoomScreen(Screen[None]):
    """A screen of the seat, made anew for each seat. `TITLE_WORD` is its name for people."""

    TITLE_WORD: ClassVar[str] = ""

    def compose(self) -> ComposeResult:
        """The frame; what is in it comes from `compose_room`."""
        yield StatusLine(self.TITLE_WORD)
        with Container(id="room"):
            yield from self.compose_room()
        yield KeyLine(EVERYWHERE)

    def compose_room(self) -> ComposeResult:
        """What the screen shows; to be given by each."""
        yield from ()

    def show(self, changed: frozenset[Changed]) -> None:
        """Show what the seat knows now; `changed` is everything when the screen comes up."""

    def on_tick(self, server_now_ns: int) -> None:
        """Run the clocks on: ten times a second while a race runs, else once a second."""

    _taken: Seat | None = None

    @property
    def seat(self) -> Seat:
        """What the timekeeper's seat knows: the one it was made for, also while it is being left for another."""
        if self._taken is None:
            self._taken = cast("SeatApp", self.app).seat
        return self._taken

    async def ask(self, answer: Awaitable[T]) -> T | None:
        """The box's answer, or None after its refusal was shown."""
        try:
            return await answer
        except BoxError as error:
            self.tell_problem(error)
            return None

    def tell_problem(self, error: BoxError) -> None:
        """Say what went wrong and what to do."""
        self.notify(error.remedy, title=error.message, severity="error", timeout=PROBLEM_S, markup=False)

    def may_run(self) -> bool:
        """Whether this seat may change anything; says why not."""
        if not self.seat.may_run:
            self.notify("Sign in as an operator: press O.", title="You may look, not change.", severity="warning")
        return self.seat.may_run

    @property
    def _is_in_sight(self) -> bool:
        """Shown, perhaps behind a question: its clocks go on."""
        return cast("SeatApp", self.app).room is self

    # ---- the frame

    def on_mount(self) -> None:
        """Start the ticks."""
        self._ticks = self.set_interval(TICK_S, self._tick)
        self._idle_ticks = self.set_interval(IDLE_TICK_S, self._idle_tick)

    def on_screen_resume(self) -> None:
        """Whatever happened meanwhile."""
        self._follow(frozenset(Changed))

    def on_seat_changed(self, message: SeatChanged) -> None:
        """Show it."""
        self._follow(message.changed)

    def _follow(self, changed: frozenset[Changed]) -> None:
        for line in self.query(StatusLine):
            line.show(self.seat)
        self.show(changed)

    def _tick(self) -> None:
        if self._is_in_sight and self.seat.picture.is_running:
            self.on_tick(self.seat.server_now_ns())

    def _idle_tick(self) -> None:
        if not self._is_in_sight:
            return
        for line in self.query(StatusLine):
            line.show(self.seat)
        if not self.seat.picture.is_running:
            self.on_tick(self.seat.server_now_ns())
