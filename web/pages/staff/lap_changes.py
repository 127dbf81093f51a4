"""
Two lists of laps of one race, before and after a change: what became of each lap, and in words. Pure.

A lap is known by the journal entry that made it, so a lap that only got another number is the same lap.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from timing.structs import LapView
from web.formats import lap as lap_text


class Change(StrEnum):
    """What became of some adjacent laps."""

    SAME = "same"
    CHANGED = "changed"
    SPLIT = "split"
    MERGED = "merged"
    ADDED = "added"
    GONE = "gone"


SIGNS = {
    Change.SAME: "",
    Change.CHANGED: "other time",
    Change.SPLIT: "split",
    Change.MERGED: "made one",
    Change.ADDED: "new",
    Change.GONE: "gone",
}
"""Written beside a row: nobody should have to see the colour."""


class LapChange(Struct, frozen=True, kw_only=True):
    """The laps that were there, and those that take their place."""

    change: Change
    before: list[LapView]
    after: list[LapView]

    @property
    def sign(self) -> str:
        """What became of them, in a word; "" when nothing did."""
        return SIGNS[self.change]

    @property
    def words(self) -> str:
        """The whole change in one line: "lap 4: 00:12.345 → 00:06.100 + 00:06.245"."""
        if self.change is Change.ADDED:
            return f"new {_numbers(self.after)}: {_times(self.after)}"
        if self.change is Change.GONE:
            return f"{_numbers(self.before)} ({_times(self.before)}) {'goes' if len(self.before) == 1 else 'go'}"
        return f"{_numbers(self.before)}: {_times(self.before)} → {_times(self.after)}"


def lap_changes(before: Sequence[LapView], after: Sequence[LapView]) -> list[LapChange]:
    """The laps side by side, in order: those between two laps that both lists have belong together."""
    kept = {lap.seq for lap in before} & {lap.seq for lap in after}
    groups_before, groups_after = _groups(before, kept), _groups(after, kept)
    return [
        LapChange(change=_change(old, new), before=old, after=new)
        for old, new in zip(groups_before, groups_after, strict=True)
        if old or new
    ]


def changed(changes: Sequence[LapChange]) -> list[LapChange]:
    """Only what is not the same."""
    return [change for change in changes if change.change is not Change.SAME]


def _groups(laps: Sequence[LapView], kept: set[int]) -> list[list[LapView]]:
    """One group up to and with each kept lap, and one for the rest."""
    groups: list[list[LapView]] = [[]]
    for lap in laps:
        groups[-1].append(lap)
        if lap.seq in kept:
            groups.append([])
    return groups


def _change(before: Sequence[LapView], after: Sequence[LapView]) -> Change:
    if not before:
        return Change.ADDED
    if not after:
        return Change.GONE
    if len(before) < len(after):
        return Change.SPLIT
    if len(before) > len(after):
        return Change.MERGED
    return Change.SAME if _values(before) == _values(after) else Change.CHANGED


def _values(laps: Sequence[LapView]) -> list[tuple[int, int, bool]]:
    return [(lap.lap_ms, lap.resets, lap.valid) for lap in laps]


def _numbers(laps: Sequence[LapView]) -> str:
    if len(laps) == 1:
        return f"lap {laps[0].lap}"
    return f"laps {', '.join(str(lap.lap) for lap in laps[:-1])} and {laps[-1].lap}"


def _times(laps: Sequence[LapView]) -> str:
    return " + ".join(lap_text(lap.lap_ms) + ("" if lap.valid else " (invalid)") for lap in laps)
