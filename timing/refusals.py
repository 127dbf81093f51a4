"""
What a timekeeper reads when the race does not allow an action: what is the matter, and what to press instead. Pure.
"""

from collections.abc import Mapping

from appliance.errors import Conflict
from timing.journal import Kind
from timing.structs import RaceState


class IllegalAction(Conflict):
    """The race's state does not allow the action; nothing changed."""


IS: Mapping[RaceState, str] = {
    RaceState.READY: "The race has not started",
    RaceState.RUNNING: "The race is running",
    RaceState.PAUSED: "The race is paused",
    RaceState.OVER: "The race is over",
    RaceState.SUBMITTED: "The race is submitted",
    RaceState.DISCARDED: "The race is discarded",
}

ONLY: Mapping[Kind, str] = {
    Kind.READY: "it cannot be made ready again",
    Kind.CROSSING: "a crossing has no effect any more",
    Kind.START: "only a race that has not started can be started",
    Kind.PAUSE: "only a running race can be paused",
    Kind.RESUME: "only a paused race can be resumed",
    Kind.LAP: "a lap can only be taken while it runs",
    Kind.RESET: "a reset can only be counted while it runs",
    Kind.UNDO_RESET: "a reset can only be taken back while it runs",
    Kind.DNF: "did not finish can only be noted while it runs",
    Kind.UNDO_LAP: "a lap can only be undone between the start and the submit",
    Kind.SET_VALIDITY: "validity can only be changed from the start on, and not after a discard",
    Kind.SET_CAR: "the car can only be changed before the submit, and after it for the laps driven so far",
    Kind.END: "only a race that is not over yet can be ended",
    Kind.CANCEL_END: "only the end of a race that is over can be cancelled",
    Kind.SUBMIT: "only a race that is over can be submitted",
    Kind.DISCARD: "only a race that stands still and is not submitted can be discarded",
    Kind.SET_TIME: "a lap time can only be corrected once it is over",
    Kind.SET_RESETS: "the resets of a lap can only be corrected once it is over",
    Kind.SET_PROXY: "the proxy mark can only be changed before a discard",
    Kind.SET_RACER: "the racer can only be changed before the start or once it is over",
    Kind.SET_TRACK: "the track can only be changed once it is over",
    Kind.DELETE_LAP: "a lap can only be deleted once it is over",
    Kind.RESTORE_LAP: "a lap can only be restored once it is over",
    Kind.DELETE_RACE: "a race can only be deleted once it is over",
    Kind.RESTORE_RACE: "only a deleted race can be restored",
    Kind.ADD_CROSSING: "a crossing can only be given to a race that was not discarded",
    Kind.DROP_CROSSING: "a crossing can only be taken out from the start on, and not after a discard",
    Kind.RESCORE: "it can only be scored with another lock-out while it stands still, and not after a discard",
}

THEN: Mapping[Kind, str] = {
    Kind.PAUSE: "then pause it",
    Kind.LAP: "then take the lap",
    Kind.RESET: "then count the reset",
    Kind.UNDO_RESET: "then take the reset back",
    Kind.DNF: "then note did not finish",
}
"""What a running race allows, as the end of a remedy."""

ALREADY: Mapping[tuple[RaceState, Kind], tuple[str, str]] = {
    (RaceState.RUNNING, Kind.START): ("The race is already running.", "Take a lap, or pause it with Space."),
    (RaceState.RUNNING, Kind.RESUME): ("The race is already running.", "Take a lap, or pause it with Space."),
    (RaceState.PAUSED, Kind.PAUSE): ("The race is already paused.", "Resume it with Space."),
    (RaceState.OVER, Kind.END): ("The race is already over.", "Submit it, or cancel the end to go on."),
    (RaceState.SUBMITTED, Kind.SUBMIT): ("The race is already submitted.", "Go on with the next racer."),
    (RaceState.DISCARDED, Kind.DISCARD): ("The race is already discarded.", "Go on with the next racer."),
}

FINAL_REMEDY: Mapping[RaceState, str] = {
    RaceState.SUBMITTED: "Correct its laps on the Races page, or start a new race for this racer.",
    RaceState.DISCARDED: "Start a new race for this racer.",
}

SPECIAL: Mapping[tuple[RaceState, Kind], str] = {
    (RaceState.READY, Kind.RESUME): "Start it with Space.",
    (RaceState.READY, Kind.SUBMIT): "Start it with Space, or discard it.",
    (RaceState.READY, Kind.CANCEL_END): "Start it with Space.",
    (RaceState.PAUSED, Kind.START): "Resume with Space.",
    (RaceState.OVER, Kind.START): "Cancel the end, then resume with Space.",
    (RaceState.OVER, Kind.RESUME): "Cancel the end, then resume with Space.",
    (RaceState.RUNNING, Kind.CANCEL_END): "Nothing needs to be cancelled; go on.",
    (RaceState.PAUSED, Kind.CANCEL_END): "Resume with Space.",
    (RaceState.RUNNING, Kind.DISCARD): "Pause it with Space or end it, then discard it.",
    (RaceState.RUNNING, Kind.RESCORE): "Pause it with Space or end it, then score it anew.",
    (RaceState.READY, Kind.RESCORE): "Nothing needs to be scored anew.",
    (RaceState.SUBMITTED, Kind.SET_CAR): "Choose the laps driven so far, on the page of the race.",
    (RaceState.DISCARDED, Kind.ADD_CROSSING): "Give it to another race, or dismiss it.",
}

