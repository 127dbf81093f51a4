"""
gpiozero's mock with a clock of the test's: pins whose edges have the time the test says, and may repeat themselves.

gpiozero's own mock drops a second edge in the same direction; a kernel reports it (reference: gpio cdev, both edges).
"""

from collections.abc import Callable, Sequence

from gpiozero.pins.mock import MockFactory, MockPin

from appliance.gpio_lines import GpioLine
from timing.strips.gpio_pins import KernelEdge
from timing.strips.gpio_pins.pin_watch import PinWatch


class TickedPin(MockPin):
    """A mock pin that is told when its edges were."""

    def edge(self, is_high: bool, at_s: float) -> None:
        """One edge, in whatever direction the last one was."""
        self._state, self._last_change = is_high, at_s
        if self._when_changed is not None:
            self._call_when_changed()


class TickedFactory(MockFactory):
    """A mock factory that can watch strips; its ticks are set."""

    note: str | None = None
    now_s = 0.0

    def __init__(self) -> None:
        super().__init__(pin_class=TickedPin)

    def ticks(self) -> float:  # type: ignore[override]
        return self.now_s

    def watch(
        self, lines: Sequence[GpioLine], hand_on: Callable[[KernelEdge], None], failed: Callable[[OSError], None]
    ) -> PinWatch:
        return PinWatch(self, lines, hand_on)
