"""What counts as one hit: presses, bounces, two axles, lost edges, two boots."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.timing.floor import Floor
from timing.strip_hits import HIT_QUIET_NS, NS_PER_MS, Hit, LineState, step


def line_after(*moments: tuple[float, bool]) -> LineState:
    """A line after these edges: (ms, active)."""
    floor, state = Floor(), LineState()
    for at_ms, active in moments:
        state = step(state, floor.edge(17, active=active, at_ms=at_ms))
    return state


def test_a_press_and_its_release_are_one_hit_with_its_contact_time() -> None:
    state = line_after((100, True), (142, False))
    assert [(hit.contacts, hit.contact_ns) for hit in state.hits] == [(1, 42 * NS_PER_MS)]
    assert (state.count, state.edges, state.pressed) == (1, 2, False)


def test_bounces_belong_to_the_hit_and_its_contact_is_the_longest() -> None:
    state = line_after((100, True), (100.3, False), (100.6, True), (140.6, False), (141, True), (141.2, False))
    assert [(hit.bounces, hit.contact_ns) for hit in state.hits] == [(2, 40 * NS_PER_MS)]


@pytest.mark.parametrize(("speed_m_s", "hits"), [(4.0, 1), (2.0, 1), (1.0, 1), (0.5, 2)])
def test_both_axles_of_a_car_are_one_hit_from_1_m_s_on(speed_m_s: float, hits: int) -> None:
    axle_ms, contact_ms = 165 / speed_m_s, 20 / speed_m_s
    state = line_after((0, True), (contact_ms, False), (axle_ms, True), (axle_ms + contact_ms, False))
    assert state.count == hits


def test_a_long_press_is_one_hit() -> None:
    state = line_after((0, True), (2_000, False))
    assert [hit.contact_ns for hit in state.hits] == [2_000 * NS_PER_MS]


@pytest.mark.parametrize(("quiet_ns", "hits"), [(HIT_QUIET_NS - 1, 1), (HIT_QUIET_NS, 2)])
def test_hits_are_parted_by_their_quiet(quiet_ns: int, hits: int) -> None:
    assert line_after((0, True), (40, False), (40 + quiet_ns / NS_PER_MS, True)).count == hits


def test_pulses_whose_edges_were_merged_or_labelled_wrongly_are_hits_without_contact_time() -> None:
    # What a both-edges request makes of a short pulse (reference/timing.md 2.1): two equal labels, or one edge.
    state = line_after((0, True), (40, False), (1_000, False), (2_000, False), (2_000.1, False))
    assert [(hit.contacts, hit.contact_ns // NS_PER_MS) for hit in state.hits] == [(1, 40), (1, 0), (2, 0)]


def test_a_release_that_was_lost_makes_no_endless_contact() -> None:
    state = line_after((0, True), (5_000, True), (5_040, False))
    assert [hit.contact_ns // NS_PER_MS for hit in state.hits] == [0, 40]


def test_a_release_before_any_press_is_no_hit() -> None:
    assert line_after((0, False)).count == 0


def test_stamps_of_two_boots_are_never_subtracted() -> None:
    floor = Floor()
    state = step(LineState(), floor.edge(17, active=True))
    floor.now_ms += 50
    after = step(state, replace(floor.edge(17, active=False), recorder_boot_id="another"))
    assert [(hit.contacts, hit.contact_ns) for hit in after.hits] == [(1, 0)]


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 5_000)), max_size=80))
@settings(deadline=None)
def test_hits_never_overlap_and_their_contacts_fit_between(moments: list[tuple[bool, float]]) -> None:
    at_ms = list(itertools.accumulate(wait for _, wait in moments))
    state = line_after(*((at, active) for at, (active, _) in zip(at_ms, moments, strict=True)))
    assert state.edges == len(moments)
    assert all(hit.contacts >= 1 and hit.contact_ns >= 0 for hit in state.hits)
    assert all(one.from_ns + one.contact_ns <= other.from_ns for one, other in itertools.pairwise(state.hits))
    assert sum(hit.contacts for hit in state.hits) <= state.edges
    assert Hit(0).bounces == 0
