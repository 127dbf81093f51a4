"""
One press of a key is one press, however long it is held. Pure.

A terminal tells neither that a key was let go nor that it repeats: a held key is the same character again, first after
250 to 660 ms (Windows 250–1000, macOS 225–500, GNOME 500, X11 660), then each 30 to 40 ms. So a key event counts only
when another press came in between (a keyboard repeats only the last key that went down), or the last event was longer
ago than the longest common first delay. No lap is that short, a car is not put back twice in that time, and Space
twice in it would start and pause by one long press.
"""

from collections.abc import Hashable

from timing.journal import Kind

ONE_PRESS_NS = 700_000_000
"""Above X11's first delay of 660 ms, which is the longest of the usual ones; measured from event to event."""

ONE_KEY: dict[Kind, str] = {
    Kind.START: "clock",
    Kind.PAUSE: "clock",
    Kind.RESUME: "clock",
}
"""Kinds that one key means in turn: a held Space must not start, pause and resume."""


class KeyRepeat:
    """Remembers the press that was heard last, and when."""

    def __init__(self) -> None:
        self._last: tuple[Hashable, Hashable] | None = None
        self._last_ns = 0

    def is_new(self, kind: Kind, at_ns: int, *, of: Hashable = None) -> bool:
        """
        Whether a key event at `at_ns` begins a press, rather than going on with the one before.

        Args:
            at_ns: When it arrived here; never earlier than the one before.
            of: What else tells two presses apart: the race, and the lap when one is chosen.
        """
        key = (ONE_KEY.get(kind, kind), of)
        goes_on = key == self._last and at_ns - self._last_ns <= ONE_PRESS_NS
        self._last, self._last_ns = key, at_ns
        return not goes_on
