"""
The kernel's numbers of edges: what a hole in them says. Pure.

Each line counts its own edges; edges that no longer fitted into the kernel's buffer, the oldest of them, leave a hole
there, which is exact. All lines of one request count together too, already in the interrupt: a number that is missing
there but on no line is an edge that merged with the next one, faster than the kernel could tell them apart.
"""

WRAP = 2**32
"""The kernel counts in 32 bits."""


class KernelNumbers:
    """The numbers of one request, from its first event on."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._seen = 0
        self._lost = 0
        self._highest = 0

    def lost_before(self, line: int, line_seqno: int, seqno: int) -> int:
        """How many edges of this line are missing between the last one and this; numbers start at 1."""
        step = (line_seqno - self._last.get(line, 0)) % WRAP
        lost = step - 1 if 0 < step < WRAP // 2 else 0
        self._last[line] = line_seqno
        self._seen += 1
        self._lost += lost
        ahead = (seqno - self._highest) % WRAP
        # Interrupts of two lines may be handled in the other order than they came.
        self._highest += ahead if ahead < WRAP // 2 else 0
        return lost

    @property
    def unexplained(self) -> int:
        """
        Edges counted in the interrupt, but neither seen nor missed on a line since: merged ones, as a rule.

        Right once the kernel's buffer was empty; lost ones are among them until their line speaks again.
        """
        return max(0, self._highest - self._seen - self._lost)
