"""Edges to crossings: lock-out, bounces, contact time, order and clocks."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timing.crossings import Crossing, EdgeSeen, LineSeen, TrackStrips, detect, step

NS_PER_MS = 1_000_000
LOCKOUT_NS = 2_000 * NS_PER_MS


def edge(seq: int, at_ms: float, line: int = 17, *, active: bool = True, boot: str = "pi-1",
         recorder: str = "pi", wall_ms: float | None = None) -> EdgeSeen:  # fmt: skip
    return EdgeSeen(
        recorder_id=recorder,
        boot_id=boot,
        seq=seq,
        line=line,
        active=active,
        at_ns=round(at_ms * NS_PER_MS),
        wall_ns=round((at_ms if wall_ms is None else wall_ms) * NS_PER_MS),
    )


def numbered(*stamps: tuple[float, int]) -> list[EdgeSeen]:
    """Active edges (ms, line), numbered in the order given."""
    return [edge(seq, at_ms, line) for seq, (at_ms, line) in enumerate(stamps, start=1)]


def at_ms(crossings: list[Crossing]) -> list[float]:
    return [crossing.edge.at_ns / NS_PER_MS for crossing in crossings]


def seen(edges: list[EdgeSeen], lockout_ns: int = LOCKOUT_NS) -> tuple[TrackStrips, list[Crossing]]:
    """As a live track sees them."""
    strips, made = TrackStrips(), []
    for each in edges:
        strips, crossing = step(strips, each, lockout_ns)
        if crossing is not None:
            made.append(crossing)
    return strips, made


def test_first_active_edge_is_a_crossing_at_once() -> None:
    _, made = seen([edge(1, 100)])
    assert made == [Crossing(edge(1, 100))]


def test_inactive_edge_is_no_crossing() -> None:
    assert detect([edge(1, 100, active=False)], LOCKOUT_NS) == []


@pytest.mark.parametrize(("second_ms", "crossings"), [(100.001, 1), (2_099.999, 1), (2_100, 2), (9_000, 2)])
def test_hit_inside_the_lock_out_is_a_bounce_and_at_its_end_a_crossing(second_ms: float, crossings: int) -> None:
    found = detect([edge(1, 100), edge(2, second_ms)], LOCKOUT_NS)
    assert len(found) == crossings
    assert found[0].bounces == 2 - crossings


def test_lock_out_is_shared_by_all_strips_of_a_track() -> None:
    """DREM counted one pass over two strips as two laps (its issue 252)."""
    assert at_ms(detect(numbered((100, 17), (180, 27), (2_150, 27), (2_230, 17)), LOCKOUT_NS)) == [100, 2_150]


def test_bounce_does_not_prolong_the_lock_out() -> None:
    assert at_ms(detect(numbered((0, 17), (1_500, 17), (2_000, 17)), LOCKOUT_NS)) == [0, 2_000]


def test_without_a_lock_out_every_hit_is_a_crossing() -> None:
    assert at_ms(detect(numbered((0, 17), (1, 17), (1, 27)), 0)) == [0, 1, 1]


def test_other_lock_out_scores_the_past_again() -> None:
    edges = numbered((0, 17), (900, 17), (1_800, 17))
    assert at_ms(detect(edges, 1_000 * NS_PER_MS)) == [0, 1_800]
    assert at_ms(detect(edges, 800 * NS_PER_MS)) == [0, 900, 1_800]


def test_bounces_and_contact_time_of_a_pass_are_kept() -> None:
    edges = [edge(1, 0), edge(2, 40, active=False), edge(3, 60), edge(4, 65, active=False), edge(5, 90, 27)]
    (crossing,) = detect(edges, LOCKOUT_NS)
    assert (crossing.bounces, crossing.contact_ns) == (2, 40 * NS_PER_MS)


def test_contact_time_is_unknown_while_the_strip_is_pressed() -> None:
    (crossing,) = detect([edge(1, 0), edge(2, 30, 27, active=False)], LOCKOUT_NS)
    assert crossing.contact_ns is None


def test_edge_read_later_with_an_earlier_stamp_takes_the_place_of_the_crossing() -> None:
    edges = numbered((100.4, 27), (100.1, 17))
    _, made = seen(edges)
    assert [crossing.replaces for crossing in made] == [None, ("pi", 1)]
    (crossing,) = detect(edges, LOCKOUT_NS)
    assert (crossing.edge.seq, crossing.bounces) == (2, 1)


def test_lock_out_counts_from_the_earlier_stamp() -> None:
    assert at_ms(detect(numbered((100.4, 27), (100.1, 17), (2_100.1, 17)), LOCKOUT_NS)) == [100.1, 2_100.1]


def test_edge_read_later_that_belongs_to_the_pass_before_is_its_bounce() -> None:
    edges = numbered((0, 17), (2_000.2, 27), (1_999.9, 17))
    assert at_ms(detect(edges, LOCKOUT_NS)) == [0, 2_000.2]


def test_edge_far_older_than_the_last_crossing_is_a_crossing_of_its_own() -> None:
    assert at_ms(detect(numbered((0, 17), (9_000, 17), (5_000, 27), (9_100, 27)), LOCKOUT_NS)) == [0, 9_000, 5_000]


def test_edge_older_than_the_last_two_crossings_is_a_crossing_of_its_own() -> None:
    assert at_ms(detect(numbered((9_000, 17), (12_000, 17), (3_000, 27)), LOCKOUT_NS)) == [9_000, 12_000, 3_000]


def two_recorders(count: int, after_ms: float) -> tuple[list[EdgeSeen], list[EdgeSeen]]:
    """The same passes, by the strip of one recorder and so much later by that of another, on the server's clock."""
    ours = [placed(edge(number + 1, 9_000 * number), 9_000 * number) for number in range(count)]
    theirs = [
        placed(edge(number + 1, 50 + 9_000 * number, recorder="pi-b", boot="b"), 9_000 * number + after_ms)
        for number in range(count)
    ]
    return ours, theirs


