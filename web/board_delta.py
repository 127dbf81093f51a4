"""
What changed between two versions of a board, small enough to send to every screen. Pure.

A new leader changes everybody's place and gap. Those follow from the order, so a row is sent only when something else
of it changed; the screen works places and gaps out again, exactly as `apply_delta` does.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct, structs

from timing.structs import Board, BoardFormat, Standing


class BoardRow(Standing, frozen=True, kw_only=True):
    """A changed row and where it stands now, from 0."""

    index: int


class Finished(Struct, frozen=True, kw_only=True):
    """Whose race was handed in just now, and where that took them."""

    racer_id: str
    place: int | None
    previous_place: int | None


class BoardDelta(Struct, frozen=True, kw_only=True):
    """
    `event: board`. Take out `removed` and the racers of `rows`, put `rows` in at their `index` in order; then there
    are `count` rows. Without `previous_version` on the screen the delta does not fit: connect again.
    """

    track: str
    format: BoardFormat
    version: int
    previous_version: int
    rows: list[BoardRow]
    removed: list[str]
    count: int
    finished: Finished | None


def board_delta(old: Board, new: Board, finisher: str | None = None) -> BoardDelta:
    """The change from `old` to `new`; `finisher` is the racer whose race was handed in just now."""
    rows = _changed(old.rows, new.rows)
    delta = _delta(old, new, rows, finisher)
    if apply_delta(old.rows, delta) == new.rows:
        return delta
    # A place or gap that does not follow from the order; the whole board is right whatever the rules do.
    return _delta(old, new, list(enumerate(new.rows)), finisher)


def apply_delta(old: Sequence[Standing], delta: BoardDelta) -> list[Standing]:
    """The rows a screen shows after `delta`; what live.js does, in Python."""
    gone = set(delta.removed) | {row.racer_id for row in delta.rows}
    rows = [row for row in old if row.racer_id not in gone]
    for row in delta.rows:
        rows.insert(row.index, _standing(row))
    if len(delta.rows) == delta.count:
        return rows
    return numbered(rows, delta.format)


def numbered(rows: Sequence[Standing], board_format: BoardFormat) -> list[Standing]:
    """Places and gaps from the order: a tied row shares the place above it, a row without a value has neither."""
    out: list[Standing] = []
    first = None if not rows else _value(rows[0], board_format)
    place = 0
    for index, row in enumerate(rows):
        value = _value(row, board_format)
        if value is None or first is None:
            out.append(_with(row, None, None))
            continue
        place = place if row.tied else index + 1
        out.append(_with(row, place, value - first))
    return out


def _with(row: Standing, place: int | None, gap_ms: int | None) -> Standing:
    same = row.place == place and row.gap_ms == gap_ms
    return row if same else structs.replace(row, place=place, gap_ms=gap_ms)


def _value(row: Standing, board_format: BoardFormat) -> int | None:
    if board_format is BoardFormat.FASTEST:
        return row.best_ms
    return None if row.best_average is None else row.best_average.average_ms


def _changed(old: Sequence[Standing], new: Sequence[Standing]) -> list[tuple[int, Standing]]:
    before = {row.racer_id: (index, row) for index, row in enumerate(old)}
    changed, kept, positions = [], [], []
    for index, row in enumerate(new):
        known = before.get(row.racer_id)
        if known is None or _with(known[1], row.place, row.gap_ms) != row:
            changed.append((index, row))
        else:
            kept.append((index, row))
            positions.append(known[0])
    if all(left < right for left, right in pairwise(positions)):
        return changed
    staying = _longest_rising(positions)
    moved = [pair for number, pair in enumerate(kept) if number not in staying]
    return sorted(changed + moved, key=lambda pair: pair[0])


def _longest_rising(values: Sequence[int]) -> set[int]:
    """Indexes of one longest rising subsequence: the rows that need not be sent again."""
    tails: list[int] = []
    tail_at: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(values):
        length = bisect_left(tails, value)
        previous.append(tail_at[length - 1] if length else -1)
        tails[length : length + 1] = [value]
        tail_at[length : length + 1] = [index]
    chosen: set[int] = set()
    at = tail_at[-1] if tail_at else -1
    while at >= 0:
        chosen.add(at)
        at = previous[at]
    return chosen


def _delta(old: Board, new: Board, rows: Sequence[tuple[int, Standing]], finisher: str | None) -> BoardDelta:
    there = {row.racer_id for row in new.rows}
    return BoardDelta(
        track=new.track,
        format=new.format,
        version=new.version,
        previous_version=old.version,
        rows=[BoardRow(index=index, **structs.asdict(row)) for index, row in rows],
        removed=[row.racer_id for row in old.rows if row.racer_id not in there],
        count=len(new.rows),
        finished=None if finisher is None else _finished(old, new, finisher),
    )


def _finished(old: Board, new: Board, racer_id: str) -> Finished:
    return Finished(racer_id=racer_id, place=_place(new, racer_id), previous_place=_place(old, racer_id))


def _place(board: Board, racer_id: str) -> int | None:
    return next((row.place for row in board.rows if row.racer_id == racer_id), None)


FIELDS = tuple(name for name in Standing.__struct_fields__)


def _standing(row: BoardRow) -> Standing:
    return Standing(**{name: getattr(row, name) for name in FIELDS})
