"""
The fall-back: gpiozero's own lgpio factory, for a machine where gpiod has no package. A person chooses it by name.

lgpio stamps with the kernel's monotonic clock too, but throws the kernel's numbers away, asks for 16 events a line and
wakes up 2,000 times a second. Its traps are closed here: importing it leaves a FIFO in the current directory (or, told
otherwise, changes that directory), and one exception in a callback ends all its callbacks for good. One stays open:
giving back the input that was claimed last holds back the edges of all others until the next line is claimed
(measured). So no button is given back while strips are watched; their stamps would be right, but late.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.errors import NotReady
from appliance.gpio_chips import GpioChip, find_chip, line_is_held, line_use, no_such_line, refused_by_kernel
from appliance.gpio_lines import GpioLine
from timing.strips.gpio_pins import KernelEdge
from timing.strips.gpio_pins.pin_watch import PinWatch

log = logging.getLogger("gpio")

FOLDER_VARIABLE = "LG_WD"
INSTALL = "Install lgpio 0.2.2.0 (there is none for Python 3.13 and newer), or set gpio_backend to gpiod."


@contextmanager
def _fifo_out_of_the_way() -> Iterator[None]:
    """lgpio makes its FIFO in a folder of its own that is gone afterwards; both ends stay open."""
    before, chosen = Path.cwd(), os.environ.get(FOLDER_VARIABLE)
    folder = tempfile.mkdtemp(prefix="trackside-lgpio-", dir=chosen)
    os.environ[FOLDER_VARIABLE] = folder
    try:
        yield
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)
        if chosen is None:
            del os.environ[FOLDER_VARIABLE]
        else:
            os.environ[FOLDER_VARIABLE] = chosen


try:
    with _fifo_out_of_the_way():
        import lgpio
        from gpiozero.pins.lgpio import LGPIOFactory, LGPIOPin
except (ImportError, AttributeError, OSError) as error:  # The release 0.0.0.2 is an empty package.
    raise NotReady(f"The package lgpio cannot be used here: {error}.", INSTALL) from error
from timing.strips.gpio_pins.board import AnyBoardFactory  # noqa: E402  lgpio comes first, or not at all


class LgpioPin(LGPIOPin):
    """gpiozero's pin, which no callback can end and which lets its line go when closed."""

    def close(self) -> None:
        """Not ours any more; gpiozero would keep the line until the program ends."""
        self.when_changed = None
        try:
            lgpio.gpio_free(self.factory.handle, self._number)
        except lgpio.error:
            log.debug("line_was_free pin=%r", self)

    def _call_when_changed(self, *change: int) -> None:
        try:
            super()._call_when_changed(*change)
        except Exception:
            log.exception("device_failed pin=%r", self)


class LgpioFactory(AnyBoardFactory, LGPIOFactory):
    """Pins of the header on lgpio."""

    note: str | None = "The strips are read by the fall-back lgpio: edges that get lost cannot be noticed."

    def __init__(self, chip: str | None = None) -> None:
        """
        Open the chip.

        Args:
            chip: Label or device; None for the header of a Raspberry Pi.

        Raises:
            ApplianceError: as find_chip.
        """
        self.gpio_chip: GpioChip = find_chip(chip)
        try:
            super().__init__(self.gpio_chip.number)
        except lgpio.error as error:
            raise NotReady(f"lgpio does not open {self.gpio_chip.path}: {error}.", INSTALL) from error
        self.pin_class = LgpioPin

    @property
    def handle(self) -> int:
        """lgpio's own number for the open chip."""
        handle: int = self._handle
        return handle

    def pin(self, name: Any) -> Any:
        """
        gpiozero's pin of a line.

        Raises:
            ApplianceError: the line is held by somebody.
        """
        try:
            return super().pin(name)
        except lgpio.error as error:
            info = next(info for _, info in self.board_info.find_pin(name))
            number = int(info.name.removeprefix("GPIO"))
            use = line_use(self.gpio_chip, number)
            if use.is_used:
                raise line_is_held(number, use) from error
            raise refused_by_kernel(self.gpio_chip, OSError(str(error))) from error

    def watch(
        self, lines: Sequence[GpioLine], hand_on: Callable[[KernelEdge], None], failed: Callable[[OSError], None]
    ) -> PinWatch:
        """As WatchingFactory, without the kernel's numbers; `failed` is never told, lgpio does not say."""
        for line in lines:
            if line.number >= self.gpio_chip.line_count:
                raise no_such_line(self.gpio_chip, line.number)
        return PinWatch(self, lines, hand_on)