@pytest.mark.parametrize(("after_ms", "wins"), [(5, "pi"), (-5, "pi-b")])
def test_an_hour_of_edges_that_comes_late_is_judged_by_the_passes_of_that_hour(after_ms: float, wins: str) -> None:
    ours, theirs = two_recorders(400, after_ms)
    found = detect([*ours, *theirs], LOCKOUT_NS)
    assert [crossing.edge.recorder_id for crossing in found] == [wins] * 400


def test_a_bounce_after_late_edges_is_one_of_the_newest_crossing() -> None:
    edges = numbered((0, 17), (60_000, 17), (20_000, 27), (40_000, 27), (60_100, 17))
    assert at_ms(detect(edges, LOCKOUT_NS)) == [0, 60_000, 20_000, 40_000]


def test_the_same_edge_twice_is_one_crossing_without_a_lock_out_too() -> None:
    assert len(detect([edge(1, 5), edge(1, 5)], 0)) == 1


def test_first_edge_after_a_boot_of_the_recorder_is_a_crossing() -> None:
    edges = [edge(1, 900_000, wall_ms=5), edge(2, 10, boot="pi-2", wall_ms=6), edge(3, 500, boot="pi-2")]
    assert [crossing.edge.seq for crossing in detect(edges, LOCKOUT_NS)] == [1, 2]


def placed(one: EdgeSeen, at_ms: float, boot: str = "server") -> EdgeSeen:
    """An edge of a recorder on another machine, placed on the server's clock."""
    return replace(one, boot_id=boot, at_ns=round(at_ms * NS_PER_MS), recorder_boot_id=one.boot_id, edge_ns=one.edge_ns)


def test_strips_of_two_recorders_compare_on_the_clock_of_the_server() -> None:
    edges = [
        placed(edge(1, 900_000, wall_ms=1_000), 7_000),
        placed(edge(1, 50, recorder="pi-b", boot="b", wall_ms=99_000), 7_080),
        placed(edge(2, 2_060, recorder="pi-b", boot="b", wall_ms=1_000), 9_090),
    ]
    assert [(one.edge.recorder_id, one.edge.seq) for one in detect(edges, LOCKOUT_NS)] == [("pi", 1), ("pi-b", 2)]


