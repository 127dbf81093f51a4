"""The shapes that only the crew's terminals and pages see: the box's clock now. Pure; no behaviour."""

from msgspec import Struct

from timing.journal import Id


class ClockReading(Struct, frozen=True, kw_only=True):
    """
    The box's clocks read together: CLOCK_MONOTONIC of `boot_id`, and UTC in ns since 1970.

    A terminal works out from `mono_ns` how far its own steady clock is from the box's, and stamps presses with it.
    """

    mono_ns: int
    wall_ns: int
    boot_id: Id
