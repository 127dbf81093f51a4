"""Every pair of state and action: what it leads to, and what a refusal leaves as it was."""

from dataclasses import replace as replace_race

import pytest
from journals import PAYLOADS, Journal, entry, in_state
from msgspec.structs import replace

from appliance.errors import InvalidInput
from timing.journal import Kind
from timing.race import IllegalAction, accept, allowed, fold
from timing.race_table import TRANSITIONS, UNTIMED, Do
from timing.structs import RaceState
from timing.tape import MEANINGS

S, K = RaceState, Kind

LEADS_TO = {
    S.READY: {K.CROSSING: S.RUNNING, K.ADD_CROSSING: S.RUNNING, K.START: S.RUNNING, K.END: S.OVER,
              K.DISCARD: S.DISCARDED, K.SET_CAR: S.READY, K.SET_PROXY: S.READY, K.SET_RACER: S.READY},
    S.RUNNING: {K.CROSSING: S.RUNNING, K.ADD_CROSSING: S.RUNNING, K.LAP: S.RUNNING, K.DNF: S.PAUSED,
                K.PAUSE: S.PAUSED, K.RESET: S.RUNNING, K.UNDO_RESET: S.RUNNING, K.UNDO_LAP: S.RUNNING,
                K.DROP_CROSSING: S.RUNNING, K.SET_CAR: S.RUNNING, K.END: S.OVER, K.SET_VALIDITY: S.RUNNING,
                K.SET_PROXY: S.RUNNING},
    S.PAUSED: {K.CROSSING: S.RUNNING, K.ADD_CROSSING: S.RUNNING, K.RESUME: S.RUNNING, K.UNDO_LAP: S.PAUSED,
               K.DROP_CROSSING: S.PAUSED, K.RESCORE: S.PAUSED, K.SET_CAR: S.PAUSED, K.END: S.OVER,
               K.DISCARD: S.DISCARDED, K.SET_VALIDITY: S.PAUSED, K.SET_PROXY: S.PAUSED},
    S.OVER: {K.CANCEL_END: S.PAUSED, K.SUBMIT: S.SUBMITTED, K.DISCARD: S.DISCARDED, K.UNDO_LAP: S.OVER,
             K.DROP_CROSSING: S.OVER, K.RESCORE: S.OVER, K.SET_CAR: S.OVER, K.SET_VALIDITY: S.OVER,
             K.SET_TIME: S.OVER, K.SET_RESETS: S.OVER, K.SET_PROXY: S.OVER, K.SET_RACER: S.OVER,
             K.SET_TRACK: S.OVER, K.DELETE_LAP: S.OVER, K.DELETE_RACE: S.OVER},
    S.SUBMITTED: {K.SET_VALIDITY: S.SUBMITTED, K.SET_TIME: S.SUBMITTED, K.SET_RESETS: S.SUBMITTED,
                  K.SET_PROXY: S.SUBMITTED, K.SET_RACER: S.SUBMITTED, K.SET_TRACK: S.SUBMITTED,
                  K.DELETE_LAP: S.SUBMITTED, K.DELETE_RACE: S.SUBMITTED, K.DROP_CROSSING: S.SUBMITTED,
                  K.RESCORE: S.SUBMITTED, K.SET_CAR: S.SUBMITTED},
    S.DISCARDED: {},
}  # fmt: skip
"""Written out by hand from reference/drem.md 2.2, so that a slip in the table of the code shows. Restoring needs
something deleted first and has its own tests."""

PAIRS = [(state, kind) for state in RaceState for kind in Kind]
LEGAL = [(state, kind) for state, kind in PAIRS if kind in LEADS_TO[state]]
ILLEGAL = [(state, kind) for state, kind in PAIRS if kind not in LEADS_TO[state]]


def test_the_hand_written_table_covers_every_state() -> None:
    assert set(LEADS_TO) == set(RaceState)
    assert len(LEGAL) + len(ILLEGAL) == len(RaceState) * len(Kind)


@pytest.mark.parametrize(("state", "kind"), LEGAL)
def test_legal_action_leads_to_the_state_of_the_table(state: RaceState, kind: Kind) -> None:
    journal = in_state(state)
    assert journal.state is state
    assert journal.do(kind, 60, **PAYLOADS.get(kind, {})).state is LEADS_TO[state][kind]


@pytest.mark.parametrize(("state", "kind"), ILLEGAL)
def test_illegal_action_is_refused_and_changes_nothing(state: RaceState, kind: Kind) -> None:
    journal = in_state(state)
    before, entries = journal.race, list(journal.entries)
    with pytest.raises(IllegalAction) as refused:
        journal.do(kind, 60, **PAYLOADS.get(kind, {}))
    assert journal.entries == entries
    assert journal.race == before
    assert refused.value.message.endswith(".")
    assert refused.value.remedy.endswith(".")


@pytest.mark.parametrize(
    ("state", "kind"), [pair for pair in ILLEGAL if pair[1] not in UNTIMED and pair[1] is not K.SUBMIT]
)
def test_entry_that_became_illegal_does_nothing_when_folded(state: RaceState, kind: Kind) -> None:
    """A late crossing can make that of an entry which was accepted."""
    journal = in_state(state)
    stray = replace(entry(kind, 60, **PAYLOADS.get(kind, {})), seq=len(journal.entries))
    after = fold([*journal.entries, stray], journal.rules)
    assert replace_race(after, version=after.version - 1, last_at_ns=journal.race.last_at_ns) == journal.race


