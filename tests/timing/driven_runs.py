"""Laps, runs and rows from a few numbers: for the tests of averages and standings."""

from dataclasses import dataclass

from timing.averages import averages
from timing.laps import Lap
from timing.standings import Row, RunResult, summarise
from timing.structs import BoardFormat

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class Racer:
    racer_id: str
    username: str
    country: str | None = "DE"
    colour: str | None = "blue"


def lap(number: int, lap_ms: int, at_s: float = 0) -> Lap:
    """A lap; a negative time makes it invalid."""
    return Lap(
        seq=number,
        number=number,
        lap_ns=abs(lap_ms) * NS_PER_MS,
        lap_ms=abs(lap_ms),
        resets=0,
        valid=lap_ms > 0,
        source="strip",
        dnf=False,
        car_id=None,
        model_id=None,
        deleted=False,
        edited=False,
        wall_ns=round(at_s * NS_PER_S),
    )


def laps(*times_ms: int, at_s: float = 0) -> list[Lap]:
    """Laps 1, 2, … one second after the other."""
    return [lap(number, lap_ms, at_s + number) for number, lap_ms in enumerate(times_ms, start=1)]


def run(*times_ms: int, at_s: float = 0, track_id: str = "1", by_proxy: bool = False, window: int = 3) -> RunResult:
    """A submitted run whose first lap was set a second after `at_s`."""
    driven = laps(*times_ms, at_s=at_s)
    return RunResult(
        race_id=f"race-{at_s}",
        racer_id="",
        track_id=track_id,
        by_proxy=by_proxy,
        submitted_wall_ns=round((at_s + 100) * NS_PER_S),
        laps=tuple(driven),
        averages=tuple(averages(driven, window)),
    )


def row(name: str, *runs: RunResult, board_format: BoardFormat = BoardFormat.FASTEST) -> Row:
    """The row of a racer whose id is their name."""
    return summarise(Racer(name, name), runs, board_format)
