"""
What people corrected about a lap: validity, time, resets, deleted. Pure.

Edits name the journal entry that made the lap, so they stay with their lap when a late crossing renumbers the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from timing.journal import Entry, Kind
from timing.laps import NS_PER_MS, Lap, Source, whole_ms
from timing.race_table import LAP_EDITS


@dataclass(frozen=True, slots=True)
class Capture:
    """A lap as it was captured: by strip or hand, before anybody corrected it."""

    seq: int
    lap_ns: int
    resets: int
    source: Source
    dnf: bool
    car_id: str | None
    model_id: str | None
    wall_ns: int


@dataclass(slots=True)
class LapEdits:
    """The last word of people on one lap; None leaves what was captured."""

    valid: bool | None = None
    lap_ms: int | None = None
    resets: int | None = None
    deleted: bool = False

    def take(self, entry: Entry) -> None:
        """Add one more edit; a later one replaces an earlier one."""
        match entry.kind:
            case Kind.SET_VALIDITY:
                self.valid = entry.payload.valid
            case Kind.SET_TIME:
                self.lap_ms = entry.payload.lap_ms
            case Kind.SET_RESETS:
                self.resets = entry.payload.resets
            case _:
                self.deleted = entry.kind is Kind.DELETE_LAP

    def applied(self, capture: Capture, number: int, max_resets: int | None) -> Lap:
        """The lap as it counts. Validity follows the reset limit until a person decides it."""
        lap_ns = capture.lap_ns if self.lap_ms is None else self.lap_ms * NS_PER_MS
        resets = capture.resets if self.resets is None else self.resets
        valid = _is_valid(capture.dnf, resets, max_resets) if self.valid is None else self.valid
        captured = (whole_ms(capture.lap_ns), capture.resets, _is_valid(capture.dnf, capture.resets, max_resets))
        return Lap(
            seq=capture.seq,
            number=number,
            lap_ns=lap_ns,
            lap_ms=whole_ms(lap_ns),
            resets=resets,
            valid=valid,
            source=capture.source,
            dnf=capture.dnf,
            car_id=capture.car_id,
            model_id=capture.model_id,
            deleted=self.deleted,
            edited=(whole_ms(lap_ns), resets, valid) != captured,
            wall_ns=capture.wall_ns,
        )


def edits_by_lap(entries: Sequence[Entry], stand_ins: Mapping[int, int]) -> dict[int, LapEdits]:
    """
    All edits, by the entry that made the lap.

    Args:
        entries: In the order of acceptance.
        stand_ins: Replaced crossings and the entries that stand in for them; their edits move along.
    """
    edits: dict[int, LapEdits] = {}
    for entry in entries:
        seq = entry.payload.target_seq
        if entry.kind in LAP_EDITS and seq is not None:
            while seq in stand_ins:
                seq = stand_ins[seq]
            edits.setdefault(seq, LapEdits()).take(entry)
    return edits


def _is_valid(dnf: bool, resets: int, max_resets: int | None) -> bool:
    return not dnf and (max_resets is None or resets <= max_resets)
