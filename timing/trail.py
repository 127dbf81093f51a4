"""
The trail of a race: each journal entry in words, with who and when. What a dispute at the track is settled with. Pure.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from appliance.clock import iso_utc
from timing.journal import ACTOR_BOX, ACTOR_BUTTON, ACTOR_STRIP, Entry, Kind, Payload
from timing.lap_text import lap_text


class TrailLine(Struct, frozen=True, kw_only=True):
    """
    One entry. `at` is UTC; `actor` a person's name, "Strip", "Button" or "Trackside".

    `is_edit`: a correction by a person.
    """

    seq: int
    at: str
    actor: str
    kind: Kind
    text: str
    is_edit: bool


EDITS = frozenset(list(Kind)[list(Kind).index(Kind.SET_TIME) :]) | {Kind.SET_VALIDITY, Kind.UNDO_LAP, Kind.UNDO_RESET}

Names = Callable[[str], str]
"""A person's id to their name."""

Drive = Callable[[str | None, str | None], str]
"""A car's and a model's id to words: "Blue 3 with fast-one"; None of each: none is known."""


def by_id(car_id: str | None, model_id: str | None) -> str:
    """The words of a `Drive` for who knows no names."""
    return " with ".join([car_id or "no car", *filter(None, [model_id])])


def trail(entries: Sequence[Entry], name_of: Names, track_name: Names, drive_name: Drive = by_id) -> list[TrailLine]:
    """The journal in words, from its ready entry on, oldest acceptance first."""
    return [
        TrailLine(
            seq=entry.seq,
            at=iso_utc(entry.wall_ns),
            actor=_actor(entry.actor, name_of),
            kind=entry.kind,
            text=_rescored(entries, entry)
            if entry.kind is Kind.RESCORE
            else _said(entry, name_of, track_name, drive_name),
            is_edit=entry.kind in EDITS or entry.payload.laps_so_far,
        )
        for entry in entries
    ]


def _actor(actor: str, name_of: Names) -> str:
    return {ACTOR_STRIP: "Strip", ACTOR_BUTTON: "Button", ACTOR_BOX: "Trackside"}.get(actor) or name_of(actor)


def _rescored(entries: Sequence[Entry], rescore: Entry) -> str:
    """What a re-scoring did: its batch are the entries right behind it that bear its lock-out."""
    lockout_ms = rescore.payload.lockout_ms or 0
    counts = {Kind.DROP_CROSSING: 0, Kind.ADD_CROSSING: 0}
    for entry in entries[rescore.seq + 1 :]:
        if entry.kind not in counts or entry.payload.lockout_ms is None:
            break
        counts[entry.kind] += 1
    fewer, more = counts[Kind.DROP_CROSSING], counts[Kind.ADD_CROSSING]
    crossings = "crossing" if fewer == 1 else "crossings"
    return f"Re-scored with a lock-out of {lockout_ms / 1000:g} s: {fewer} {crossings} fewer, {more} more"


PLAIN: dict[Kind, str] = {
    Kind.PAUSE: "Paused",
    Kind.START: "Started by hand",
    Kind.RESUME: "Resumed",
    Kind.LAP: "Lap taken by hand",
    Kind.RESET: "Reset counted",
    Kind.UNDO_RESET: "Reset taken back",
    Kind.DNF: "Did not finish",
    Kind.END: "Ended",
    Kind.CANCEL_END: "End cancelled",
    Kind.SUBMIT: "Submitted",
    Kind.DISCARD: "Discarded",
    Kind.DELETE_RACE: "Race deleted",
    Kind.RESTORE_RACE: "Race restored",
}


def _said(entry: Entry, name_of: Names, track_name: Names, drive_name: Drive) -> str:
    text, late_ms = _text(entry, name_of, track_name, drive_name), entry.payload.late_ms
    return text if late_ms is None else f"{text} (arrived {late_ms / 1000:.1f} s later)"


def _text(entry: Entry, name_of: Names, track_name: Names, drive_name: Drive) -> str:
    if entry.payload.reason == "power_cut":
        return "Paused: the power was cut"
    text = PLAIN.get(entry.kind) or _said_with(entry.kind, entry.payload, name_of, track_name, drive_name)
    return f"{text} ({entry.payload.reason})" if entry.payload.reason else text


def _said_with(kind: Kind, payload: Payload, name_of: Names, track_name: Names, drive_name: Drive) -> str:
    if kind is Kind.SET_RACER:
        return f"Given to {name_of(payload.racer_id or '')}"
    if kind is Kind.SET_TRACK:
        return f"Moved to {track_name(payload.track_id or '')}"
    if kind is Kind.SET_CAR:
        car = f"Car set to {drive_name(payload.car_id, payload.model_id)}"
        return f"{car}, also for the laps driven so far" if payload.laps_so_far else car
    if kind is Kind.READY and (payload.car_id or payload.model_id):
        return f"{SAID[kind](payload)}: {drive_name(payload.car_id, payload.model_id)}"
    return SAID[kind](payload)


SAID: dict[Kind, Callable[[Payload], str]] = {
    Kind.READY: lambda said: "Ready" + (", past the run limit" if said.override else ""),
    Kind.CROSSING: lambda said: f"Crossing on line {said.line}",
    Kind.ADD_CROSSING: lambda said: (
        f"Crossing on line {said.line} {'added' if said.lockout_ms is not None else 'given'}"
    ),
    Kind.DROP_CROSSING: lambda said: f"Crossing on line {said.line} taken out",
    Kind.UNDO_LAP: lambda said: f"Lap {said.lap} undone",
    Kind.SET_VALIDITY: lambda said: f"Lap {said.lap} made {'valid' if said.valid else 'invalid'}",
    Kind.SET_TIME: lambda said: f"Lap {said.lap} set to {lap_text(said.lap_ms or 0)}",
    Kind.SET_RESETS: lambda said: f"Lap {said.lap} set to {said.resets} resets",
    Kind.DELETE_LAP: lambda said: f"Lap {said.lap} deleted",
    Kind.RESTORE_LAP: lambda said: f"Lap {said.lap} restored",
    Kind.SET_PROXY: lambda said: "Raced by proxy" if said.by_proxy else "Not raced by proxy",
}
