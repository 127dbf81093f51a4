"""
The race as its owner uses it: may this happen, what is allowed now, what do the clocks say. Pure.

The rules live beside it: race_table.py (what may happen), tape.py (what it does), fold.py (journal to race),
refusals.py (what people read). Refuses whatever the table refuses, and then changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from appliance.errors import InvalidInput
from timing import refusals
from timing.fold import Race, fold, play, state_at
from timing.journal import Entry, Kind, Payload
from timing.laps import Lap, lap_views, whole_ms
from timing.race_crossings import accept_added, accept_dropped, check_replaced
from timing.race_table import LAP_EDITS, TRANSITIONS, UNTIMED, Do, Step
from timing.refusals import IllegalAction
from timing.rules import RaceRules
from timing.structs import LapView, RaceState
from timing.taken_back import current_seq, replacements

__all__ = [
    "TRANSITIONS",
    "Clocks",
    "Do",
    "IllegalAction",
    "Lap",
    "Race",
    "Step",
    "accept",
    "allowed",
    "clocks",
    "fold",
    "laps_view",
]

FINAL_STATES = frozenset({RaceState.SUBMITTED, RaceState.DISCARDED})
"""What was submitted changes only by a person's edit: a crossing that arrives even later is shown, not folded in."""

NEEDED: dict[Kind, tuple[str, ...]] = {
    Kind.READY: ("racer_id", "track_id"),
    Kind.SET_VALIDITY: ("valid",),
    Kind.SET_TIME: ("lap_ms",),
    Kind.SET_RESETS: ("resets",),
    Kind.SET_PROXY: ("by_proxy",),
    Kind.SET_RACER: ("racer_id",),
    Kind.SET_TRACK: ("track_id",),
    Kind.ADD_CROSSING: ("recorder_id", "recorder_boot_id", "edge_seq", "edge_ns", "line"),
    Kind.DROP_CROSSING: ("target_seq",),
    Kind.RESCORE: ("lockout_ms",),
}
"""Fields of the payload without which a kind means nothing; edits of a lap need `lap` or `target_seq` besides."""

NO_BUTTONS = frozenset({Kind.CROSSING, Kind.ADD_CROSSING, Kind.DROP_CROSSING, Kind.RESCORE, Kind.RESTORE_RACE})
"""Not offered by the state alone: written by the strips, or named by a crossing, a lock-out or a deleted race."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the clocks show, in whole ms rounded down; `race_left_ms` None without a race time, 0 once time is up."""

    race_left_ms: int | None
    race_elapsed_ms: int
    lap_elapsed_ms: int
    time_up: bool


def accept(race_entries: Sequence[Entry], rules: RaceRules, entry: Entry) -> Entry:
    """
    Check that an entry may happen, and make it ready to append.

    Args:
        race_entries: The race's journal so far, in the order of acceptance; empty for its `ready` entry.
        entry: Its `seq` is set here. A crossing whose `at_ns` lies in the past is judged by the state of that moment.

    Returns:
        The entry to append: numbered, and with `payload.target_seq` naming the entry that was meant.

    Raises:
        InvalidInput: The payload lacks what its kind needs.
        IllegalAction: The race does not allow it; nothing changed.
    """
    entry = replace(entry, seq=len(race_entries))
    _check_payload(entry)
    if not race_entries:
        return _accept_first(entry)
    race = fold(race_entries, rules)
    if entry.kind is Kind.READY:
        raise refusals.refusal(race.state, entry.kind)
    _check_deleted(race, entry)
    if entry.kind is Kind.ADD_CROSSING:
        return accept_added(race, entry, race_entries)
    if entry.kind in UNTIMED:
        return _accept_untimed(race, entry, race_entries)
    return _accept_timed(race, entry, race_entries)


def allowed(race: Race) -> frozenset[Kind]:
    """What people may do with the race now: the buttons to offer."""
    if race.deleted:
        return frozenset({Kind.RESTORE_RACE}) if (race.state, Kind.RESTORE_RACE) in TRANSITIONS else frozenset()
    by_state = {
        kind
        for (state, kind), step in TRANSITIONS.items()
        if state is race.state and not step.box_only and not step.holds
    }
    return frozenset(by_state - NO_BUTTONS - _without_a_lap(race.laps))


def clocks(race: Race, now_ns: int, boot_id: str) -> Clocks:
    """The clocks at `now_ns` of `boot_id`; in another boot than the race's they stand at its last entry."""
    at_ns = now_ns if boot_id == race.boot_id else race.last_at_ns
    elapsed_ms = whole_ms(race.elapsed_ns(at_ns))
    race_ms = race.rules.race_ms
    return Clocks(
        race_left_ms=None if race_ms is None else max(0, race_ms - elapsed_ms),
        race_elapsed_ms=elapsed_ms,
        lap_elapsed_ms=whole_ms(race.lap_elapsed_ns(at_ns)),
        time_up=race_ms is not None and elapsed_ms >= race_ms,
    )


