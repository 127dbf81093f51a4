"""
Averages: the mean of N adjacent valid laps of one race (reference/drem.md 2.6). Pure.

Computed anew from the laps on every change and never kept, so an undone or edited lap cannot leave an old one behind.
"""

from collections.abc import Sequence

from timing.laps import Lap
from timing.structs import AverageView


def averages(laps: Sequence[Lap], window: int) -> list[AverageView]:
    """
    Every window of adjacent valid laps, the fastest first and the earlier one first among equals.

    Args:
        laps: Of one race, in order; deleted ones may be in or left out, either way they break a window.
        window: How many laps; a race with fewer valid laps in a row has none.
    """
    found: list[AverageView] = []
    row: list[Lap] = []
    for lap in laps:
        if not lap.valid or lap.deleted:
            row.clear()
            continue
        if row and lap.number != row[-1].number + 1:
            row.clear()
        row.append(lap)
        if len(row) >= window:
            found.append(_average(row[-window:]))
    return sorted(found, key=lambda average: (average.average_ms, average.first_lap))


def mean_ms(times_ms: Sequence[int]) -> int:
    """The mean in whole ms, half rounds up; exact, without floats."""
    return (2 * sum(times_ms) + len(times_ms)) // (2 * len(times_ms))


def _average(laps: Sequence[Lap]) -> AverageView:
    return AverageView(
        first_lap=laps[0].number, last_lap=laps[-1].number, average_ms=mean_ms([lap.lap_ms for lap in laps])
    )
