"""
The rules of a line of waiting racers: pure, rows in, changed rows out.

A line is the rows of one track in a standing state, ordered by `sort_key`. Each function answers only the rows that
changed, so that the caller writes just those.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from timing.queue_schema import QueueRow
from timing.queue_structs import QueueState

STANDING = frozenset({QueueState.WAITING, QueueState.CALLED, QueueState.SKIPPED})
"""States that stand in line. `skipped` stands too: it let another go first."""


def line_of(rows: Iterable[QueueRow]) -> list[QueueRow]:
    """Those that stand in line, next one first."""
    return sorted((row for row in rows if row.state in STANDING), key=lambda row: (row.sort_key, row.queue_id))


def joined(line: Sequence[QueueRow], row: QueueRow, position: int | None = None) -> list[QueueRow]:
    """`row` put in at `position` (from 1; None is the end), with whoever had to make room."""
    others = [other for other in line if other.queue_id != row.queue_id]
    place = len(others) if position is None else max(0, min(position - 1, len(others)))
    return _renumbered([*others[:place], row, *others[place:]], always=row.queue_id)


def skipped(line: Sequence[QueueRow], row: QueueRow) -> list[QueueRow]:
    """`row` lets the next one go first: it moves one place back and is marked."""
    position = [other.queue_id for other in line].index(row.queue_id) + 1
    return joined(line, replace(row, state=QueueState.SKIPPED, called_at=None), position + 1)


def _renumbered(line: Sequence[QueueRow], always: str) -> list[QueueRow]:
    """Sort keys 1…n in this order; answers the rows whose key changed, and the row `always`."""
    return [
        replace(row, sort_key=key)
        for key, row in enumerate(line, start=1)
        if row.sort_key != key or row.queue_id == always
    ]
