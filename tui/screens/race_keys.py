"""
The keys that do something to the race on the track, for every screen that shows it.

A key acts when it goes down: the seat stamps it, gives it an id and sends it. What the race does not allow now says so.
"""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key

from timing.journal import Kind
from timing.structs import RaceState
from tui.screens.base import RoomScreen
from tui.widgets.waiting_presses import name_of

NOT_NOW_S = 3.0

KINDS: dict[str, tuple[Kind, ...]] = {
    "space": (Kind.START, Kind.PAUSE, Kind.RESUME),
    "l": (Kind.LAP,),
    "enter": (Kind.LAP,),
    "r": (Kind.RESET,),
    "e": (Kind.UNDO_RESET,),
    "d": (Kind.DNF,),
    "u": (Kind.UNDO_LAP,),
    "x": (Kind.END,),
    "s": (Kind.SUBMIT,),
    "c": (Kind.CANCEL_END,),
    "v": (Kind.SET_VALIDITY,),
    "ctrl+x": (Kind.DISCARD,),
}
"""What each key means; of more than one what the race allows."""

THEN: dict[RaceState | None, str] = {
    None: "No race is on this track. N makes the next racer ready.",
    RaceState.READY: "The race has not started: Space starts it.",
    RaceState.RUNNING: "The race is running: Space pauses it, X ends it.",
    RaceState.PAUSED: "The race is paused: Space resumes it.",
    RaceState.OVER: "The race is over: C goes back to it, S submits it.",
}
NO_LAP = "There is no lap yet."


class RaceKeys(RoomScreen):
    """A screen at which the race is timed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority for every key of the race: one without it waits behind the screen's drawing, and a key pressed after
        # it that has it would overtake it.
        Binding("space", "press('start')", "Start", priority=True, tooltip="Start both clocks by hand"),
        Binding("space", "press('pause')", "Pause", priority=True, tooltip="Stop both clocks"),
        Binding("space", "press('resume')", "Resume", priority=True, tooltip="Both clocks go on"),
        Binding("l,L,enter", "press('lap')", "Lap", priority=True, tooltip="Take a lap by hand"),
        Binding("r,R", "press('reset')", "Reset", priority=True, tooltip="One reset more in this lap"),
        Binding("e,E", "press('undo_reset')", "Reset−", priority=True, tooltip="One reset less in this lap"),
        Binding(
            "d,D", "press('dnf')", "DNF", priority=True, tooltip="Did not finish: an invalid lap, and the clocks stop"
        ),
        Binding("u,U", "press('undo_lap')", "Undo", priority=True, tooltip="The last lap was never taken"),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A key that the race does not allow now is not in the footer."""
        if action == "press":
            return Kind(str(parameters[0])) in self.seat.allowed
        return super().check_action(action, parameters)

    def action_press(self, kind: str) -> None:
        """One key press for the race, as of now."""
        self.seat.press(Kind(kind))

    def on_key(self, event: Key) -> None:
        """A key that means something, but not now, is answered in words."""
        kinds = KINDS.get(event.key if event.key == "ctrl+x" else event.key.lower(), ())
        if not kinds or not self.seat.picture.known or not self.seat.allowed.isdisjoint(kinds):
            return
        if not self.has_key(event.key):
            return
        event.stop()
        if self.may_run():
            self._say_not_now(kinds)

    def has_key(self, key: str) -> bool:
        """Whether this screen has the key at all."""
        return key in self._bindings.key_to_bindings

    def _say_not_now(self, kinds: tuple[Kind, ...]) -> None:
        state = self.seat.race_state
        then = THEN.get(state, THEN[None])
        if state not in {None, RaceState.READY} and set(kinds) <= {Kind.SET_VALIDITY, Kind.UNDO_LAP}:
            then = NO_LAP
        self.app.clear_notifications()
        self.notify(then, title=f"{name_of(kinds[0])}: not now", severity="warning", timeout=NOT_NOW_S, markup=False)
