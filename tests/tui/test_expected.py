"""What may be pressed while presses wait or the link is lost."""

import pytest

from tests.race_samples import lap, race
from tests.tui.crew_samples import crew_race
from timing.journal import Kind
from timing.structs import RaceState
from tui.expected import NOTHING, Expected, expected

READY = crew_race(race(RaceState.READY), Kind.START, Kind.DISCARD)
RUNNING = crew_race(race(RaceState.RUNNING, lap(1)), Kind.LAP, Kind.PAUSE, Kind.RESET)


def test_without_a_race_nothing_may_be_pressed() -> None:
    assert expected(None, [], is_live=True) == NOTHING
    assert expected(None, [Kind.LAP], is_live=False) == NOTHING


def test_while_live_the_word_of_the_box_counts() -> None:
    assert expected(RUNNING, [], is_live=True) == Expected(
        RaceState.RUNNING, frozenset({Kind.LAP, Kind.PAUSE, Kind.RESET})
    )


@pytest.mark.parametrize("is_live", [True, False])
def test_after_a_waiting_start_a_lap_is_allowed(is_live: bool) -> None:
    now = expected(READY, [Kind.START], is_live=is_live)
    assert now.state is RaceState.RUNNING
    assert {Kind.LAP, Kind.PAUSE, Kind.RESET, Kind.UNDO_LAP} <= now.allowed
    assert Kind.START not in now.allowed


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([Kind.LAP, Kind.PAUSE], RaceState.PAUSED),
        ([Kind.PAUSE, Kind.RESUME], RaceState.RUNNING),
        ([Kind.DNF], RaceState.PAUSED),
        ([Kind.END], RaceState.OVER),
        ([Kind.END, Kind.CANCEL_END], RaceState.PAUSED),
        ([Kind.END, Kind.SUBMIT], RaceState.SUBMITTED),
    ],
)
def test_what_waits_leads_to_the_state_that_is_shown(kinds: list[Kind], state: RaceState) -> None:
    assert expected(RUNNING, kinds, is_live=True).state is state


def test_while_lost_a_ready_race_may_have_been_started_by_its_car() -> None:
    assert {Kind.START, Kind.LAP, Kind.PAUSE} <= expected(READY, [], is_live=False).allowed


def test_while_lost_a_running_race_may_be_over_but_not_unstarted() -> None:
    allowed = expected(RUNNING, [], is_live=False).allowed
    assert {Kind.LAP, Kind.RESUME, Kind.CANCEL_END, Kind.SUBMIT} <= allowed
    assert Kind.START not in allowed


def test_after_a_waiting_submit_the_race_takes_no_lap() -> None:
    assert Kind.LAP not in expected(RUNNING, [Kind.END, Kind.SUBMIT], is_live=False).allowed


def test_what_only_strips_write_is_never_pressed() -> None:
    assert not {Kind.CROSSING, Kind.ADD_CROSSING, Kind.RESCORE} & expected(RUNNING, [], is_live=False).allowed
