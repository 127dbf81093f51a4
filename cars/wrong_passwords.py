"""
How often a car was told a wrong password lately: fail2ban, which stock cars have, then answers nobody for a while.

Pure: moments are arguments, in ns of one monotonic clock. No password is kept, only when and where.
"""

from collections import defaultdict

MAX_RETRY = 5
WINDOW_NS = 600 * 1_000_000_000
"""Debian's jail.conf: five failures within ten minutes, then ten minutes without an answer."""
REMEDY = "After five wrong passwords a car answers nobody for ten minutes: wait, then try once more."


class WrongPasswords:
    """`note` each; `is_shut_out` when it comes to why nothing answers any more."""

    def __init__(self) -> None:
        self._at_ns: defaultdict[str, list[int]] = defaultdict(list)

    def note(self, address: str, now_ns: int) -> None:
        """The car there said no."""
        self._at_ns[address] = [*self._lately(address, now_ns), now_ns][-MAX_RETRY:]

    def is_shut_out(self, address: str, now_ns: int) -> bool:
        """Whether the car there may have shut this box out: so many were wrong, and so shortly ago."""
        return len(self._lately(address, now_ns)) >= MAX_RETRY

    def _lately(self, address: str, now_ns: int) -> list[int]:
        # The ban begins with the fifth failure and lasts as long as the window.
        return [at_ns for at_ns in self._at_ns.get(address, ()) if now_ns - at_ns < WINDOW_NS]
