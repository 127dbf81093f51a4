"""
Strips on the GPIO lines of this machine: every edge as the kernel stamped it, and every edge known to be missing.

Nothing is filtered here: bounces, short pulses and two equal directions in a row are handed on. Which library reads the
lines is its pin factory's business (gpio_pins/).
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence

from appliance.gpio_lines import GpioLine
from timing.stream import Line, LineRole, Problem, StripsKind
from timing.strips import RawEdge, RawGap, Sink
from timing.strips.gpio_numbers import KernelNumbers
from timing.strips.gpio_pins import KernelEdge, Watch, WatchingFactory

LOOK_S = 5.0
"""How often the lines are asked whether they are there: before Linux 6.6 a chip that is unplugged says nothing."""
QUIET_NS = 1_000_000_000
"""After a second without an edge the kernel's buffer was empty, whatever the load."""

log = logging.getLogger("strips")


def end_process() -> None:
    """Without its lines a recorder is no use: it ends in order, and whoever started it starts it again."""
    os.kill(os.getpid(), signal.SIGTERM)


class GpioStrips:
    """Strips, and the start button, on one chip."""

    kind = StripsKind.GPIO
    problem: Problem | None = None

    def __init__(
        self,
        strips: Sequence[GpioLine],
        factory: WatchingFactory,
        *,
        button: GpioLine | None = None,
        when_gone: Callable[[], None] = end_process,
    ) -> None:
        """
        Nothing is asked of the kernel before `start`.

        Args:
            button: The start and lap button; its edges are recorded like a strip's.
            when_gone: Called when the chip has vanished.
        """
        self._wired = [*strips, *([button] if button else [])]
        self._button = button
        self._factory = factory
        self._when_gone = when_gone
        self._numbers = KernelNumbers()
        self._last_at_ns = 0
        self._merged = 0
        self._sink: Sink | None = None
        self._watch: Watch | None = None
        self._is_gone = False
        self._next_look: asyncio.TimerHandle | None = None

    @property
    def lines(self) -> Sequence[Line]:
        """The strips, then the button."""
        return [
            Line(
                line=line.number,
                name=line.name,
                role=LineRole.BUTTON if line is self._button else LineRole.STRIP,
            )
            for line in self._wired
        ]

    @property
    def note(self) -> str | None:
        """What the factory says of itself."""
        return self._factory.note

    async def start(self, sink: Sink) -> None:
        """
        Ask for the lines.

        Raises:
            ApplianceError: somebody holds one, or the chip cannot be used; says what to do.
        """
        self._sink, self._is_gone = sink, False
        self._numbers = KernelNumbers()
        self._watch = self._factory.watch(self._wired, self._heard, self._gone)
        self._look_later()
        names = {line.number: line.name for line in self._wired}
        for number, is_active in self._watch.levels().items():
            if is_active:
                log.warning(
                    "line_active_at_start line=%d name=%r: pressed now, or wired the other way", number, names[number]
                )

    async def stop(self) -> None:
        """Hand on what the kernel still holds, then let the lines go."""
        if self._next_look is not None:
            self._next_look.cancel()
        if self._watch is not None:
            self._watch.release()
        self._watch = self._sink = None

    def _heard(self, edge: KernelEdge) -> None:
        if edge.line_seqno is not None and edge.seqno is not None:
            if edge.at_ns - self._last_at_ns > QUIET_NS:
                self._tell_of_merged()
            self._last_at_ns = edge.at_ns
            if lost := self._numbers.lost_before(edge.line, edge.line_seqno, edge.seqno):
                self._hand_on(RawGap(edge.line, lost, edge.at_ns))
        self._hand_on(RawEdge(edge.line, edge.active, edge.at_ns, edge.line_seqno))

    def _tell_of_merged(self) -> None:
        """A contact that chatters faster than interrupts are served: no hit is lost by it, so it is no gap."""
        if self._numbers.unexplained > self._merged:
            log.info("edges_merged count=%d", self._numbers.unexplained - self._merged)
            self._merged = self._numbers.unexplained

    def _hand_on(self, raw: RawEdge | RawGap) -> None:
        """A sink does not raise; if one does, the next edge is taken all the same."""
        try:
            if self._sink is not None:
                self._sink(raw)
        except Exception:
            log.exception("edge_refused raw=%r", raw)

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        try:
            if self._watch is not None:
                self._watch.levels()
        except OSError as error:
            self._gone(error)
        else:
            self._look_later()

    def _gone(self, error: OSError) -> None:
        if not self._is_gone:
            self._is_gone = True
            log.error("lines_gone error=%s: is the GPIO chip still there?", error)
            self._when_gone()
