"""
A press: what was meant, and when it was pressed. Pure shapes; tui/presses.py sends, tui/press_file.py keeps.
"""

from dataclasses import dataclass

from msgspec import Struct

from timing.journal import Kind
from timing.structs import Action
from tui.server_clock import OnServer, Stamp

NS_PER_MS = 1_000_000


class Press(Struct, frozen=True, kw_only=True):
    """
    One key press that means something for a race.

    `mono_ns` and `slept_ns` are its stamp on the clock of `local_boot_id`, this machine's boot; `server_boot_id` is the
    boot of the box that the person saw, None when none had been heard of. `wall_ns` is only for people.
    """

    action_id: str
    race_id: str
    kind: Kind
    mono_ns: int
    slept_ns: int
    local_boot_id: str
    server_boot_id: str | None
    wall_ns: int
    lap: int | None = None
    valid: bool | None = None
    by_proxy: bool | None = None

    @property
    def stamp(self) -> Stamp:
        """When it was pressed, on this machine's clock."""
        return Stamp(self.mono_ns, self.slept_ns)

    def action(self, at: OnServer | None) -> Action:
        """As it is sent: pressed at that moment of the box's clock, or None for "when it arrives"."""
        return Action(
            action_id=self.action_id,
            kind=self.kind,
            lap=self.lap,
            valid=self.valid,
            by_proxy=self.by_proxy,
            pressed_at_ns=None if at is None else at.at_ns,
            pressed_boot_id=None if at is None else at.boot_id,
        )


@dataclass(slots=True, kw_only=True)
class Waiting:
    """
    A press without an answer yet, and why in words ("" while nothing is wrong).

    `is_held`: it cannot be placed in time any more and waits for the person: let it go, or send it as of now.
    """

    press: Press
    why: str = ""
    tries: int = 0
    is_held: bool = False
    is_of_old_boot: bool = False
    """This machine was restarted since: its stamp compares with nothing."""
    without_stamp: bool = False
    at_most_ns: int | None = None
    """On the box's clock: it cannot have been pressed later, whatever was measured."""

    @property
    def kind(self) -> Kind:
        """What was pressed."""
        return self.press.kind

    @property
    def pressed_wall_ns(self) -> int:
        """When, as UTC in ns since 1970 of this machine."""
        return self.press.wall_ns

    def age_ms(self, now: Stamp) -> int:
        """How long ago, sleep included; 0 for one of an older boot of this machine, of which nobody knows."""
        if self.is_of_old_boot:
            return 0
        age_ns = (now.mono_ns + now.slept_ns) - (self.press.mono_ns + self.press.slept_ns)
        return max(0, age_ns) // NS_PER_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPress:
    """The box said no, and nothing changed."""

    press: Press
    message: str
    remedy: str
