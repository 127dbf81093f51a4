"""No strips: laps are taken by hand. The recorder runs all the same, so that nothing else needs a special case."""

from collections.abc import Sequence

from timing.stream import Line, Problem, StripsKind
from timing.strips import Sink


class DisabledStrips:
    """Watches nothing and never calls its sink."""

    kind = StripsKind.DISABLED
    note: str | None = None
    problem: Problem | None = None
    lines: Sequence[Line] = ()

    async def start(self, sink: Sink) -> None:
        """Nothing to watch."""

    async def stop(self) -> None:
        """Nothing to let go."""
