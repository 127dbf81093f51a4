"""
Simulated strips: pressed by a client, by a script, never by a car.

Their edges take the same way as real ones. A stamp is the moment the press was meant to make it, never later than the
moment it is handed on, as with a kernel stamp; bounces come `BOUNCE_NS` apart.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from appliance.clock import mono_ns
from appliance.errors import InvalidInput
from timing.stream import Line, Problem, StripsKind
from timing.strips import RawEdge, Sink
from timing.strips.script import ScriptedHit

BOUNCE_NS = 300_000
"""Pressed foil chatters some tenths of a millisecond apart."""


class SimulatedStrips:
    """Real time, no hardware."""

    kind = StripsKind.SIMULATED
    note: str | None = None
    problem: Problem | None = None

    def __init__(self, lines: Sequence[Line], script: Sequence[ScriptedHit] = ()) -> None:
        self.lines = lines
        self._script = script
        self._sink: Sink | None = None
        self._timers: dict[int, list[asyncio.TimerHandle]] = defaultdict(list)
        """What is still to come of the press on each line."""
        self._script_timers: list[asyncio.TimerHandle] = []
        self._pressed: set[int] = set()
        self._seqno: dict[int, int] = defaultdict(int)

    async def start(self, sink: Sink) -> None:
        """Open the lines and start the script's clock."""
        self._sink = sink
        loop = asyncio.get_running_loop()
        self._script_timers = [loop.call_later(scripted.at_ms / 1e3, self._play, scripted) for scripted in self._script]

    async def stop(self) -> None:
        """Forget presses under way and the rest of the script."""
        self._sink = None
        for timer in (*self._script_timers, *(timer for timers in self._timers.values() for timer in timers)):
            timer.cancel()

    def hit(self, line: int, hold_ms: int = 40, bounces: int = 0) -> None:
        """
        Press a strip now; a press already under way on that line is released first.

        Args:
            hold_ms: From the first contact to the last release.
            bounces: How often contact is lost and made again at the start, as far as `hold_ms` has room for it.

        Raises:
            InvalidInput: no such line.
        """
        if line not in {known.line for known in self.lines}:
            names = ", ".join(str(known.line) for known in self.lines) or "none"
            raise InvalidInput(f"There is no strip on line {line}.", f"Use one of the recorder's lines: {names}.")
        start_ns = mono_ns()
        for timer in self._timers.pop(line, ()):
            timer.cancel()
        if line in self._pressed:
            self._change(line, start_ns, active=False)
        self._change(line, start_ns, active=True)
        self._plan(line, start_ns, hold_ms * 1_000_000, bounces)

    def _plan(self, line: int, start_ns: int, hold_ns: int, bounces: int) -> None:
        fitting = max(0, min(bounces, hold_ns // BOUNCE_NS // 2 - 1))
        moments = [(start_ns + step * BOUNCE_NS, step % 2 == 0) for step in range(1, 2 * fitting + 1)]
        moments.append((start_ns + hold_ns, False))
        loop = asyncio.get_running_loop()
        base_s = loop.time() - (mono_ns() - start_ns) / 1e9
        self._timers[line] = [
            loop.call_at(base_s + (at_ns - start_ns) / 1e9, self._change, line, at_ns, active)
            for at_ns, active in moments
        ]

    def _play(self, scripted: ScriptedHit) -> None:
        self.hit(scripted.hit.line, scripted.hit.hold_ms, scripted.hit.bounces)

    def _change(self, line: int, at_ns: int, active: bool) -> None:
        if self._sink is None:
            return
        (self._pressed.add if active else self._pressed.discard)(line)
        self._seqno[line] += 1
        self._sink(RawEdge(line, active, at_ns, self._seqno[line]))
