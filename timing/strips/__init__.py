"""
The strips: where edges come from. One Protocol, one module per kind; this one owns the Protocol only.

A kind hands raw edges to its sink on the event loop, in the order of each line, and knows nothing of numbers, files or
clients. A new kind is a new module with a class that satisfies `Strips`, and a case in timing.strips.choose.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from timing.stream import Line, Problem, Stamp, StripsKind


@dataclass(frozen=True, slots=True)
class RawEdge:
    """
    One change of one line. `at_ns`: kernel CLOCK_MONOTONIC of this boot.

    `line_seqno` is the kernel's count of this line's edges since it was requested, None where there is none.
    """

    line: int
    active: bool
    at_ns: int
    line_seqno: int | None = None
    stamp: Stamp | None = None
    """Set when `at_ns` is not the kernel's stamp."""


@dataclass(frozen=True, slots=True)
class RawGap:
    """The kernel's numbers show that `lost` edges of a line were dropped; noticed at `at_ns`."""

    line: int
    lost: int
    at_ns: int


Sink = Callable[[RawEdge | RawGap], None]
"""Takes an edge at once and never raises, so that one bad edge cannot stop the next."""


class Strips(Protocol):
    """What the recorder needs of any kind of strips."""

    @property
    def kind(self) -> StripsKind:
        """Which kind it is; clients are told."""
        ...

    @property
    def lines(self) -> Sequence[Line]:
        """The lines watched, in the order in which people count them."""
        ...

    @property
    def note(self) -> str | None:
        """What people should know of these strips (timing/stream.py, RecorderHello); None as a rule."""
        ...

    @property
    def problem(self) -> Problem | None:
        """Why no crossing can be heard at this moment; told with each heartbeat."""
        ...

    async def start(self, sink: Sink) -> None:
        """Watch the lines from now on; returns once they are watched."""
        ...

    async def stop(self) -> None:
        """Let the lines go; no edge reaches the sink afterwards."""
        ...


class Panel(Protocol):
    """Lamp, buzzer and buttons of the box; every part of it may be absent, and a failing one never stops timing."""

    async def start(self) -> None:
        """Take the lines."""
        ...

    def show(self, problem: Problem | None) -> None:
        """Called with each heartbeat: lamp on while recording, blinking when something is wrong."""
        ...

    def crossed(self) -> None:
        """The server counted a crossing: sound the buzzer, without waiting for it."""
        ...

    async def stop(self) -> None:
        """Lamp off, lines released."""
        ...
