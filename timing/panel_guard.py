"""
The panel kept at arm's length: lamp and buzzer may fail or be absent, timing goes on.

The buzzer answers a press, once: a client that counts crossings nobody made hears nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from timing.stream import Problem
from timing.strips import Panel

PATIENCE_S = 2.0
"""For a panel to take or release its lines; a recorder is to start in under a second without one."""

log = logging.getLogger(__name__)


class PanelGuard:
    """A panel that never raises; what it does raise is logged once."""

    def __init__(self, panel: Panel | None) -> None:
        self._panel = panel
        self._pressed: set[int] = set()
        """Lines pressed since the buzzer last answered for them."""
        self._has_failed = False

    async def start(self) -> None:
        """Take the lines, or do without."""
        if self._panel:
            await self._await(self._panel.start)

    def show(self, problem: Problem | None) -> None:
        """Lamp on, or blinking."""
        if panel := self._panel:
            self._try(lambda: panel.show(problem))

    def pressed(self, line: int) -> None:
        """A strip was pressed: the next crossing told of it is worth a sound."""
        self._pressed.add(line)

    def crossed(self, line: int) -> None:
        """Sound the buzzer for the press of that line, once."""
        if self._panel and line in self._pressed:
            self._pressed.discard(line)
            self._try(self._panel.crossed)

    async def stop(self) -> None:
        """Lamp off."""
        if self._panel:
            await self._await(self._panel.stop)

    async def _await(self, call: Callable[[], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await call()
        except Exception as error:
            self._failed(error)

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        if not self._has_failed:
            log.error("panel_failed error=%r doing=timing_without_it", error, exc_info=error)
        self._has_failed = True
