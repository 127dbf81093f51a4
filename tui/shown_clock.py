"""
A clock on a screen that does not jump back and forth. Pure.

The box's clock is known to some milliseconds, and to better ones a moment later: what would go back by a little stands
still until time has caught up. What goes back by more is the truth (an undone lap, a race of somebody else) and jumps.
"""

from collections.abc import Hashable
from dataclasses import dataclass

STANDS_STILL = 300
"""ms, or ns / 1e6: above what is known wrong of a clock over bad Wi-Fi, below what a person takes for a mistake."""


@dataclass(slots=True)
class ShownClock:
    """One clock. `step` 1 runs up, -1 runs down; `stands_still` in the unit of its values."""

    step: int = 1
    stands_still: int = STANDS_STILL
    _last: int | None = None
    _of: Hashable = None

    def show(self, value: int, of: Hashable = None) -> int:
        """
        What to show for `value`.

        Args:
            of: What it is the clock of: a race and lap, while it runs. Of something else nothing is held back.
        """
        last = self._last if of == self._of else None
        if last is not None and 0 < (last - value) * self.step <= self.stands_still:
            return last
        self._last, self._of = value, of
        return value
