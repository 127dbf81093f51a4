"""
Strips watched through the pins of any gpiozero factory, by the callback below its devices that still has the time.

For lgpio, whose callbacks come on a thread of its own, and for the mock of the tests.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from gpiozero.exc import PinError

from appliance.errors import InvalidInput
from appliance.gpio_lines import GpioLine, Pull
from timing.strips.gpio_pins import KernelEdge

PULLS = {Pull.UP: "up", Pull.DOWN: "down", Pull.NONE: "floating"}

log = logging.getLogger("gpio")


class _Listener:
    """What one pin calls. gpiozero holds it weakly, the watch strongly."""

    def __init__(self, line: GpioLine, put: Callable[[KernelEdge], None]) -> None:
        self._line = line
        self._put = put

    def heard(self, ticks: float, state: float) -> None:
        """A change, on whatever thread; raising here would end all callbacks of lgpio."""
        try:
            is_active = bool(state) != self._line.is_active_low
            # Seconds as a float: at 30 days of uptime still exact to half a nanosecond.
            self._put(KernelEdge(self._line.number, is_active, round(ticks * 1e9), None, None))
        except Exception:
            log.exception("edge_not_handed_on line=%d", self._line.number)


class PinWatch:
    """From the claim of the pins to their release."""

    def __init__(self, factory: Any, lines: Sequence[GpioLine], hand_on: Callable[[KernelEdge], None]) -> None:
        """
        Listen to the lines.

        Raises:
            ApplianceError: a line is held by somebody, or the board has no such pin.
        """
        self._factory = factory
        self._lines = lines
        self._hand_on = hand_on
        self._loop = asyncio.get_running_loop()
        self._heard: deque[KernelEdge] = deque()
        self._listeners = [_Listener(line, self._put) for line in lines]
        self._pins: dict[int, Any] = {}
        try:
            for line, listener in zip(lines, self._listeners, strict=True):
                self._listen(line, listener)
        except BaseException:
            self.release()
            raise

    def levels(self) -> dict[int, bool]:
        """Which lines are active now."""
        active_low = {line.number: line.is_active_low for line in self._lines}
        return {number: bool(pin.state) != active_low[number] for number, pin in self._pins.items()}

    def release(self) -> None:
        """Hand on what was heard, then let the lines go."""
        for number, pin in self._pins.items():
            pin.when_changed = None
            self._factory.release_pins(self, number)
            pin.close()
        self._pins.clear()
        self._drain()

    def _listen(self, line: GpioLine, listener: _Listener) -> None:
        try:
            self._factory.reserve_pins(self, line.number)
            pin = self._pins[line.number] = self._factory.pin(line.number)
            pin.function = "input"
            pin.pull = PULLS[line.pull]
            pin.edges = "both"
            pin.when_changed = listener.heard
        except PinError as error:
            raise InvalidInput(f"GPIO {line.number} cannot be a strip: {error}.", "Choose another line.") from error

    def _conflicts_with(self, other: object) -> bool:
        """What gpiozero asks of who holds a pin: strips share with nobody."""
        return True

    def _put(self, edge: KernelEdge) -> None:
        self._heard.append(edge)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        while self._heard:
            edge = self._heard.popleft()
            try:
                self._hand_on(edge)
            except Exception:
                log.exception("edge_not_handed_on edge=%s", edge)
