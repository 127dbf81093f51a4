"""A car that is named late is that of the laps driven so far, in whatever state the race is; nothing else changes."""

import contextlib
from dataclasses import replace

import msgspec
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from journals import PAYLOADS, UNLIMITED, Journal, in_state
from msgspec import structs
from strategies import rules, steps_ms

from timing.fold import Race, fold
from timing.journal import Entry, Kind
from timing.laps import Lap
from timing.race import IllegalAction, allowed
from timing.rules import RaceRules
from timing.structs import RaceState
from timing.trail import trail

K, S = Kind, RaceState
DRIVEN = [S.RUNNING, S.PAUSED, S.OVER, S.SUBMITTED]

kinds = st.sampled_from([K.CROSSING, K.CROSSING, K.CROSSING, K.LAP, K.DNF, K.RESET, K.PAUSE, K.RESUME, K.UNDO_LAP,
                         K.SET_CAR, K.SET_CAR, K.SET_VALIDITY, K.SET_TIME, K.SET_RESETS, K.DELETE_LAP, K.RESTORE_LAP,
                         K.END, K.CANCEL_END])  # fmt: skip

happened = st.lists(st.tuples(kinds, steps_ms, st.booleans()), min_size=8, max_size=30)
"""What, how long after the one before it, and whether it is meant for the laps driven so far too."""

handed_in = st.lists(st.tuples(st.just(K.SET_CAR), steps_ms, st.booleans()), max_size=2)

OLD = (
    rb'[{"race_id":"race-1","seq":0,"action_id":"race-1","at_ns":0,"boot_id":"boot-1","wall_ns":1780000000000000000,'
    rb'"actor":"ann","kind":"ready","payload":{"car_id":"car-1","model_id":"model-1","racer_id":"racer-1","track_id":'
    rb'"1","by_proxy":false}},{"race_id":"race-1","seq":1,"action_id":"a","at_ns":10000000000,"boot_id":"boot-1",'
    rb'"wall_ns":1780000010000000000,"actor":"ann","kind":"start","payload":{}},{"race_id":"race-1","seq":2,'
    rb'"action_id":"b","at_ns":20000000000,"boot_id":"boot-1","wall_ns":1780000020000000000,"actor":"ann","kind":"lap",'
    rb'"payload":{}},{"race_id":"race-1","seq":3,"action_id":"c","at_ns":21000000000,"boot_id":"boot-1",'
    rb'"wall_ns":1780000021000000000,"actor":"ann","kind":"set_car","payload":{"car_id":"car-2"}},{"race_id":"race-1",'
    rb'"seq":4,"action_id":"d","at_ns":30000000000,"boot_id":"boot-1","wall_ns":1780000030000000000,"actor":"ann",'
    rb'"kind":"lap","payload":{}}]'
)
"""As boxes wrote it when a car could be changed for the laps to come only."""


def driven(race_rules: RaceRules, drawn: list[tuple[Kind, int, bool]], late: list[tuple[Kind, int, bool]]) -> Journal:
    """The race that these make of it; each car has the number of its entry, `late` comes after the submit."""
    journal, at_ms = Journal(race_rules), 0
    submit = [(K.END, 1, False), (K.SUBMIT, 1, False), *late] if late else []
    for kind, step_ms, so_far in [(K.START, 1_000, False), *drawn, *submit]:
        at_ms += step_ms
        car = f"car-{len(journal.entries)}"
        fields = {"car_id": car, "model_id": f"model of {car}", "laps_so_far": so_far}
        with contextlib.suppress(IllegalAction):
            journal.do(kind, at_ms / 1000, **(fields if kind is K.SET_CAR else PAYLOADS.get(kind, {})))
    return journal


def said_of(lap: Lap, entries: list[Entry]) -> tuple[str | None, str | None]:
    """What was said of this lap last: by who meant the laps driven so far, else before it."""
    said = [entry for entry in entries if entry.kind in (K.READY, K.SET_CAR)]
    about = [entry for entry in said if entry.seq > lap.seq and entry.payload.laps_so_far]
    last = (about or [entry for entry in said if entry.seq < lap.seq])[-1].payload
    return last.car_id, last.model_id


def without_cars(race: Race) -> Race:
    laps = tuple(replace(lap, car_id=None, model_id=None) for lap in race.laps)
    return replace(race, laps=laps, car_id=None, model_id=None)


def for_laps_to_come(entries: list[Entry]) -> list[Entry]:
    """The same journal, with nobody meaning the laps driven so far."""
    return [structs.replace(one, payload=structs.replace(one.payload, laps_so_far=False)) for one in entries]


@settings(deadline=None)
@given(rules, happened, handed_in)
def test_each_lap_has_the_car_and_model_that_were_said_of_it_last(race_rules, drawn, late) -> None:  # type: ignore[no-untyped-def]
    journal = driven(race_rules, drawn, late)
    event(f"{journal.state}, named late: {any(entry.payload.laps_so_far for entry in journal.entries)}")
    for lap in journal.laps:
        assert (lap.car_id, lap.model_id) == said_of(lap, journal.entries)


