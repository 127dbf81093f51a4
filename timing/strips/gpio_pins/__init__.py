"""
Pins for gpiozero, and the strips on the same chip.

`TracksideFactory` is our own pin factory on the kernel's character device (gpiod); `LgpioFactory` the fall-back that a
person has to choose. Both watch strips: every edge is handed on as the kernel gave it, before gpiozero sees it. This
module owns only what the two have in common; it imports neither gpiozero nor gpiod.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from appliance.gpio_lines import GpioLine


@dataclass(frozen=True, slots=True)
class KernelEdge:
    """
    One event as the kernel reported it.

    `at_ns`: CLOCK_MONOTONIC, taken in the interrupt. `line_seqno` counts this line's events since it was asked for,
    `seqno` those of all lines asked for together; both from 1, both None where the numbers are thrown away.
    The direction of a pulse of some microseconds may be wrong: the kernel reads the level a little later.
    """

    line: int
    active: bool
    at_ns: int
    line_seqno: int | None
    seqno: int | None


class Watch(Protocol):
    """Lines under watch."""

    def levels(self) -> dict[int, bool]:
        """Which lines are active now."""
        ...

    def release(self) -> None:
        """Hand on what has happened up to now, then let the lines go; nothing is handed on afterwards."""
        ...


class WatchingFactory(Protocol):
    """A gpiozero pin factory that can also watch strips."""

    note: str | None
    """What people should know of strips read this way."""

    def watch(
        self, lines: Sequence[GpioLine], hand_on: Callable[[KernelEdge], None], failed: Callable[[OSError], None]
    ) -> Watch:
        """
        Hand on every edge of these lines from now on, on the running event loop.

        Args:
            failed: Told once when the lines are gone, a chip unplugged; there are no edges after that.

        Raises:
            ApplianceError: a line is held by somebody, or the chip or a library cannot be used.
        """
        ...
