"""When a press counts, from its stamp, the box's clock and the race's journal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals import WALL_START_NS, in_state, ns

from appliance.errors import Conflict, InvalidInput
from timing.crew_structs import ClockReading
from timing.journal import Entry, Kind
from timing.press_moment import (
    CLOCK_ERROR_NS,
    COUNTS_ON_ARRIVAL,
    COUNTS_WHEN_PRESSED,
    OLDEST_NS,
    late_ms,
    moment_of,
)
from timing.race_table import EDITS, UNTIMED
from timing.structs import Action, RaceState

NOW = ClockReading(mono_ns=ns(1_000), wall_ns=WALL_START_NS + ns(1_000), boot_id="boot-1")

SOON_AFTER = ClockReading(mono_ns=ns(60), wall_ns=WALL_START_NS + ns(60), boot_id="boot-1")


def pressed(kind: Kind, at_ns: int | None, boot: str | None = "boot-1") -> Action:
    return Action(action_id="press", kind=kind, pressed_at_ns=at_ns, pressed_boot_id=boot)


def journal(state: RaceState = RaceState.RUNNING) -> list[Entry]:
    return in_state(state).entries


def test_each_kind_that_people_press_has_its_place() -> None:
    written_otherwise = {Kind.READY, Kind.CROSSING, Kind.ADD_CROSSING, Kind.DROP_CROSSING, Kind.RESCORE}
    assert set(Kind) - written_otherwise == COUNTS_WHEN_PRESSED | COUNTS_ON_ARRIVAL | EDITS
    assert {Kind.UNDO_LAP} == COUNTS_WHEN_PRESSED & UNTIMED


@pytest.mark.parametrize("kind", sorted(COUNTS_WHEN_PRESSED))
def test_press_counts_at_its_moment_on_both_clocks(kind: Kind) -> None:
    moment = moment_of(pressed(kind, ns(970)), NOW, journal())
    assert moment == ClockReading(mono_ns=ns(970), wall_ns=NOW.wall_ns - ns(30), boot_id="boot-1")


@pytest.mark.parametrize("early_ns", [1, ns(0.02), CLOCK_ERROR_NS])
def test_press_just_before_the_race_was_ready_is_a_clocks_error_and_counts_from_then(early_ns: int) -> None:
    entries = journal(RaceState.READY)
    moment = moment_of(pressed(Kind.START, entries[0].at_ns - early_ns), SOON_AFTER, entries)
    assert moment.mono_ns == entries[0].at_ns


def test_press_from_long_before_the_race_was_ready_stays_there() -> None:
    entries = journal(RaceState.READY)
    early_ns = entries[0].at_ns - CLOCK_ERROR_NS - 1
    assert moment_of(pressed(Kind.START, early_ns), SOON_AFTER, entries).mono_ns == early_ns


def test_press_without_a_stamp_counts_on_arrival() -> None:
    assert moment_of(pressed(Kind.LAP, None, None), NOW, journal()) is NOW


@pytest.mark.parametrize("kind", sorted(EDITS))
def test_correction_has_no_moment_and_its_stamp_is_not_looked_at(kind: Kind) -> None:
    assert moment_of(pressed(kind, ns(5_000), "boot-0"), NOW, journal()) is NOW


@pytest.mark.parametrize(
    ("at_ns", "boot", "field"), [(None, "boot-1", "pressed_at_ns"), (ns(970), None, "pressed_boot_id")]
)
def test_half_a_stamp_names_the_other_half(at_ns: int | None, boot: str | None, field: str) -> None:
    with pytest.raises(InvalidInput, match=r"pressed_at_ns and pressed_boot_id belong together\.") as refusal:
        moment_of(pressed(Kind.LAP, at_ns, boot), NOW, journal())
    assert refusal.value.field == field


def test_stamp_of_another_boot_is_refused_with_what_to_do() -> None:
    with pytest.raises(Conflict) as refusal:
        moment_of(pressed(Kind.LAP, ns(970), "boot-0"), NOW, journal())
    assert str(refusal.value) == (
        "The box was restarted since this was pressed, so its moment cannot be told. "
        "Look at the race, press again what is missing, and correct its laps once it is over."
    )


def test_stamp_ahead_by_what_a_slow_network_hides_counts_now() -> None:
    assert moment_of(pressed(Kind.LAP, NOW.mono_ns + CLOCK_ERROR_NS), NOW, journal()) == NOW


def test_stamp_further_ahead_is_a_clock_that_is_wrong() -> None:
    with pytest.raises(Conflict) as refusal:
        moment_of(pressed(Kind.LAP, NOW.mono_ns + CLOCK_ERROR_NS + 1), NOW, journal())
    assert str(refusal.value) == (
        "This was stamped ahead of the box's clock: the clock of this screen is wrong. Press again."
    )


def test_stamp_of_a_quarter_of_an_hour_ago_counts_and_an_older_one_does_not() -> None:
    assert moment_of(pressed(Kind.LAP, NOW.mono_ns - OLDEST_NS), NOW, journal()).mono_ns == ns(100)
    with pytest.raises(Conflict) as refusal:
        moment_of(pressed(Kind.LAP, NOW.mono_ns - OLDEST_NS - 1), NOW, journal())
    assert str(refusal.value) == (
        "This was pressed more than 15 minutes ago. Look at the race, and press again what is still missing."
    )


@pytest.mark.parametrize("kind", sorted(COUNTS_ON_ARRIVAL))
def test_final_press_counts_on_arrival(kind: Kind) -> None:
    assert moment_of(pressed(kind, ns(970)), NOW, journal(RaceState.OVER)) is NOW


@pytest.mark.parametrize("kind", sorted(COUNTS_ON_ARRIVAL))
def test_final_press_is_refused_when_the_race_went_on_since(kind: Kind) -> None:
    over = in_state(RaceState.OVER)  # ended at second 30
    over.do(Kind.CANCEL_END, 980)
    with pytest.raises(Conflict) as refusal:
        moment_of(pressed(kind, ns(970)), NOW, over.entries)
    assert str(refusal.value) == (
        "The race went on since this was pressed. Look at it, and press again if you still mean it."
    )


def test_correction_made_since_does_not_stop_a_final_press() -> None:
    over = in_state(RaceState.OVER)
    over.do(Kind.SET_VALIDITY, 980, lap=1, valid=False)
    assert moment_of(pressed(Kind.SUBMIT, ns(970)), NOW, over.entries) is NOW


@given(st.integers(0, 2 * 10**12), st.sampled_from(sorted(COUNTS_WHEN_PRESSED)))
def test_moment_is_never_later_than_now_and_both_clocks_move_together(at_ns: int, kind: Kind) -> None:
    try:
        moment = moment_of(pressed(kind, at_ns), NOW, journal())
    except Conflict:
        assert at_ns > NOW.mono_ns + CLOCK_ERROR_NS or at_ns < NOW.mono_ns - OLDEST_NS
        return
    assert moment.mono_ns == min(at_ns, NOW.mono_ns)
    assert NOW.mono_ns - moment.mono_ns == NOW.wall_ns - moment.wall_ns


@pytest.mark.parametrize(("at_ns", "late"), [(ns(999.5), None), (ns(999), 1_000), (ns(970), 30_000)])
def test_only_what_people_had_to_wait_for_is_noted_as_late(at_ns: int, late: int | None) -> None:
    assert late_ms(moment_of(pressed(Kind.LAP, at_ns), NOW, journal()), NOW) == late
