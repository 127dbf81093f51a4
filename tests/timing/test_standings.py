"""Standings: summaries, order, ties, gaps and the combined board."""

import random
from dataclasses import replace

import pytest
from driven_runs import Racer, row, run

from timing.standings import Row, combine, rank, summarise
from timing.structs import AverageView, BoardFormat, Standing

FASTEST, AVERAGE = BoardFormat.FASTEST, BoardFormat.AVERAGE


def places(rows: list[Row], board_format: BoardFormat = FASTEST) -> list[tuple[int | None, str]]:
    return [(standing.place, standing.username) for standing in rank(rows, board_format)]


def one(*rows: Row, board_format: BoardFormat = FASTEST) -> Standing:
    (standing,) = rank(rows, board_format)
    return standing


def test_summary_counts_over_all_runs() -> None:
    standing = one(row("ann", run(9_000, -8_000, 10_000), run(12_000, at_s=500)))
    assert standing == Standing(
        place=1,
        racer_id="ann",
        username="ann",
        country="DE",
        colour="blue",
        best_ms=9_000,
        best_average=None,
        valid_laps=3,
        invalid_laps=1,
        runs=2,
        by_proxy=False,
        mean_ms=10_333,
        completion_percent=80,
        laps_per_run=2.0,
        longest_valid_run=1,
        gap_ms=0,
        tied=False,
        track_id="1",
        set_at="1970-01-01T00:00:01.000Z",
    )


@pytest.mark.parametrize("board_format", list(BoardFormat))
def test_racer_without_a_valid_lap_is_on_the_board_without_a_place(board_format: BoardFormat) -> None:
    """DREM left a racer out who had only laps that did not finish."""
    standing = one(row("ann", run(-9_000, -8_000), board_format=board_format), board_format=board_format)
    assert (standing.place, standing.best_ms, standing.mean_ms, standing.gap_ms) == (None, None, None, None)
    assert (standing.valid_laps, standing.invalid_laps, standing.runs) == (0, 2, 1)
    assert (standing.completion_percent, standing.longest_valid_run, standing.set_at) == (0, 0, None)


def test_run_without_laps_counts_as_a_run() -> None:
    standing = one(row("ann", run()))
    assert (standing.runs, standing.laps_per_run, standing.completion_percent) == (1, 0.0, 0)


@pytest.mark.parametrize(
    ("valid", "total", "percent"), [(0, 3, 0), (1, 3, 30), (2, 3, 70), (1, 8, 10), (3, 8, 40), (7, 7, 100)]
)
def test_completion_is_the_ratio_with_one_decimal(valid: int, total: int, percent: int) -> None:
    times = [9_000] * valid + [-9_000] * (total - valid)
    assert one(row("ann", run(*times))).completion_percent == percent


@pytest.mark.parametrize(("runs", "laps_per_run"), [([3, 4], 3.5), ([1, 1, 2], 1.3), ([5], 5.0)])
def test_laps_per_run_has_one_decimal(runs: list[int], laps_per_run: float) -> None:
    standing = one(row("ann", *(run(*[9_000] * count, at_s=index * 500.0) for index, count in enumerate(runs))))
    assert standing.laps_per_run == laps_per_run


def test_longest_valid_run_lies_within_one_race() -> None:
    standing = one(row("ann", run(-1_000, 9_000, 9_000), run(9_000, 9_000, 9_000, -1_000, at_s=500)))
    assert standing.longest_valid_run == 3


def test_deleted_lap_ends_a_row_of_valid_laps() -> None:
    whole = run(9_000, 9_000, 9_000, 9_000)
    holed = replace(whole, laps=(whole.laps[0], *whole.laps[2:]))
    assert one(row("ann", whole)).longest_valid_run == 4
    assert one(row("ann", holed)).longest_valid_run == 2


def test_best_average_is_the_fastest_of_all_runs() -> None:
    standing = one(row("ann", run(9_000, 9_000, 9_300), run(9_000, 8_000, 9_100, 20_000, at_s=500)))
    assert standing.best_average == AverageView(first_lap=1, last_lap=3, average_ms=8_700)


def test_fastest_lap_ranks_and_the_rest_shows_its_gap() -> None:
    board = rank([row("bob", run(9_500)), row("ann", run(9_000)), row("cid", run(9_123))], FASTEST)
    assert [(standing.place, standing.username, standing.gap_ms) for standing in board] == [
        (1, "ann", 0),
        (2, "cid", 123),
        (3, "bob", 500),
    ]


def test_best_average_ranks_the_board_of_averages() -> None:
    steady = row("ann", run(9_000, 9_000, 9_000), board_format=AVERAGE)
    wild = row("bob", run(5_000, 20_000, 9_000), board_format=AVERAGE)
    short = row("cid", run(4_000, 4_000), board_format=AVERAGE)
    assert places([short, wild, steady], AVERAGE) == [(1, "ann"), (2, "bob"), (None, "cid")]
    assert rank([steady, wild], AVERAGE)[1].gap_ms == 2_333


