"""
What the board screen shows of each racer: the value that ranks them, what moved since the board before, whom a typed
name means. Pure; the order and the places are the box's.
"""

from collections.abc import Mapping, Sequence
from statistics import median_low

from timing.structs import Board, BoardFormat, Standing

NEW = "new"


def ranked_ms(row: Standing, board_format: BoardFormat) -> int | None:
    """The best lap or the best average; None for a racer who has none yet."""
    if board_format is BoardFormat.FASTEST:
        return row.best_ms
    return None if row.best_average is None else row.best_average.average_ms


def places(rows: Sequence[Standing]) -> list[str]:
    """Each row's place: "1", "=2" where it is shared, a dash without a value."""
    texts = []
    for index, row in enumerate(rows):
        is_shared = row.tied or (index + 1 < len(rows) and rows[index + 1].tied)
        texts.append("–" if row.place is None else f"={row.place}" if is_shared else str(row.place))
    return texts


def gap_text(gap_ms: int | None) -> str:
    """How far behind the first: "+1.234", "+1:02.345" from a minute on; nothing for the first."""
    if not gap_ms:
        return ""
    minutes, rest_ms = divmod(gap_ms, 60_000)
    seconds = f"{rest_ms // 1000:02d}" if minutes else f"{rest_ms // 1000}"
    return f"+{f'{minutes}:' if minutes else ''}{seconds}.{rest_ms % 1000:03d}"


def moves(before: Board | None, after: Board) -> dict[str, str]:
    """
    The sign of every racer whom the newer board shows otherwise: "▲2" places up, "▼1" down, "new", "√" for another
    value in the same place.

    Returns:
        By racer id; empty when the two are not boards of the same race for places.
    """
    if before is None or (before.event_id, before.track, before.format) != (after.event_id, after.track, after.format):
        return {}
    known = {row.racer_id: row for row in before.rows}
    signs = {row.racer_id: _sign(known.get(row.racer_id), row, after.format) for row in after.rows}
    return {racer_id: sign for racer_id, sign in signs.items() if sign}


def shift_of(before: Sequence[Standing], after: Sequence[Standing], top: int, seen: int) -> int:
    """
    How many rows to scroll so that who was read stays in place: as far as most of them went.

    Args:
        top: The first row in view; at 0 nothing is scrolled, as a new leader is to be seen.
        seen: How many rows were in view.
    """
    now = {row.racer_id: index for index, row in enumerate(after)}
    in_view = enumerate(before[top : top + seen], start=top)
    shifts = [now[row.racer_id] - index for index, row in in_view if row.racer_id in now]
    return median_low(shifts) if shifts and top > 0 else 0


def find(rows: Sequence[Standing], typed: str, start: int = 0) -> int | None:
    """
    The row that a typed beginning or part of a name means; None when nobody has it.

    Args:
        start: Where to look first; it goes on from the top. Names that begin so come before those that contain it.
    """
    wanted = typed.casefold().strip()
    if not wanted:
        return None
    order = [*range(start, len(rows)), *range(min(start, len(rows)))]
    names = {index: rows[index].username.casefold() for index in order}
    begins = next((index for index in order if names[index].startswith(wanted)), None)
    return begins if begins is not None else next((index for index in order if wanted in names[index]), None)


def count_text(rows: Sequence[Standing]) -> str:
    """How many racers there are, and how many of them have a place: "12 racers, 3 without a time"."""
    without = sum(row.place is None for row in rows)
    text = f"{len(rows)} racer{'' if len(rows) == 1 else 's'}"
    return f"{text}, {without} without a time" if without else text


def kept(signs: Mapping[str, tuple[str, float]], now_s: float) -> dict[str, tuple[str, float]]:
    """Signs with the moment they end, without those that have ended."""
    return {racer_id: sign for racer_id, sign in signs.items() if sign[1] > now_s}


def _sign(before: Standing | None, after: Standing, board_format: BoardFormat) -> str:
    if before is None or (before.place is None and after.place is not None):
        return NEW
    if before.place is None or after.place is None:
        return ""
    if after.place != before.place:
        return f"▲{before.place - after.place}" if after.place < before.place else f"▼{after.place - before.place}"
    return "√" if ranked_ms(before, board_format) != ranked_ms(after, board_format) else ""
