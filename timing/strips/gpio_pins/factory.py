"""
The gpiozero pin factory of Trackside, on the kernel's character device.

    GPIOZERO_PIN_FACTORY=trackside python -c "from gpiozero import Button; Button(2).wait_for_press()"

gpiozero finds it by its entry point. Strips are watched beside its pins, in one request (strip_watch.py).
"""

import os
from collections.abc import Callable, Sequence

from appliance.gpio_chips import find_chip
from appliance.gpio_lines import GpioLine
from timing.strips.gpio_pins import KernelEdge
from timing.strips.gpio_pins.board import AnyBoardFactory
from timing.strips.gpio_pins.pin import TracksidePin
from timing.strips.gpio_pins.reading import LoopReading, ThreadReading
from timing.strips.gpio_pins.strip_watch import StripWatch, ToldPin

CHIP_VARIABLE = "TRACKSIDE_GPIO_CHIP"
"""The setting gpio_chip as a variable, for programs that have no other way to say it."""


class TracksideFactory(AnyBoardFactory):
    """Pins of the header on gpiod."""

    note: str | None = None

    def __init__(self, chip: str | None = None) -> None:
        """
        Find the chip; no line is asked for yet.

        Args:
            chip: Label or device; None for the variable's, else the header of a Raspberry Pi.

        Raises:
            ApplianceError: as find_chip.
        """
        super().__init__()
        self.pin_class = TracksidePin
        self.chip = find_chip(chip or os.environ.get(CHIP_VARIABLE) or None)
        self.reading = ThreadReading()
        self.pins_by_line: dict[int, TracksidePin] = {}
        self._watches: list[StripWatch] = []

    def watch(
        self, lines: Sequence[GpioLine], hand_on: Callable[[KernelEdge], None], failed: Callable[[OSError], None]
    ) -> StripWatch:
        """As WatchingFactory, with the kernel's numbers."""
        strips = StripWatch(
            self.chip, lines, reading=LoopReading(), hand_on=hand_on, failed=failed, pin_of=self._listening_pin
        )
        self._watches = [*(watch for watch in self._watches if watch.is_open), strips]
        strips.open()
        return strips

    def watch_of(self, number: int) -> StripWatch | None:
        """The watch that holds a line now."""
        return next((watch for watch in self._watches if watch.is_open and number in watch.lines), None)

    def _listening_pin(self, number: int) -> ToldPin | None:
        pin = self.pins_by_line.get(number)
        return pin if pin is not None and pin.is_listened_to else None