def laps_view(race: Race, *, with_deleted: bool = False) -> list[LapView]:
    """The laps as the API shows them, in order; one within the lock-out of what was before it is suspect too."""
    suspect_below_ms = max(race.rules.min_lap_ms, race.lockout_ms)
    return lap_views(race.laps, suspect_below_ms, with_deleted=with_deleted)


def _without_a_lap(laps: Sequence[Lap]) -> set[Kind]:
    kept = [lap for lap in laps if not lap.deleted]
    missing: set[Kind] = set()
    if not kept:
        missing |= LAP_EDITS - {Kind.RESTORE_LAP}
    if len(kept) == len(laps):
        missing.add(Kind.RESTORE_LAP)
    if not laps or laps[-1].deleted:
        missing.add(Kind.UNDO_LAP)
    return missing


def _check_payload(entry: Entry) -> None:
    for field in NEEDED.get(entry.kind, ()):
        if getattr(entry.payload, field) is None:
            raise InvalidInput(f"{entry.kind.value} needs {field}.", f"Send {field} with it.", field=field)
    if entry.kind in LAP_EDITS and entry.payload.lap is None and entry.payload.target_seq is None:
        raise InvalidInput(f"{entry.kind.value} needs lap.", "Send the number of the lap, from 1.", field="lap")
    if entry.kind is Kind.SET_TIME and entry.payload.lap_ms == 0:
        raise InvalidInput("A lap takes more than 0 ms.", "Enter the lap time as minutes:seconds.", field="lap_ms")


def _accept_first(entry: Entry) -> Entry:
    if entry.kind is not Kind.READY:
        raise IllegalAction("There is no race yet.", "Make a racer ready first.")
    return entry


def _check_deleted(race: Race, entry: Entry) -> None:
    if race.deleted and entry.kind is not Kind.RESTORE_RACE:
        raise refusals.deleted_race()


def _accept_timed(race: Race, entry: Entry, race_entries: Sequence[Entry]) -> Entry:
    if race.state in FINAL_STATES and not _corrects(race, entry, race_entries):
        raise refusals.refusal(race.state, entry.kind)
    if entry.kind is Kind.CROSSING and entry.payload.target_seq is not None:
        check_replaced(entry, race_entries)
    tape = play([*race_entries, entry], race.rules)
    not_now = {**tape.refused, **tape.held}
    if entry.seq in not_now:
        state = not_now[entry.seq]
        raise refusals.too_early(entry.kind) if state is None else refusals.refusal(state, entry.kind)
    return entry


def _corrects(race: Race, entry: Entry, race_entries: Sequence[Entry]) -> bool:
    """Whether it corrects what was handed in: allowed then, and no press from before that arrives only now."""
    step = TRANSITIONS.get((race.state, entry.kind))
    return step is not None and step.takes(entry) and state_at(race_entries, race.rules, entry) is race.state


def _accept_untimed(race: Race, entry: Entry, race_entries: Sequence[Entry]) -> Entry:
    if (race.state, entry.kind) not in TRANSITIONS:
        raise refusals.refusal(race.state, entry.kind)
    if entry.kind is Kind.RESTORE_RACE and not race.deleted:
        raise refusals.not_deleted_race()
    if entry.kind is Kind.UNDO_LAP:
        return _aimed(entry, _last_lap(race, entry, race_entries))
    if entry.kind is Kind.DROP_CROSSING:
        return accept_dropped(entry, race_entries)
    if entry.kind in LAP_EDITS:
        return _aimed(entry, _edited_lap(race, entry, race_entries))
    return entry


def _aimed(entry: Entry, lap: Lap) -> Entry:
    return replace(entry, payload=replace(entry.payload, lap=lap.number, target_seq=lap.seq))


def _last_lap(race: Race, undo: Entry, race_entries: Sequence[Entry]) -> Lap:
    """The last one at the moment of the undo: a press that arrives late must not take back a lap made since."""
    last = next((lap for lap in reversed(race.laps) if not _is_after(race_entries[lap.seq], undo)), None)
    if last is None:
        raise refusals.no_lap_to_undo()
    if last.deleted:
        raise refusals.undo_deleted(last.number)
    if undo.payload.lap is not None and undo.payload.lap != last.number:
        raise refusals.not_the_last_lap(undo.payload.lap, last.number)
    return last


def _is_after(entry: Entry, moment: Entry) -> bool:
    return entry.boot_id == moment.boot_id and entry.at_ns > moment.at_ns


def _edited_lap(race: Race, entry: Entry, race_entries: Sequence[Entry]) -> Lap:
    lap = _named_lap(race, entry.payload, race_entries)
    if lap.deleted != (entry.kind is Kind.RESTORE_LAP):
        raise refusals.lap_deleted(lap.number, deleted=lap.deleted)
    return lap


def _named_lap(race: Race, payload: Payload, race_entries: Sequence[Entry]) -> Lap:
    seq = None if payload.target_seq is None else current_seq(payload.target_seq, replacements(race_entries))
    for lap in race.laps:
        if lap.seq == seq or (seq is None and lap.number == payload.lap):
            return lap
    if payload.lap is None:
        raise IllegalAction("This lap does not exist any more.", "Choose one of the laps that are shown.")
    raise refusals.no_such_lap(payload.lap, len(race.laps))
