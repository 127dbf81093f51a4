"""How fast a push goes: bytes per second of its last seconds. Pure."""

from collections import deque

WINDOW_NS = 3_000_000_000
"""Long enough for a figure that can be read, short enough to show a car that drives out of the Wi-Fi."""


class Rate:
    """Fed with the bytes sent so far, at moments that do not go backwards."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque()

    def add(self, at_ns: int, sent_bytes: int) -> int:
        """
        Note a moment.

        Returns:
            Bytes per second over the last `WINDOW_NS`; 0 after the first call, and after the count went back.
        """
        if self._seen and sent_bytes < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((at_ns, sent_bytes))
        while len(self._seen) > 2 and at_ns - self._seen[1][0] >= WINDOW_NS:
            self._seen.popleft()
        first_ns, first_bytes = self._seen[0]
        return (sent_bytes - first_bytes) * 1_000_000_000 // (at_ns - first_ns) if at_ns > first_ns else 0
