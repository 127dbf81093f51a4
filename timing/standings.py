"""
Standings: what a racer's runs come to, and who is ahead of whom. Computed from laps on every change. Pure.

Summary: reference/drem.md 2.8, mended to work with zero valid laps. Order: the ranked value (best lap or best average),
then the second-best one, then the one set earlier; equal in all three share a place. Racers without a value come last,
by name, without a place.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from appliance.clock import iso_utc
from timing.averages import averages, mean_ms
from timing.fold import Race
from timing.laps import Lap, whole_ms
from timing.structs import AverageView, BoardFormat, Standing

NO_SECOND_MS = 1 << 62
"""Stands for "has no second-best value": behind everybody who has one."""


class RacerLike(Protocol):
    """What a board says about a racer."""

    @property
    def racer_id(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def country(self) -> str | None: ...
    @property
    def colour(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class RunResult:
    """One submitted run. `laps` without the deleted ones, in order; `averages` fastest first."""

    race_id: str
    racer_id: str
    track_id: str
    by_proxy: bool
    submitted_wall_ns: int
    laps: tuple[Lap, ...]
    averages: tuple[AverageView, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """
    A racer's standing on one track before it is known who is ahead of them.

    `value` holds what decides the order, smallest first: (ranked ms, second-best ms, wall ms when set), or None.
    """

    standing: Standing
    value: tuple[int, int, int] | None
    name_key: tuple[str, str]
    latest_wall_ns: int


@dataclass(frozen=True, slots=True)
class _Mark:
    """A value that may rank a racer: a valid lap or an average, and the run that holds it."""

    value_ms: int
    set_wall_ms: int
    by_proxy: bool
    average: AverageView | None = None


def run_result(race: Race) -> RunResult:
    """What a submitted race brings to the board."""
    laps = tuple(lap for lap in race.laps if not lap.deleted)
    return RunResult(
        race_id=race.race_id,
        racer_id=race.racer_id,
        track_id=race.track_id,
        by_proxy=race.by_proxy,
        submitted_wall_ns=race.submitted_wall_ns or 0,
        laps=laps,
        averages=tuple(averages(laps, race.rules.average_window)),
    )


def summarise(racer: RacerLike, runs: Sequence[RunResult], board_format: BoardFormat) -> Row:
    """
    A racer's summary over all their runs on one track.

    Args:
        runs: At least one, all of this racer and this track, in any order.

    Raises:
        ValueError: No run: then there is no row.
    """
    if not runs:
        raise ValueError("A racer without a run has no row.")
    marks = sorted(_marks(runs, board_format), key=lambda mark: (mark.value_ms, mark.set_wall_ms))
    latest = max(runs, key=lambda run: (run.submitted_wall_ns, run.race_id))
    first = marks[0] if marks else None
    second_ms = marks[1].value_ms if len(marks) > 1 else NO_SECOND_MS
    return Row(
        standing=_standing(racer, runs, first, latest),
        value=None if first is None else (first.value_ms, second_ms, first.set_wall_ms),
        name_key=(racer.username.casefold(), racer.racer_id),
        latest_wall_ns=latest.submitted_wall_ns,
    )


def rank(rows: Iterable[Row], board_format: BoardFormat) -> list[Standing]:
    """
    The board: places, gaps and ties.

    Args:
        rows: One per racer, of one track or from `combine`, all summarised for `board_format`.
    """
    ordered = sorted(rows, key=_order)
    leader_ms = ordered[0].value[0] if ordered and ordered[0].value is not None else None
    board: list[Standing] = []
    place = 0
    before: tuple[int, int, int] | None = None
    for index, row in enumerate(ordered, start=1):
        value = row.value
        tied = value is not None and value == before
        place = place if tied else index
        gap_ms = None if value is None or leader_ms is None else value[0] - leader_ms
        board.append(replace(row.standing, place=None if value is None else place, gap_ms=gap_ms, tied=tied))
        before = value
    return board


def combine(rows: Iterable[Row], board_format: BoardFormat) -> list[Row]:
    """
    Each racer's best row of all tracks, by the board's own key; without any value the one of the latest run.

    Args:
        rows: Of all tracks of an event, all summarised for `board_format`.
    """
    best: dict[str, Row] = {}
    for row in rows:
        held = best.get(row.standing.racer_id)
        if held is None or _preference(row) < _preference(held):
            best[row.standing.racer_id] = row
    return list(best.values())


def _order(row: Row) -> tuple[bool, tuple[int, int, int], tuple[str, str]]:
    return (row.value is None, row.value or (0, 0, 0), row.name_key)


def _preference(row: Row) -> tuple[bool, tuple[int, int, int], int, str]:
    return (row.value is None, row.value or (0, 0, 0), -row.latest_wall_ns, row.standing.track_id)


def _marks(runs: Sequence[RunResult], board_format: BoardFormat) -> Iterator[_Mark]:
    for run in runs:
        if board_format is BoardFormat.FASTEST:
            yield from (_Mark(lap.lap_ms, whole_ms(lap.wall_ns), run.by_proxy) for lap in run.laps if _counts(lap))
        elif run.averages:
            set_at = {lap.number: whole_ms(lap.wall_ns) for lap in run.laps}
            yield from (
                _Mark(average.average_ms, set_at[average.last_lap], run.by_proxy, average) for average in run.averages
            )


def _counts(lap: Lap) -> bool:
    return lap.valid and not lap.deleted


def _standing(racer: RacerLike, runs: Sequence[RunResult], first: _Mark | None, latest: RunResult) -> Standing:
    laps = [lap for run in runs for lap in run.laps if not lap.deleted]
    times_ms = [lap.lap_ms for lap in laps if lap.valid]
    return Standing(
        place=None,
        racer_id=racer.racer_id,
        username=racer.username,
        country=racer.country,
        colour=racer.colour,
        best_ms=min(times_ms, default=None),
        best_average=_best_average(runs, first),
        valid_laps=len(times_ms),
        invalid_laps=len(laps) - len(times_ms),
        runs=len(runs),
        by_proxy=latest.by_proxy if first is None else first.by_proxy,
        mean_ms=mean_ms(times_ms) if times_ms else None,
        completion_percent=_completion_percent(len(times_ms), len(laps)),
        laps_per_run=round(len(laps) / len(runs), 1),
        longest_valid_run=max(_longest_valid_run(run.laps) for run in runs),
        gap_ms=None,
        tied=False,
        track_id=latest.track_id,
        set_at=None if first is None else iso_utc(first.set_wall_ms * 1_000_000),
    )


def _best_average(runs: Sequence[RunResult], first: _Mark | None) -> AverageView | None:
    """The ranked one on a board of averages; else the best, and of equal ones that of the earlier run."""
    if first is not None and first.average is not None:
        return first.average
    firsts = [(run.averages[0].average_ms, run.submitted_wall_ns, run.race_id, run) for run in runs if run.averages]
    return min(firsts)[3].averages[0] if firsts else None


def _completion_percent(valid: int, total: int) -> int:
    """DREM's completion ratio: one decimal of the ratio, so steps of ten percent."""
    return round(round(valid / total, 1) * 100) if total else 0


def _longest_valid_run(laps: Sequence[Lap]) -> int:
    """Valid laps in a row within one race; a deleted lap leaves a hole in the numbers and ends the row."""
    longest = length = number = 0
    for lap in laps:
        follows = lap.number == number + 1
        length = (length + 1 if follows else 1) if _counts(lap) else 0
        number = lap.number
        longest = max(longest, length)
    return longest