START_FIRST = frozenset({Kind.SET_VALIDITY, Kind.UNDO_LAP, Kind.DROP_CROSSING})


def refusal(state: RaceState, kind: Kind) -> IllegalAction:
    """The error for an action that this state does not allow."""
    if (state, kind) in ALREADY:
        return IllegalAction(*ALREADY[state, kind])
    return IllegalAction(f"{IS[state]}; {ONLY[kind]}.", _remedy(state, kind))


def _remedy(state: RaceState, kind: Kind) -> str:
    if (state, kind) in SPECIAL:
        return SPECIAL[state, kind]
    if state in FINAL_REMEDY:
        return FINAL_REMEDY[state]
    if kind in THEN:
        return _to_running(state) + ", " + THEN[kind] + "."
    if state is RaceState.READY and kind in START_FIRST:
        return "Start it with Space first."
    if state is RaceState.OVER:
        return "Cancel the end to go on, or submit the race."
    return "End the race first."


def _to_running(state: RaceState) -> str:
    match state:
        case RaceState.READY:
            return "Start with Space"
        case RaceState.PAUSED:
            return "Resume with Space"
        case _:
            return "Cancel the end and resume with Space"


def too_early(kind: Kind) -> IllegalAction:
    """It happened before the race was made ready: somebody else's crossing."""
    return IllegalAction(
        f"This {kind.value} happened before the race was made ready; it belongs to no lap of it.",
        "Nothing needs to be done.",
    )


def crossing_outside(state: RaceState | None) -> IllegalAction:
    """A crossing given to a race that was in `state` when it happened; None: not ready yet."""
    if state is None:
        return IllegalAction(
            "This crossing happened before the race was made ready, so it cannot be a part of it.",
            "Give it to the race before, or dismiss it.",
        )
    was = "submitted" if state is RaceState.SUBMITTED else "over"
    return IllegalAction(
        f"This crossing happened when the race was {was} already, so it cannot be a part of it.",
        "Give it to another race, or dismiss it. If a crossing ended the race by mistake, take that one out first.",
    )


def crossing_of_another_boot() -> IllegalAction:
    """Its stamp is of a boot in which nothing of the race happened, and things happened after it."""
    return IllegalAction(
        "The box was restarted between this crossing and the race, so its place in the race cannot be told.",
        "Correct the laps by hand, or dismiss it.",
    )


def crossing_there_already() -> IllegalAction:
    """Given to a race that has it."""
    return IllegalAction("This crossing is in the race already.", "Nothing needs to be done.")


def crossing_gone_already() -> IllegalAction:
    """Taken out twice, or after its lap was undone."""
    return IllegalAction("This crossing is not in the race any more.", "Nothing needs to be done.")


def deleted_race() -> IllegalAction:
    """Everything but restoring is refused while a race is deleted."""
    return IllegalAction("The race is deleted; it can only be restored.", "Restore it first, then change it.")


def not_deleted_race() -> IllegalAction:
    """Nothing to restore."""
    return IllegalAction("The race is not deleted.", "Nothing needs to be restored.")


def no_lap_to_undo() -> IllegalAction:
    """Undo with no lap taken."""
    return IllegalAction("There is no lap to undo.", "Take a lap first.")


def not_the_last_lap(asked: int, last: int) -> IllegalAction:
    """Undo names a lap that is not the last one, or not any more."""
    return IllegalAction(
        f"Only the last lap can be undone, and that is lap {last}, not lap {asked}.",
        f"Undo lap {last}, or make lap {asked} invalid.",
    )


def undo_deleted(last: int) -> IllegalAction:
    """Undoing what is not shown would surprise."""
    return IllegalAction(f"Lap {last} is deleted, so it cannot be undone.", f"Restore lap {last} first.")


def lap_deleted(number: int, *, deleted: bool) -> IllegalAction:
    """Deleted twice, or restored without being deleted."""
    if deleted:
        return IllegalAction(f"Lap {number} is deleted.", f"Restore lap {number} first.")
    return IllegalAction(f"Lap {number} is not deleted.", "Nothing needs to be restored.")


def no_such_lap(number: int, laps: int) -> IllegalAction:
    """An edit names a lap that the race does not have."""
    remedy = f"Choose a lap from 1 to {laps}." if laps else "Take a lap first."
    return IllegalAction(f"This race has no lap {number}.", remedy)
