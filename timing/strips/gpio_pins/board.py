"""
Which board gpiozero thinks it is on. It looks pins up by the revision of a Raspberry Pi and fails without one.

A laptop with a GPIO adapter, another ARM board and the private kernel of the tests have none: there the pins are those
of the 40-pin header, GPIO 0 to 27.
"""

from typing import Any

from gpiozero.exc import PinUnknownPi
from gpiozero.pins.local import LocalPiFactory
from gpiozero.pins.pi import PiBoardInfo

REVISION_OF_A_40_PIN_HEADER = 0xA02082
"""A Pi 3B, the board that gpiozero's own mock pretends to be."""


class AnyBoardFactory(LocalPiFactory):
    """A factory for pins of this machine, whatever it is."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # gpiozero has one set of pins for all local factories; a pin of another chip or library must not pass for ours.
        # Reservations stay shared: two devices on one line are refused whoever made them.
        self.pins: dict[Any, Any] = {}

    def _get_revision(self) -> int:
        try:
            revision: int = super()._get_revision()
            PiBoardInfo.from_revision(revision)
        except (PinUnknownPi, OSError, ValueError):
            return REVISION_OF_A_40_PIN_HEADER
        return revision
