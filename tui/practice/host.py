"""
The terminal for practice: leads to a seat at a box of its own, with the lessons below every screen.

Owns how box, coach and seat come together. How that box is made is not known here: `open_box` gives it.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Protocol

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Event, Key
from textual.screen import Screen
from textual.widgets import Static

from timing.journal import Kind
from tui.app import ROOMS
from tui.box import Box
from tui.errors import BoxError
from tui.practice.coach import Coach, Orders
from tui.practice.hint_panel import HintPanel, with_hints
from tui.practice.lessons import Facts, facts_of
from tui.screens.base import RoomScreen
from tui.screens.big_clock import BigClockScreen
from tui.screens.help import HelpScreen
from tui.seat import Seat
from tui.seat_app import SeatApp

LOOK_S = 0.25
"""Between two looks at what somebody did; a change is looked at at once."""


class PracticeBox(Protocol):
    """A box to practise on. `lines` are the strips of each track."""

    @property
    def address(self) -> str:
        """Where it is."""

    @property
    def username(self) -> str:
        """Who practises."""

    @property
    def password(self) -> str:
        """Of that account."""

    @property
    def event_id(self) -> str:
        """Its one event."""

    @property
    def lines(self) -> dict[str, tuple[int, ...]]:
        """The strips of each track, by the track's id."""

    async def cut(self) -> None:
        """Take the network away."""

    async def mend(self) -> None:
        """Give it back."""


OpenBox = Callable[[], AbstractAsyncContextManager[PracticeBox]]


class SettingUp(Screen[None]):
    """What is seen at once, while the box starts."""

    DEFAULT_CSS = """
    SettingUp { align: center middle; }
    SettingUp Static { width: auto; }
    """

    def compose(self) -> ComposeResult:
        """What happens, and what it is for."""
        yield Static(
            Content(
                "Setting up the practice box… this takes some seconds.\n\n"
                "It is a box of your own on this machine: no network, no login, nothing counts.\n"
                "A car drives by itself; a line at the foot of the screen says what to press.\n\n"
                "Q leaves."
            )
        )


class PracticeHost:
    """A `Host` of tui/seat_app.py; keeps nothing. `trouble`: why there is no seat."""

    def __init__(self, open_box: OpenBox, stack: AsyncExitStack) -> None:
        self.muted = False
        self.light = False
        self.trouble: Exception | None = None
        self.practice: PracticeBox | None = None
        self._open_box = open_box
        self._stack = stack
        self._box: Box | None = None

    async def first_seat(self, app: App[None]) -> Seat | None:
        """A seat at the first track of a new box."""
        await app.push_screen(SettingUp())
        try:
            self.practice = await self._stack.enter_async_context(self._open_box())
            self._box = Box(self.practice.address)
            self._stack.push_async_callback(self._box.close)
            await self._box.sign_in(self.practice.username, self.practice.password)
            seat = await self._seat(next(iter(self.practice.lines)))
        except Exception as error:  # whoever started the terminal tells it, in words
            self.trouble = error
            return None
        await app.pop_screen()
        return seat

    async def other_track(self, app: App[None], seat: Seat) -> Seat | None:
        """The other one."""
        if self.practice is None:
            return None
        return await self._seat(next(track for track in self.practice.lines if track != seat.track_id))

    async def other_box(self, app: App[None], seat: Seat) -> Seat | None:
        """There is none."""
        app.notify("Leave with Q, then type: trackside tui", title="Practice has one box.", markup=False)
        return None

    async def while_lost(self, app: App[None], seat: Seat) -> None:
        """The box is on this machine: it comes back where it was."""

    async def leave(self, seat: Seat) -> None:
        """Nothing is kept."""

    async def _seat(self, track_id: str) -> Seat:
        assert self.practice is not None  # noqa: S101  tells the type checker
        assert self._box is not None  # noqa: S101
        return Seat(self._box, self.practice.event_id, track_id, await self._box.who())


class PracticeApp(SeatApp):
    """The terminal with a coach."""

    CSS_PATH = str(Path(__file__).parents[1] / "trackside.tcss")
    CSS = "ToastRack { padding-bottom: 5; }"
    """Above the lesson."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "skip", "Skip this lesson", show=False),
        Binding("f4", "restart", "Begin the lessons again", show=False),
    ]

    def __init__(self, host: PracticeHost, coach: Coach) -> None:
        super().__init__(host, {name: with_hints(room) for name, room in ROOMS.items()}, BigClockScreen)
        self.practice = host
        self.coach = coach
        self._hits = 0
        self._is_cut = False
        self._orders: set[asyncio.Task[None]] = set()

    def on_mount(self) -> None:
        """Look again and again, for the car's sake."""
        self.set_interval(LOOK_S, self.look)

    async def on_event(self, event: Event) -> None:
        """Every key is seen by the coach too."""
        if isinstance(event, Key) and isinstance(self.screen, RoomScreen):
            self.coach.key(event.key)
            self.call_after_refresh(self.look)
        await super().on_event(event)

    def _tell_screen(self) -> None:
        super()._tell_screen()
        self.look()

    def look(self) -> None:
        """See what was done, say what is next, and let the car drive."""
        if not self.has_seat:
            return
        orders = self.coach.look(self._facts(), time.monotonic())
        for panel in self.screen.query(HintPanel):
            panel.show(self.coach.course)
        task = asyncio.create_task(self._obey(orders))
        self._orders.add(task)
        task.add_done_callback(self._orders.discard)

    def action_skip(self) -> None:
        """The next lesson."""
        self.coach.skip()
        self.look()

    def action_restart(self) -> None:
        """All of them again."""
        self.coach.restart()
        self.look()

    def _facts(self) -> Facts:
        race, waiting = self.seat.picture.race, self.seat.presses.waiting
        room = next((one for one in reversed(self.screen_stack) if isinstance(one, RoomScreen)), None)
        return replace(
            facts_of(None if race is None else race.view),
            waiting=len(waiting),
            waiting_laps=sum(one.kind is Kind.LAP for one in waiting),
            is_live=self.seat.link_state.is_live,
            room=room.TITLE_WORD.lower() if room else "",
            help_open=isinstance(self.screen, HelpScreen),
        )

    async def _obey(self, orders: Orders) -> None:
        box = self.practice.practice
        if box is None or not self.has_seat:
            return
        if orders.is_cut != self._is_cut:
            self._is_cut = orders.is_cut
            await (box.cut() if orders.is_cut else box.mend())
        if orders.bounces is not None:
            lines = box.lines[self.seat.track_id]
            self._hits += 1
            with suppress(BoxError):  # then the car is not seen; the next round it is
                await self.seat.box.hit_strip(lines[self._hits % len(lines)], bounces=orders.bounces)


def run(open_box: OpenBox, *, seed: int = 1, speed: float = 1.0) -> int:
    """Practise until Q; the exit status. Raises what kept the box from starting."""

    async def practise() -> int:
        async with AsyncExitStack() as stack:
            host = PracticeHost(open_box, stack)
            app = PracticeApp(host, Coach(seed=seed, speed=speed))
            await app.run_async()
        if host.trouble is not None:
            raise host.trouble
        return app.return_code or 0

    return asyncio.run(practise())
