"""
The trail of a race: each journal entry in words, with who and when. What a dispute at the track is settled with. Pure.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from appliance.clock import iso_utc
from timing.journal import ACTOR_BOX, ACTOR_STRIP, Entry, Kind, Payload


class TrailLine(Struct, frozen=True, kw_only=True):
    """One entry. `at` is UTC; `actor` a person's name, "Strip" or "Trackside"; `is_edit`: a correction by a person."""

    seq: int
    at: str
    actor: str
    kind: Kind
    text: str
    is_edit: bool


EDITS = frozenset(list(Kind)[list(Kind).index(Kind.SET_TIME) :]) | {Kind.SET_VALIDITY, Kind.UNDO_LAP, Kind.UNDO_RESET}

Names = Callable[[str], str]
"""A person's id to their name."""


def trail(entries: Iterable[Entry], name_of: Names, track_name: Names) -> list[TrailLine]:
    """The journal in words, oldest acceptance first."""
    return [
        TrailLine(
            seq=entry.seq,
            at=iso_utc(entry.wall_ns),
            actor=_actor(entry.actor, name_of),
            kind=entry.kind,
            text=_text(entry, name_of, track_name),
            is_edit=entry.kind in EDITS,
        )
        for entry in entries
    ]


def minutes_text(lap_ms: int) -> str:
    """mm:ss.mmm, as times are written everywhere."""
    return f"{lap_ms // 60_000:02d}:{lap_ms // 1000 % 60:02d}.{lap_ms % 1000:03d}"


def _actor(actor: str, name_of: Names) -> str:
    return {ACTOR_STRIP: "Strip", ACTOR_BOX: "Trackside"}.get(actor) or name_of(actor)


PLAIN: dict[Kind, str] = {
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


def _text(entry: Entry, name_of: Names, track_name: Names) -> str:
    if entry.kind in PLAIN:
        return _with_reason(PLAIN[entry.kind], entry.payload)
    payload = entry.payload
    texts: dict[Kind, str] = {
        Kind.READY: "Ready" + (", past the run limit" if payload.override else ""),
        Kind.CROSSING: f"Crossing on line {payload.line}",
        Kind.PAUSE: "Paused: the power was cut" if payload.reason == "power_cut" else "Paused",
        Kind.UNDO_LAP: f"Lap {payload.lap} undone" if payload.lap else "Last lap undone",
        Kind.SET_VALIDITY: f"Lap {payload.lap} made {'valid' if payload.valid else 'invalid'}",
        Kind.SET_CAR: f"Car {payload.car_id or 'none'}",
        Kind.SET_TIME: f"Lap {payload.lap} set to {minutes_text(payload.lap_ms or 0)}",
        Kind.SET_RESETS: f"Lap {payload.lap} set to {payload.resets} resets",
        Kind.SET_PROXY: "Raced by proxy" if payload.by_proxy else "Not raced by proxy",
        Kind.SET_RACER: f"Given to {name_of(payload.racer_id or '')}",
        Kind.SET_TRACK: f"Moved to {track_name(payload.track_id or '')}",
        Kind.DELETE_LAP: f"Lap {payload.lap} deleted",
        Kind.RESTORE_LAP: f"Lap {payload.lap} restored",
    }
    return texts[entry.kind] if entry.kind is Kind.PAUSE else _with_reason(texts[entry.kind], payload)


def _with_reason(text: str, payload: Payload) -> str:
    return f"{text} ({payload.reason})" if payload.reason else text