@pytest.mark.parametrize("state", [S.READY, S.RUNNING, S.PAUSED])
def test_submit_that_was_accepted_holds_whatever_state_it_finds_later(state: RaceState) -> None:
    """A crossing before it can be taken out, and what was handed in stays handed in."""
    journal = in_state(state)
    submit = replace(entry(K.SUBMIT, 60), seq=len(journal.entries))
    assert fold([*journal.entries, submit], journal.rules).state is S.SUBMITTED


@pytest.mark.parametrize("state", list(RaceState))
def test_allowed_offers_exactly_what_people_can_do(state: RaceState) -> None:
    offered = allowed(in_state(state).race)
    assert offered == set(LEADS_TO[state]) - {K.CROSSING, K.ADD_CROSSING, K.DROP_CROSSING, K.RESCORE}


@pytest.mark.parametrize("state", [S.RUNNING, S.PAUSED])
def test_without_a_lap_no_lap_can_be_undone_or_judged(state: RaceState) -> None:
    journal = Journal()
    journal.do(K.START, 10)
    if state is S.PAUSED:
        journal.do(K.PAUSE, 20)
    assert not allowed(journal.race) & {K.UNDO_LAP, K.SET_VALIDITY}
    with pytest.raises(IllegalAction, match=r"There is no lap to undo. Take a lap first."):
        journal.do(K.UNDO_LAP, 30)
    with pytest.raises(IllegalAction, match=r"This race has no lap 1. Take a lap first."):
        journal.do(K.SET_VALIDITY, 30, lap=1, valid=False)


def test_every_cell_has_a_meaning() -> None:
    timed = {step.do for step in TRANSITIONS.values()} - {Do.EDIT, Do.UNDO, Do.DROP, Do.RESCORE}
    assert timed == set(MEANINGS)


@pytest.mark.parametrize(
    ("state", "kind", "message", "remedy"),
    [
        (S.PAUSED, K.LAP, "The race is paused; a lap can only be taken while it runs.",
         "Resume with Space, then take the lap."),
        (S.READY, K.LAP, "The race has not started; a lap can only be taken while it runs.",
         "Start with Space, then take the lap."),
        (S.OVER, K.RESET, "The race is over; a reset can only be counted while it runs.",
         "Cancel the end and resume with Space, then count the reset."),
        (S.RUNNING, K.START, "The race is already running.", "Take a lap, or pause it with Space."),
        (S.PAUSED, K.PAUSE, "The race is already paused.", "Resume it with Space."),
        (S.PAUSED, K.START, "The race is paused; only a race that has not started can be started.",
         "Resume with Space."),
        (S.RUNNING, K.DISCARD, "The race is running; only a race that stands still and is not submitted can be"
         " discarded.", "Pause it with Space or end it, then discard it."),
        (S.RUNNING, K.SUBMIT, "The race is running; only a race that is over can be submitted.", "End the race first."),
        (S.RUNNING, K.SET_RACER, "The race is running; the racer can only be changed before the start or once it is"
         " over.", "End the race first."),
        (S.SUBMITTED, K.LAP, "The race is submitted; a lap can only be taken while it runs.",
         "Correct its laps on the Races page, or start a new race for this racer."),
        (S.DISCARDED, K.SUBMIT, "The race is discarded; only a race that is over can be submitted.",
         "Start a new race for this racer."),
    ],
)  # fmt: skip
def test_refusal_says_what_is_the_matter_and_what_to_press(
    state: RaceState, kind: Kind, message: str, remedy: str
) -> None:
    with pytest.raises(IllegalAction) as refused:
        in_state(state).do(kind, 60, **PAYLOADS.get(kind, {}))
    assert (refused.value.message, refused.value.remedy) == (message, remedy)


@pytest.mark.parametrize(
    ("kind", "payload", "field"),
    [
        (K.SET_VALIDITY, {"lap": 1}, "valid"),
        (K.SET_VALIDITY, {"valid": True}, "lap"),
        (K.SET_TIME, {"lap": 1}, "lap_ms"),
        (K.SET_TIME, {"lap": 1, "lap_ms": 0}, "lap_ms"),
        (K.SET_RESETS, {"lap": 1}, "resets"),
        (K.SET_PROXY, {}, "by_proxy"),
        (K.SET_RACER, {}, "racer_id"),
        (K.SET_TRACK, {}, "track_id"),
        (K.DELETE_LAP, {}, "lap"),
        (K.ADD_CROSSING, {"recorder_id": "pi"}, "recorder_boot_id"),
        (K.DROP_CROSSING, {}, "target_seq"),
        (K.DROP_CROSSING, {"target_seq": 0}, "target_seq"),
        (K.DROP_CROSSING, {"target_seq": 99}, "target_seq"),
        (K.RESCORE, {}, "lockout_ms"),
    ],
)
def test_action_without_what_it_needs_names_the_field(kind: Kind, payload: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        in_state(S.OVER).do(kind, 60, **payload)
    assert refused.value.field == field


def test_journal_begins_with_ready_and_has_it_once() -> None:
    with pytest.raises(IllegalAction, match="There is no race yet"):
        accept([], Journal().rules, entry(K.START, 60))
    with pytest.raises(InvalidInput):
        accept([], Journal().rules, entry(K.READY, 60, racer_id="racer-1"))
    with pytest.raises(ValueError, match="ready"):
        fold([], Journal().rules)
