"""Crossings that arrive late, edges that get an earlier stamp, and boots."""

import itertools

import msgspec
import pytest
from journals import Journal, entry, ns, running

from appliance.errors import InvalidInput
from timing.journal import ACTOR_BOX, Kind
from timing.race import IllegalAction, accept, laps_view
from timing.rules import RaceRules
from timing.structs import RaceState

K = Kind


def test_late_crossing_counts_where_it_happened() -> None:
    journal = running()
    journal.do(K.PAUSE, 21)
    assert journal.do(K.CROSSING, 20).state is RaceState.PAUSED
    assert journal.lap_s == [10]
    assert journal.clocks(30).lap_elapsed_ms == 1_000


def test_resume_by_hand_after_a_late_crossing_resumed_already_does_nothing() -> None:
    journal = running()
    journal.do(K.PAUSE, 15)
    journal.do(K.RESUME, 20)
    journal.do(K.CROSSING, 19.9)
    journal.do(K.CROSSING, 30)
    assert (journal.state, journal.lap_s) == (RaceState.RUNNING, [10.1])


@pytest.mark.parametrize(("pressed_s", "suspects"), [(19.4, [2]), (20.6, [2]), (30, [])])
def test_late_lap_key_beside_a_crossing_makes_the_later_one_suspect(pressed_s: float, suspects: list[int]) -> None:
    happened = [(K.CROSSING, 20.0), (K.CROSSING, 40.0)]
    punctual, late = running(), running()
    for kind, at_s in sorted([*happened, (K.LAP, pressed_s)], key=lambda one: one[1]):
        punctual.do(kind, at_s)
    for kind, at_s in [*happened, (K.LAP, pressed_s)]:
        late.do(kind, at_s)
    assert [lap.lap for lap in laps_view(late.race) if lap.suspect] == suspects
    assert [msgspec.structs.replace(lap, seq=0) for lap in laps_view(late.race)] == [
        msgspec.structs.replace(lap, seq=0) for lap in laps_view(punctual.race)
    ]


def test_late_crossing_renumbers_and_edits_stay_with_their_lap() -> None:
    journal = running()
    journal.do(K.CROSSING, 30)
    journal.do(K.CROSSING, 42)
    journal.do(K.SET_VALIDITY, 43, lap=2, valid=False)
    journal.do(K.CROSSING, 20)
    assert journal.lap_s == [10, 10, 12]
    assert [lap.valid for lap in journal.laps] == [True, True, False]


def test_late_crossing_is_refused_where_it_had_no_effect() -> None:
    journal = running()
    journal.do(K.END, 20)
    journal.do(K.CANCEL_END, 30)
    with pytest.raises(IllegalAction, match=r"The race is over; a crossing has no effect any more\."):
        journal.do(K.CROSSING, 25)


def test_crossing_before_the_race_was_ready_belongs_to_no_lap_of_it() -> None:
    with pytest.raises(IllegalAction, match="happened before the race was made ready"):
        Journal().do(K.CROSSING, -1)


def test_nothing_is_folded_in_after_the_submit() -> None:
    journal = running()
    journal.do(K.END, 30)
    journal.do(K.SUBMIT, 31)
    with pytest.raises(IllegalAction, match="The race is submitted"):
        journal.do(K.CROSSING, 20)


def test_arrival_order_of_crossings_does_not_matter() -> None:
    rules = RaceRules(race_ms=30_000, lap_count=3)
    results = set()
    for arrival in itertools.permutations((10, 19, 29.5, 38, 44, 51)):
        journal = Journal(rules)
        for at_s in arrival:
            try:
                journal.do(K.CROSSING, at_s)
            except IllegalAction:
                assert at_s > 38
        results.add((journal.state, tuple(journal.lap_s)))
    assert results == {(RaceState.OVER, (9, 10.5, 8.5))}


def test_earlier_stamp_of_the_same_pass_takes_the_place_of_the_crossing() -> None:
    journal = running()
    journal.do(K.CROSSING, 20.003)
    replaced = journal.entries[-1].seq
    journal.do(K.SET_VALIDITY, 20.5, lap=1, valid=False)
    journal.do(K.CROSSING, 20.001, target_seq=replaced)
    assert journal.lap_s == [10.001]
    assert not journal.laps[0].valid
    journal.do(K.UNDO_LAP, 21)
    journal.do(K.CROSSING, 30)
    assert journal.lap_s == [20]