def test_racers_without_a_value_come_last_by_name_and_case_does_not_matter() -> None:
    rows = [row("Zoe", run(-1)), row("bob", run()), row("Ann", run(-1)), row("cid", run(99_000))]
    assert places(rows) == [(1, "cid"), (None, "Ann"), (None, "bob"), (None, "Zoe")]


def test_equal_best_laps_are_decided_by_the_second_best() -> None:
    rows = [row("ann", run(9_000, 9_900)), row("bob", run(9_000, 9_800, at_s=50)), row("cid", run(9_000))]
    assert places(rows) == [(1, "bob"), (2, "ann"), (3, "cid")]


def test_second_best_may_lie_in_another_run_and_may_equal_the_best() -> None:
    rows = [row("ann", run(9_000, 9_001)), row("bob", run(9_000, at_s=50), run(9_000, at_s=500))]
    assert places(rows) == [(1, "bob"), (2, "ann")]


def test_invalid_lap_is_no_second_best() -> None:
    assert places([row("ann", run(9_000, -8_000)), row("bob", run(9_000, 9_999, at_s=50))]) == [(1, "bob"), (2, "ann")]


def test_equal_values_are_decided_by_who_set_it_first() -> None:
    assert places([row("bob", run(9_000, 9_500, at_s=60)), row("cid", run(9_000, 9_500, at_s=50))]) == [
        (1, "cid"),
        (2, "bob"),
    ]


def test_truly_equal_racers_share_the_place_and_the_next_one_is_left_out() -> None:
    board = rank([row("cid", run(9_001)), row("bob", run(9_000)), row("ann", run(9_000))], FASTEST)
    assert [(standing.place, standing.username, standing.tied) for standing in board] == [
        (1, "ann", False),
        (1, "bob", True),
        (3, "cid", False),
    ]


def test_racers_without_a_value_do_not_share_a_place() -> None:
    assert not any(standing.tied for standing in rank([row("ann", run(-1)), row("bob", run(-1))], FASTEST))


def test_proxy_mark_is_that_of_the_race_which_set_the_value() -> None:
    by_proxy = run(9_000, by_proxy=True)
    alone = run(9_500, at_s=500)
    assert one(row("ann", by_proxy, alone)).by_proxy
    assert not one(row("ann", run(9_600, by_proxy=True), alone)).by_proxy


def test_proxy_mark_without_a_value_is_that_of_the_latest_race() -> None:
    assert one(row("ann", run(-1), run(-1, at_s=500, by_proxy=True))).by_proxy
    assert not one(row("ann", run(-1, at_s=500), run(-1, by_proxy=True))).by_proxy


def test_equal_best_of_one_racer_counts_when_it_was_set_first() -> None:
    assert one(row("ann", run(9_000, at_s=500), run(9_000, at_s=50))).set_at == "1970-01-01T00:00:51.000Z"


def test_combined_takes_the_best_track_by_the_boards_own_key() -> None:
    """DREM took the one with the fastest lap even on the board of averages."""
    for board_format, track_id in ((FASTEST, "2"), (AVERAGE, "1")):
        steady = row("ann", run(9_000, 9_000, 9_000), board_format=board_format)
        wild = row("ann", run(5_000, 20_000, 9_000, track_id="2", at_s=500), board_format=board_format)
        (best,) = combine([steady, wild], board_format)
        assert best.standing.track_id == track_id
        assert combine([wild, steady], board_format) == [best]


def test_combined_prefers_a_track_with_a_value_and_else_the_latest() -> None:
    without = row("ann", run(-1, at_s=900, track_id="2"))
    (best,) = combine([without, row("ann", run(60_000))], FASTEST)
    assert best.standing.track_id == "1"
    (best,) = combine([row("ann", run(-1)), without], FASTEST)
    assert best.standing.track_id == "2"


def test_combined_has_one_row_per_racer() -> None:
    rows = [row("ann", run(9_000)), row("bob", run(8_000)), row("ann", run(7_000, track_id="10"))]
    assert places(combine(rows, FASTEST)) == [(1, "ann"), (2, "bob")]


def test_racer_without_a_run_has_no_row() -> None:
    with pytest.raises(ValueError, match="no row"):
        summarise(Racer("ann", "ann"), [], FASTEST)
    assert rank([], FASTEST) == []


def test_board_does_not_depend_on_the_order_of_rows_and_runs() -> None:
    chance = random.Random(7)
    runs = {name: [run(*(chance.choice([-9_000, 8_000, 8_001, 8_002]) for _ in range(4)), at_s=at_s)
                   for at_s in (0, 100, 200)] for name in "abcdefghij"}  # fmt: skip
    boards = []
    for _ in range(5):
        rows = [row(name, *chance.sample(of_racer, 3)) for name, of_racer in runs.items()]
        chance.shuffle(rows)
        boards.append(rank(rows, FASTEST))
    assert boards[1:] == boards[:-1]