def test_strips_of_one_recorder_compare_by_its_own_clock_however_the_offset_was_guessed() -> None:
    edges = [placed(edge(1, 100), 7_000), placed(edge(2, 2_099), 9_300), placed(edge(3, 2_100), 8_000)]
    assert [crossing.edge.seq for crossing in detect(edges, LOCKOUT_NS)] == [1, 3]


def test_strip_that_is_silent_while_others_see_crossings_shows() -> None:
    strips = TrackStrips.of_lines([("pi", 17), ("pi", 27)])
    for number in range(10):
        strips, crossing = step(strips, edge(number, 5_000 * number, 17), LOCKOUT_NS)
        assert crossing is not None
    assert strips.lines["pi", 27].silent_crossings == 10
    assert strips.lines["pi", 17].silent_crossings == 0
    strips, crossing = step(strips, edge(99, 45_050, 27), LOCKOUT_NS)
    assert crossing is None
    assert strips.lines["pi", 27] == LineSeen(
        hits=1,
        bounces=1,
        last_at_ns=45_050 * NS_PER_MS,
        last_wall_ns=45_050 * NS_PER_MS,
        active_since_ns=45_050 * NS_PER_MS,
    )


def test_line_remembers_how_long_it_was_pressed_last() -> None:
    strips, _ = seen([edge(1, 0), edge(2, 30, active=False), edge(3, 50, active=False)])
    assert strips.lines["pi", 17].contact_ns is None
    strips, _ = seen([edge(1, 0), edge(2, 30, active=False)])
    assert strips.lines["pi", 17].contact_ns == 30 * NS_PER_MS


@st.composite
def passes(draw: st.DrawFn) -> list[EdgeSeen]:
    """Cars far enough apart; in each pass a few hits of two lines within 300 ms, read in any order."""
    edges: list[EdgeSeen] = []
    start_ms = 0.0
    for _ in range(draw(st.integers(1, 6))):
        start_ms += draw(st.integers(2_301, 20_000))
        hits = draw(st.lists(st.tuples(st.integers(0, 300), st.sampled_from([17, 27])), min_size=1, max_size=6))
        for offset_ms, line in hits:
            edges.append(edge(len(edges) + 1, start_ms + offset_ms, line))
    return edges


@given(passes())
def test_a_pass_is_one_crossing_at_its_earliest_stamp_in_whatever_order_it_is_read(edges: list[EdgeSeen]) -> None:
    found = detect(edges, LOCKOUT_NS)
    in_order = detect(sorted(edges, key=lambda each: each.at_ns), LOCKOUT_NS)
    assert at_ms(found) == at_ms(in_order)
    assert sum(crossing.bounces + 1 for crossing in found) == len(edges)


@given(passes(), st.integers(0, 40))
def test_live_crossings_are_those_of_the_stored_edges(edges: list[EdgeSeen], cut: int) -> None:
    _, made = seen(edges[:cut])
    replaced = {crossing.replaces for crossing in made}
    kept = [crossing.edge.seq for crossing in made if ("pi", crossing.edge.seq) not in replaced]
    assert kept == [crossing.edge.seq for crossing in detect(edges[:cut], LOCKOUT_NS)]


@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from([17, 27]), st.booleans()), max_size=40),
       st.integers(0, 3_000))  # fmt: skip
def test_crossings_of_ordered_edges_are_never_closer_than_the_lock_out(
    hits: list[tuple[int, int, bool]], lockout_ms: int
) -> None:
    edges = [edge(seq, ms, line, active=active) for seq, (ms, line, active) in enumerate(sorted(hits))]
    found = detect(edges, lockout_ms * NS_PER_MS)
    gaps = [after.edge.at_ns - before.edge.at_ns for before, after in itertools.pairwise(found)]
    assert all(gap >= lockout_ms * NS_PER_MS for gap in gaps)
    assert sum(crossing.bounces + 1 for crossing in found) == sum(each.active for each in edges)