@settings(deadline=None)
@given(rules, happened, handed_in)
def test_all_but_car_and_model_is_as_without_it(race_rules, drawn, late) -> None:  # type: ignore[no-untyped-def]
    journal = driven(race_rules, drawn, late)
    before = fold(for_laps_to_come(journal.entries), race_rules)
    assert without_cars(journal.race) == without_cars(before)


@settings(deadline=None)
@given(rules, happened)
def test_a_journal_without_it_is_stored_and_means_what_it_always_did(race_rules, drawn) -> None:  # type: ignore[no-untyped-def]
    journal = driven(race_rules, [(kind, step_ms, False) for kind, step_ms, _ in drawn], [])
    stored = msgspec.json.encode(journal.entries)
    assert b"laps_so_far" not in stored
    for lap in fold(msgspec.json.decode(stored, type=list[Entry]), race_rules).laps:
        before = [one for one in journal.entries[: lap.seq] if one.kind in (K.READY, K.SET_CAR)]
        assert lap.car_id == before[-1].payload.car_id


def test_a_journal_from_before_is_read_and_written_byte_for_byte() -> None:
    entries = msgspec.json.decode(OLD, type=list[Entry])
    assert [(lap.car_id, lap.model_id) for lap in fold(entries, UNLIMITED).laps] == [
        ("car-1", "model-1"),
        ("car-2", None),
    ]
    assert msgspec.json.encode(entries) == OLD


@pytest.mark.parametrize("state", DRIVEN)
def test_the_laps_driven_so_far_get_the_car_in_every_state_and_the_state_stays(state: RaceState) -> None:
    journal = in_state(state)
    assert [lap.car_id for lap in journal.laps] == ["car-1"]
    assert K.SET_CAR in allowed(journal.race)

    race = journal.do(K.SET_CAR, 60, car_id="car-2", laps_so_far=True)

    assert (race.state, race.car_id, race.model_id) == (state, "car-2", None)
    assert [(lap.car_id, lap.model_id, lap.edited) for lap in race.laps] == [("car-2", None, False)]


def test_a_race_mended_after_a_restart_was_still_submitted_when_it_was() -> None:
    journal = in_state(S.SUBMITTED)
    submitted = journal.race.submitted_wall_ns

    race = journal.do(K.SET_CAR, 5, boot="boot-2", car_id="car-2", laps_so_far=True)

    assert (race.submitted_wall_ns, race.laps[0].car_id) == (submitted, "car-2")


def test_laps_that_were_corrected_or_deleted_stay_so() -> None:
    journal = in_state(S.OVER)
    journal.do(K.SET_TIME, 41, lap=1, lap_ms=9_000)
    journal.do(K.SET_VALIDITY, 42, lap=1, valid=False)
    (before,) = journal.do(K.DELETE_LAP, 43, lap=1).laps

    (lap,) = journal.do(K.SET_CAR, 60, car_id="car-2", model_id="model-2", laps_so_far=True).laps

    assert before.deleted
    assert lap == replace(before, car_id="car-2", model_id="model-2")


def test_a_crossing_given_later_makes_laps_of_the_car_that_was_named_late() -> None:
    journal = in_state(S.SUBMITTED)
    journal.do(K.SET_CAR, 60, car_id="car-2", laps_so_far=True)

    race = journal.give(15, 1)

    assert [(lap.lap_ms, lap.car_id) for lap in race.laps] == [(5_000, "car-2"), (5_000, "car-2")]


@pytest.mark.parametrize("after_s", [40, 60])
def test_after_the_submit_there_are_no_laps_to_come(after_s: float) -> None:
    journal = in_state(S.SUBMITTED)
    with pytest.raises(IllegalAction) as refused:
        journal.do(K.SET_CAR, after_s, car_id="car-2")
    assert str(refused.value) == (
        "The race is submitted; the car can only be changed before the submit, and after it for the laps driven so far."
        " Choose the laps driven so far, on the page of the race."
    )


def test_a_press_from_before_the_submit_that_arrives_after_it_is_refused() -> None:
    journal = in_state(S.SUBMITTED)
    before = journal.race
    with pytest.raises(IllegalAction, match="The race is submitted"):
        journal.do(K.SET_CAR, 39, car_id="car-2", laps_so_far=True)
    assert journal.race == before


def test_a_deleted_race_is_restored_before_its_car_is_mended() -> None:
    journal = in_state(S.SUBMITTED)
    journal.do(K.DELETE_RACE, 50)
    with pytest.raises(IllegalAction, match=r"The race is deleted; it can only be restored\."):
        journal.do(K.SET_CAR, 60, car_id="car-2", laps_so_far=True)


def test_the_trail_tells_a_mend_from_a_change() -> None:
    journal = in_state(S.OVER)
    journal.do(K.SET_CAR, 35, car_id="car-2", model_id="model-2")
    journal.do(K.SET_CAR, 36, car_id="car-3", laps_so_far=True, actor="bob", reason="sticker hidden")

    lines = trail(journal.entries, str.title, str)

    assert [(line.actor, line.text, line.is_edit) for line in lines[-2:]] == [
        ("Ann", "Car set to car-2 with model-2", False),
        ("Bob", "Car set to car-3, also for the laps driven so far (sticker hidden)", True),
    ]
