"""Boards as the box sends them, for the tests of the terminal."""

from timing.structs import Board, BoardFormat, Standing


def standing(username: str, place: int | None, best_ms: int | None, *, tied: bool = False) -> Standing:
    """A racer whose id is their name, 200 ms behind the first at most."""
    return Standing(
        place=place,
        racer_id=username,
        username=username,
        country="GB",
        colour=None,
        best_ms=best_ms,
        best_average=None,
        valid_laps=5,
        invalid_laps=1,
        runs=1,
        by_proxy=False,
        mean_ms=best_ms,
        completion_percent=83,
        laps_per_run=6.0,
        longest_valid_run=4,
        gap_ms=None if place is None else min(200, (place - 1) * 200),
        tied=tied,
        track_id="1",
        set_at=None,
    )


def board(*rows: Standing, track: str = "1") -> Board:
    """By best lap."""
    return Board(event_id="day", track=track, format=BoardFormat.FASTEST, version=1, rows=list(rows))