def test_edit_that_names_a_replaced_crossing_means_the_lap_in_its_place() -> None:
    journal = running()
    journal.do(K.CROSSING, 20.003)
    journal.do(K.CROSSING, 20.001, target_seq=2)
    journal.do(K.SET_VALIDITY, 21, target_seq=2, valid=False)
    assert journal.entries[-1].payload.target_seq == 3
    assert not journal.laps[0].valid


def test_undone_crossing_stays_undone_when_its_pass_gets_an_earlier_stamp() -> None:
    journal = running()
    journal.do(K.CROSSING, 20.003)
    journal.do(K.UNDO_LAP, 21)
    journal.do(K.CROSSING, 20.001, target_seq=2)
    assert journal.lap_s == []
    journal.do(K.CROSSING, 30)
    assert journal.lap_s == [20]


@pytest.mark.parametrize("seq", [0, 7])
def test_only_a_crossing_of_the_race_can_be_replaced(seq: int) -> None:
    with pytest.raises(InvalidInput, match=f"Entry {seq} is no crossing of this race"):
        running().do(K.CROSSING, 20, target_seq=seq)


def test_power_cut_leaves_the_race_paused_with_all_its_laps() -> None:
    journal = running()
    journal.do(K.CROSSING, 20)
    journal.do(K.RESET, 24)
    race = journal.power_cut(3, boot="boot-2")
    assert (race.state, len(race.laps), race.resets) == (RaceState.PAUSED, 1, 1)
    assert journal.clocks(50, boot="boot-2").lap_elapsed_ms == 4_000
    journal.do(K.RESUME, 60, boot="boot-2")
    journal.do(K.CROSSING, 65, boot="boot-2")
    assert journal.lap_s == [10, 9]
    assert journal.race.race_ns == ns(19)


def test_last_entry_before_a_power_cut_stops_the_clocks_whatever_it_was() -> None:
    journal = running()
    journal.do(K.SET_PROXY, 14, by_proxy=True)
    journal.power_cut(3, boot="boot-2")
    assert journal.race.race_ns == journal.race.lap_ns == ns(4)


def test_first_entry_of_another_boot_finds_the_race_paused_even_without_the_box_saying_so() -> None:
    journal = running()
    journal.do(K.RESET, 14)
    assert journal.do(K.CROSSING, 5, boot="boot-2").state is RaceState.RUNNING
    assert journal.laps == ()
    assert journal.clocks(6, boot="boot-2").lap_elapsed_ms == 1_000


def test_pause_across_a_power_cut_makes_the_lap_the_sum_of_what_was_driven() -> None:
    journal = Journal()
    journal.strip(10, 500)
    journal.do(K.PAUSE, 14)
    journal.do(K.RESUME, 100, boot="boot-2")
    journal.strip(105, 900, boot="boot-2")
    assert journal.lap_s == [9]


def test_late_crossing_of_the_boot_before_the_power_cut_is_folded_in_there() -> None:
    journal = running()
    journal.power_cut(3, boot="boot-2")
    assert journal.do(K.CROSSING, 20, boot="boot-1").state is RaceState.PAUSED
    assert journal.lap_s == [10]
    assert journal.clocks(50, boot="boot-2").race_elapsed_ms == 10_000


def test_only_the_box_may_pause_a_paused_race() -> None:
    journal = running()
    journal.do(K.PAUSE, 12)
    journal.do(K.PAUSE, 13, actor=ACTOR_BOX)
    with pytest.raises(IllegalAction, match="already paused"):
        journal.do(K.PAUSE, 14)


def test_wall_clock_stepped_by_years_changes_no_lap() -> None:
    journal = running()
    stepped = entry(K.CROSSING, 20)
    stepped = stepped.__class__(**{**{f: getattr(stepped, f) for f in stepped.__struct_fields__}, "wall_ns": 5})
    journal.entries.append(accept(journal.entries, journal.rules, stepped))
    assert journal.lap_s == [10]
