"""
A terminal that sits at one track of a box: which screen is shown, the keys that work on all of them, sounds, leaving.

Which screens there are is tui/app.py's, how a seat is found tui/arrival.py's, what it knows tui/seat.py's.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

from textual import work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import Event, InputEvent
from textual.screen import Screen

from tui.car_stop import BEGUN
from tui.screens.ask import Ask
from tui.screens.base import RoomScreen, SeatChanged
from tui.screens.help import HelpScreen
from tui.seat import Changed, Seat
from tui.sounds import Sounds
from tui.themes import DARK, LIGHT, THEMES
from tui.widgets.waiting_presses import NAMES
from tui.words import counted

OF_TEXTUAL = frozenset(binding.action for _, binding in Screen._merge_bindings())
"""Copying and the focus: what every program has, and nobody looks for."""
LOST_S = 5.0
"""A link that comes back is not worth looking for the box elsewhere."""
STOP_SAID_S = 20.0
"""Somebody is running for a car meanwhile."""
HEARD = frozenset({Changed.PICTURE_RACE, Changed.LINK})
"""What may be worth a sound."""


class Host(Protocol):
    """Who leads to a seat and remembers what this terminal likes."""

    muted: bool
    light: bool

    async def first_seat(self, app: App[None]) -> Seat | None:
        """The seat to begin with; None to leave."""

    async def other_track(self, app: App[None], seat: Seat) -> Seat | None:
        """A seat at another track of the event; None to stay."""

    async def other_box(self, app: App[None], seat: Seat) -> Seat | None:
        """A seat at another box or event, or as somebody else; None to stay."""

    async def while_lost(self, app: App[None], seat: Seat) -> None:
        """The link has been lost for a while; cancelled when it is back."""

    async def leave(self, seat: Seat) -> None:
        """Nobody sits there any more."""


class SeatApp(App[None]):
    """One terminal. `rooms` are the screens of a seat by name, in the order of their number keys."""

    TITLE = "Trackside"
    CSS_PATH = "trackside.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(number), f"room({number})", show=False) for number in range(1, 10)),
        Binding("question_mark,f1", "help", "Help", key_display="?"),
        Binding("t", "other_track", "Other track", show=False),
        Binding("o", "other_box", "Other box, event or person", show=False),
        Binding("b", "big_clock", "Big clock", show=False),
        Binding("m", "mute", "Sound on or off", show=False),
        Binding("f2", "light", "Bright or dark", show=False),
        # Before everything else, a field that is typed in too: a car does not wait.
        Binding("f9", "stop_cars", "Stop the cars of this track", show=False, priority=True),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+q,ctrl+c", "leave", "Quit", show=False, priority=True),
    ]

    def __init__(
        self, host: Host, rooms: Mapping[str, type[RoomScreen]], big_clock: type[Screen[None]] | None = None
    ) -> None:
        super().__init__()
        self.host = host
        self.sounds = Sounds(self.bell, muted=host.muted)
        self._rooms = rooms
        self._clock_screen = big_clock
        self._seat: Seat | None = None
        self._marked: set[Changed] = set()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = LIGHT if host.light else DARK

    @property
    def seat(self) -> Seat:
        """What the timekeeper's seat knows; there is one as soon as a room is shown."""
        assert self._seat is not None  # noqa: S101  tells the type checker; rooms are opened by _sit_down
        return self._seat

    @property
    def room(self) -> RoomScreen | None:
        """The screen of the seat that is in sight, perhaps behind a question."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, RoomScreen)), None)

    @property
    def has_seat(self) -> bool:
        """Whether somebody sits at a track."""
        return self._seat is not None

    def on_mount(self) -> None:
        """Begin."""
        self._arrive()

    async def on_event(self, event: Event) -> None:
        """A key counts from when it came, however long the screen was busy drawing."""
        if isinstance(event, InputEvent) and self._seat is not None:
            self._seat.key_came(event.time)
        await super().on_event(event)

    # ---- the seat

    @work(exclusive=True, group="arrival")
    async def _arrive(self) -> None:
        seat = await self.host.first_seat(self)
        if seat is None:
            self.exit()
        else:
            await self._sit_down(seat)

    async def _sit_down(self, seat: Seat) -> None:
        room = self._room_now()
        await self._stand_up()
        self._seat = seat
        for name, screen in self._rooms.items():
            self.install_screen(screen(), name)
        seat.listen(self._seat_changed)
        # A seat that fails takes the program with it: nobody is to press keys that go nowhere.
        self.run_worker(seat.run(), group="seat", exclusive=True)
        await self.push_screen(room or next(iter(self._rooms)))

    async def _stand_up(self) -> None:
        if self._seat is None:
            return
        while len(self.screen_stack) > 1:
            await self.pop_screen()
        for name in self._rooms:
            screen = self.get_screen(name)
            self.uninstall_screen(name)
            if screen.is_running:  # An installed screen lives on when it is popped, and with it its timers.
                await screen.remove()
        seat, self._seat = self._seat, None
        for group in ("seat", "lost"):
            self.workers.cancel_group(self, group)
        await seat.close()
        await self.host.leave(seat)

    def _room_now(self) -> str | None:
        return next((name for name in self._rooms if self._seat and self.get_screen(name) in self.screen_stack), None)

    def _seat_changed(self, changed: Changed) -> None:
        """Several things change with one message: the screen is told once."""
        if not self._marked:
            self.call_later(self._tell_screen)
        self._marked.add(changed)

    def _tell_screen(self) -> None:
        changed, self._marked = frozenset(self._marked), set()
        if self._seat is None:
            return
        if Changed.PROBLEM in changed:
            self._tell_refused()
        if Changed.STOP in changed:
            self._tell_stop(self.seat)
        if changed & HEARD:
            race = self.seat.picture.race
            self.sounds.hear(None if race is None else race.view, is_live=self.seat.link_state.is_live)
        if Changed.LINK in changed:
            self._follow_link(self.seat)
        for screen in {self.screen, self.room}:
            if screen is not None:
                screen.post_message(SeatChanged(changed))

    def _follow_link(self, seat: Seat) -> None:
        if not seat.link_state.is_lost:
            self.workers.cancel_group(self, "lost")
        elif not any(worker.group == "lost" and worker.is_running for worker in self.workers):
            self._while_lost(seat)

    @work(exclusive=True, group="lost")
    async def _while_lost(self, seat: Seat) -> None:
        await asyncio.sleep(LOST_S)
        await self.host.while_lost(self, seat)

    def _tell_refused(self) -> None:
        for refused in self.seat.presses.refused:
            name = NAMES.get(refused.press.kind, refused.press.kind.value)
            self.notify(refused.remedy, title=f"{name}: {refused.message}", severity="error", timeout=10, markup=False)
        self.seat.presses.forget_refused()

    def _tell_stop(self, seat: Seat) -> None:
        """What somebody has to do about it in full; the rest where the status line is covered."""
        words = seat.stop.words
        if words is None or not (words.is_over or words.text == BEGUN):
            return
        self.clear_notifications()  # What was said of the press before is not true any more.
        if words.is_bad:
            self.notify(words.detail, title=words.text, severity="error", timeout=STOP_SAID_S, markup=False)
        elif not isinstance(self.screen, RoomScreen):
            self.notify(words.text, markup=False)

    # ---- keys that work everywhere

    def action_stop_cars(self) -> None:
        """All cars of this track, now."""
        if self._seat is not None:
            self._seat.stop.press()
        else:
            self.notify("Sit at a track first; until then take the cars by hand.", title="No car is stopped from here.")

    async def action_room(self, number: int) -> None:
        """Another screen of this seat; nothing over a question or a form."""
        if isinstance(self.screen, RoomScreen) and number <= len(self._rooms):
            name = list(self._rooms)[number - 1]
            if self.screen is not self.get_screen(name):
                await self.switch_screen(name)

    def action_help(self) -> None:
        """Every key, for the screen that is shown."""
        if not isinstance(self.screen, HelpScreen):
            name = self.screen.TITLE_WORD if isinstance(self.screen, RoomScreen) else ""
            self.push_screen(HelpScreen(name, _keys_of(self.screen)))

    def action_big_clock(self) -> None:
        """For a second screen; again, or Escape, comes back."""
        if isinstance(self.screen, RoomScreen) and self._clock_screen is not None:
            self.push_screen(self._clock_screen())

    def action_mute(self) -> None:
        """Sound on or off, remembered."""
        self.host.muted = self.sounds.toggle()
        self.notify("Sound is off." if self.host.muted else "Sound is on.", timeout=2)

    def action_light(self) -> None:
        """Bright for the sun, dark for the hall; remembered."""
        self.host.light = not self.host.light
        self.theme = LIGHT if self.host.light else DARK

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """From a seat only: a key typed early would break off the way to the first one."""
        if action in {"other_track", "other_box"}:
            return isinstance(self.screen, RoomScreen)
        return super().check_action(action, parameters)

    @work(exclusive=True, group="arrival")
    async def action_other_track(self) -> None:
        """Another track of the event."""
        await self._change(await self.host.other_track(self, self.seat))

    @work(exclusive=True, group="arrival")
    async def action_other_box(self) -> None:
        """Another box or event; whoever is signed out signs in again."""
        if self.seat.is_signed_out or await self._may_leave("Leave this seat", "come back to this box"):
            await self._change(await self.host.other_box(self, self.seat))

    async def _change(self, seat: Seat | None) -> None:
        if seat is not None:
            await self._sit_down(seat)

    @work(exclusive=True, group="leaving")
    async def action_leave(self) -> None:
        """Quit; asks while presses wait."""
        if await self._may_leave("Quit", "start the terminal here again"):
            await self._stand_up()
            self.exit()

    async def _may_leave(self, leave: str, back: str) -> bool:
        """Asks while presses wait: the box takes none that is older than a quarter of an hour."""
        waiting = len(self._seat.presses.waiting) if self._seat else 0
        if not waiting or isinstance(self.screen, Ask):
            return True
        question = f"{counted(waiting, 'press waits', 'presses wait')} for the box. {leave} all the same?"
        detail = f"They are kept on this machine and sent when you {back} within 15 minutes."
        return await self.push_screen_wait(Ask(question, detail, yes=leave, no="Stay", careful=True))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the command palette offers: every screen and every key, by its words."""
        if self._seat is not None:
            for number, room in enumerate(self._rooms.values(), start=1):
                yield SystemCommand(room.TITLE_WORD, f"Key {number}", lambda number=number: self.action_room(number))
        for binding in (*_shown(screen), *_shown(self)):
            yield SystemCommand(binding.description, f"Key {_key(binding)}", lambda one=binding: self._run(one))

    async def _run(self, binding: Binding) -> None:
        await self.run_action(binding.action, self.screen)


def _keys_of(screen: Screen[object]) -> list[tuple[str, str]]:
    return [(_key(binding), binding.tooltip or binding.description) for binding in _shown(screen) if binding.show]


def _shown(node: App[None] | Screen[object]) -> list[Binding]:
    """The keys of a screen or of the app, each once, in their order."""
    own = [binding for _, binding in node._bindings if binding.description and binding.action not in OF_TEXTUAL]
    found = {binding.action: binding for binding in reversed(own)}
    return list(reversed(found.values()))


def _key(binding: Binding) -> str:
    return binding.key_display or binding.key.replace("+", " ").replace("question_mark", "?").title()
