"""A delta applied to the old rows gives the new rows, and stays small."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from timing.standings import Row, rank
from timing.structs import AverageView, Board, BoardFormat, Standing
from web.board_delta import BoardDelta, apply_delta, board_delta

Values = dict[str, tuple[int, int, int] | None]

RACERS = st.sampled_from([f"racer-{number}" for number in range(12)])
MARKS = st.tuples(st.integers(9_000, 9_004), st.integers(9_000, 9_003), st.integers(0, 3))
BOARDS = st.dictionaries(RACERS, st.none() | MARKS, max_size=12)
FORMATS = st.sampled_from(list(BoardFormat))


def standing(racer_id: str, value: tuple[int, int, int] | None, board_format: BoardFormat) -> Standing:
    """A row whose shown value is the one it is ranked by."""
    best = None if value is None else value[0]
    average = None if best is None else AverageView(first_lap=1, last_lap=3, average_ms=best)
    return Standing(
        place=None,
        racer_id=racer_id,
        username=racer_id,
        country=None,
        colour=None,
        best_ms=best if board_format is BoardFormat.FASTEST else 8_000,
        best_average=average if board_format is BoardFormat.AVERAGE else None,
        valid_laps=0 if value is None else value[1],
        invalid_laps=0,
        runs=1,
        by_proxy=False,
        mean_ms=best,
        completion_percent=100,
        laps_per_run=1.0,
        longest_valid_run=1,
        gap_ms=None,
        tied=False,
        track_id="1",
        set_at=None if value is None else str(value[2]),
    )


def board(values: Values, board_format: BoardFormat, version: int) -> Board:
    """A board ranked by the project's own rules."""
    rows = [
        Row(
            standing=standing(racer_id, value, board_format),
            value=value,
            name_key=(racer_id, racer_id),
            latest_wall_ns=0,
        )
        for racer_id, value in values.items()
    ]
    return Board(event_id="e", track="1", format=board_format, version=version, rows=rank(rows, board_format))


@given(BOARDS, BOARDS, FORMATS)
@settings(max_examples=400, deadline=None)
def test_delta_applied_to_the_old_rows_gives_the_new_rows(
    before: Values, after: Values, board_format: BoardFormat
) -> None:
    old, new = board(before, board_format, 1), board(after, board_format, 2)
    assert apply_delta(old.rows, board_delta(old, new)) == new.rows


@given(BOARDS, RACERS, MARKS, FORMATS)
@settings(max_examples=300, deadline=None)
def test_one_racers_new_time_sends_that_row_and_those_whose_tie_it_made_or_broke(
    before: Values, racer_id: str, mark: tuple[int, int, int], board_format: BoardFormat
) -> None:
    old, new = board(before, board_format, 1), board({**before, racer_id: mark}, board_format, 2)
    sent = {row.racer_id for row in board_delta(old, new).rows}
    was = {row.racer_id: row for row in old.rows}
    must = {
        row.racer_id
        for row in new.rows
        if row.racer_id not in was
        or structs.replace(was[row.racer_id], place=None, gap_ms=None) != structs.replace(row, place=None, gap_ms=None)
    }
    assert sent == must
    assert len(sent) <= 4


def test_places_that_no_order_explains_are_sent_whole() -> None:
    old = board({"a": (9_000, 0, 0), "b": (9_100, 0, 0)}, BoardFormat.FASTEST, 1)
    odd = [structs.replace(row, place=7) for row in old.rows]
    delta = board_delta(old, structs.replace(old, version=2, rows=odd))
    assert [row.racer_id for row in delta.rows] == ["a", "b"]
    assert apply_delta(old.rows, delta) == odd


def test_a_new_leader_of_a_thousand_costs_one_row() -> None:
    values: Values = {f"r{number:04}": (9_000 + number, 0, 0) for number in range(1_000)}
    old = board(values, BoardFormat.FASTEST, 1)
    new = board({**values, "r0999": (8_000, 0, 0)}, BoardFormat.FASTEST, 2)
    delta = board_delta(old, new, finisher="r0999")
    assert [(row.index, row.racer_id, row.place) for row in delta.rows] == [(0, "r0999", 1)]
    assert delta.finished is not None
    assert (delta.finished.place, delta.finished.previous_place) == (1, 1_000)
    assert all(row.gap_ms != before.gap_ms for row, before in zip(new.rows[1:], old.rows[:-1], strict=True))


def test_a_racer_who_left_the_board_is_named() -> None:
    old = board({"a": (9_000, 0, 0), "b": (9_100, 0, 0)}, BoardFormat.FASTEST, 1)
    new = board({"b": (9_100, 0, 0)}, BoardFormat.FASTEST, 2)
    delta: BoardDelta = board_delta(old, new)
    assert (delta.removed, delta.rows, delta.count) == (["a"], [], 1)
    assert apply_delta(old.rows, delta) == new.rows
