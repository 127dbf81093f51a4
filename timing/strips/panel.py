"""
The panel of the box: a lamp that says "recording", a buzzer for each crossing, a button that shuts the machine down.

All optional, all ordinary gpiozero devices on the same pin factory as the strips. A part that cannot be had is logged
and done without: no lamp is worth a crossing. The start button is not here: its edges are recorded (gpio.py).
"""

import asyncio
import logging
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.errors import InvalidInput
from appliance.gpio_lines import GpioLine, Pull
from timing.stream import Problem

HOLD_S = 3.0
"""Nobody leans on a button that long by mistake."""
BEEP_S = 0.08
"""Heard in a loud hall, over before the next car."""
BLINK_S = 0.25
POWER_OFF = ("systemctl", "poweroff")
POWER_OFF_PATIENCE_S = 20.0

log = logging.getLogger("panel")


class NoPanel:
    """Nothing is wired."""

    async def start(self) -> None:
        """Nothing to take."""

    def show(self, problem: Problem | None) -> None:
        """Nobody looks."""

    def crossed(self) -> None:
        """Nobody hears."""

    async def stop(self) -> None:
        """Nothing to release."""


@dataclass(frozen=True, slots=True)
class PanelWiring:
    """Which line is what; None for what is not there."""

    lamp: int | None = None
    buzzer: int | None = None
    shutdown_button: GpioLine | None = None


class GpioPanel:
    """Lamp, buzzer and shutdown button on gpiozero."""

    def __init__(
        self, wiring: PanelWiring, open_factory: Callable[[], Any], power_off: Sequence[str] = POWER_OFF
    ) -> None:
        """
        Nothing is asked of the kernel before `start`.

        Args:
            open_factory: Answers the gpiozero pin factory; may raise.
            power_off: The command of the shutdown button.
        """
        self._wiring = wiring
        self._open_factory = open_factory
        self._power_off = power_off
        self._lamp: Any = None
        self._buzzer: Any = None
        self._button: Any = None
        self._shown: Problem | str | None = "off"
        self._silence: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Take the lines that can be had."""
        from gpiozero import LED, Buzzer

        factory = self._try("panel", self._open_factory)
        if factory is None:
            return
        wiring = self._wiring
        if wiring.lamp is not None:
            self._lamp = self._try("lamp", lambda: LED(wiring.lamp, pin_factory=factory))
        if wiring.buzzer is not None:
            self._buzzer = self._try("buzzer", lambda: Buzzer(wiring.buzzer, pin_factory=factory))
        if wiring.shutdown_button is not None:
            line = wiring.shutdown_button
            self._button = self._try("shutdown_button", lambda: self._make_button(line, factory))

    def show(self, problem: Problem | None) -> None:
        """On while recording, blinking when something is wrong."""
        if self._lamp is None or problem == self._shown:
            return
        self._shown = problem
        if problem is None:
            self._try("lamp", self._lamp.on)
        else:
            self._try("lamp", lambda: self._lamp.blink(on_time=BLINK_S, off_time=BLINK_S))

    def crossed(self) -> None:
        """A short sound; a crossing during it makes it longer."""
        if self._buzzer is None:
            return
        self._try("buzzer", self._buzzer.on)
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(BEEP_S, self._try, "buzzer", self._buzzer.off)

    async def stop(self) -> None:
        """Lamp and buzzer off, lines released."""
        if self._silence is not None:
            self._silence.cancel()
        for name, device in (("shutdown_button", self._button), ("buzzer", self._buzzer), ("lamp", self._lamp)):
            if device is not None:
                await asyncio.to_thread(self._try, name, device.close)
        self._lamp = self._buzzer = self._button = None

    def _make_button(self, line: GpioLine, factory: Any) -> Any:
        from gpiozero import Button

        if line.pull is Pull.NONE:
            wired = {"pull_up": None, "active_state": not line.is_active_low}
        elif (line.pull is Pull.UP) is line.is_active_low:
            wired = {"pull_up": line.is_active_low}
        else:
            raise InvalidInput(
                f"GPIO {line.number} is pulled to where it is pressed.", "Leave its pull or its level away."
            )
        button = Button(line.number, **wired, hold_time=HOLD_S, pin_factory=factory)
        button.when_held = self._held
        return button

    def _held(self) -> None:
        """On gpiozero's thread for this button, which an exception would end."""
        self._try("shutdown_button", self._shut_down)

    def _shut_down(self) -> None:
        if not self._button.is_pressed:
            return  # Its release was missed; nobody holds it.
        log.warning("shutdown_button_held command=%s", " ".join(self._power_off))
        done = subprocess.run(  # noqa: S603  our own command
            self._power_off, capture_output=True, text=True, timeout=POWER_OFF_PATIENCE_S, check=False
        )
        if done.returncode:
            log.error("not_shut_down status=%d said=%r", done.returncode, done.stderr.strip())

    def _try(self, part: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:
            log.error("panel_part_failed part=%s error=%s", part, error)
            return None
