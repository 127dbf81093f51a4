"""
Crossings that people give to a race or take out of it: may this happen, and which entry is meant. Pure.

A crossing that the race had before comes back as it was, with all that was decided about its lap. A new one is judged
by the state of the race at the moment it happened, also when the race is over or submitted by now.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from appliance.errors import InvalidInput
from timing import refusals
from timing.fold import Race, play
from timing.journal import Entry, Payload
from timing.race_table import UNTIMED
from timing.structs import RaceState
from timing.taken_back import crossings_by_edge, current_seq, replacements, standing_in, taken_back


def accept_added(race: Race, entry: Entry, race_entries: Sequence[Entry]) -> Entry:
    """
    A crossing given to the race: `target_seq` is set when it was in the race before, and cleared when it was not.

    Raises:
        IllegalAction: It is in the race already, or happened before the race was ready or after it had ended.
    """
    if race.state is RaceState.DISCARDED:
        raise refusals.refusal(race.state, entry.kind)
    known = crossings_by_edge(race_entries).get((entry.payload.recorder_id or "", entry.payload.edge_seq or 0))
    if known is not None:
        seq = current_seq(known.seq, replacements(race_entries))
        if seq not in taken_back(race_entries):
            raise refusals.crossing_there_already()
        return _aimed(entry, seq)
    entry = _aimed(entry, None)
    _check_boot(entry, race_entries)
    tape = play([*race_entries, entry], race.rules)
    if entry.seq in tape.refused:
        raise refusals.crossing_outside(tape.refused[entry.seq])
    return entry


def accept_dropped(entry: Entry, race_entries: Sequence[Entry]) -> Entry:
    """
    A crossing taken out of the race; the entry says which edge it was.

    Raises:
        InvalidInput: `target_seq` names no crossing of this race.
        IllegalAction: It counts as never happened already.
    """
    current = standing_in(race_entries, _target(entry))
    if current is None:
        raise InvalidInput(
            f"Entry {entry.payload.target_seq} is no crossing of this race.",
            "Choose one of its crossings.",
            field="target_seq",
        )
    if current.seq in taken_back(race_entries):
        raise refusals.crossing_gone_already()
    return replace(entry, payload=naming(replace(entry.payload, target_seq=current.seq), current))


def naming(payload: Payload, crossing: Entry) -> Payload:
    """The payload with the edge of a crossing of the race, so that the entry says by itself which one is meant."""
    edge = crossing.payload
    return replace(
        payload,
        recorder_id=edge.recorder_id,
        recorder_boot_id=edge.recorder_boot_id,
        edge_seq=edge.edge_seq,
        edge_ns=edge.edge_ns,
        line=edge.line,
    )


def check_replaced(entry: Entry, race_entries: Sequence[Entry]) -> None:
    """Raises InvalidInput when the crossing that this one stands in for is none of the race's."""
    if standing_in(race_entries, _target(entry)) is None:
        raise InvalidInput(
            f"Entry {entry.payload.target_seq} is no crossing of this race.", "Send it as a crossing of its own."
        )


def _target(entry: Entry) -> int:
    return -1 if entry.payload.target_seq is None else entry.payload.target_seq


def _aimed(entry: Entry, seq: int | None) -> Entry:
    return replace(entry, payload=replace(entry.payload, target_seq=seq))


def _check_boot(entry: Entry, race_entries: Sequence[Entry]) -> None:
    """A boot that the race has not seen has no place among its own but the last: only the time of day can tell."""
    if any(known.boot_id == entry.boot_id for known in race_entries):
        return
    if entry.wall_ns < race_entries[0].wall_ns:
        raise refusals.crossing_outside(None)
    if any(known.wall_ns > entry.wall_ns for known in race_entries if known.kind not in UNTIMED):
        raise refusals.crossing_of_another_boot()
