"""Events and their tracks as rows to choose from: the newest day first, today's marked, and who races now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from timing.crew_structs import TrackNow
from timing.structs import Event
from tui.columns import Cell, Look, Row, fit
from tui.words import STATES

DAY_CELLS, NOW_CELLS = 12, 26
TODAY, NO_DAY, FREE = "today", "no day", "free"


class ChosenTrack(NamedTuple):
    """A track of an event."""

    event_id: str
    track_id: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One row: a track of an event."""

    place: ChosenTrack
    event_name: str
    date: str | None
    track_name: str


def choices_of(events: Sequence[Event]) -> list[Choice]:
    """Every track, in the order of `events`, which come as the box sorts them: the newest day first."""
    return [
        Choice(ChosenTrack(event.event_id, track.track_id), event.name, event.date, track.name)
        for event in events
        for track in event.tracks
    ]


def meant(choices: Sequence[Choice], last: ChosenTrack | None, today: str) -> int:
    """
    Which one most people want, as an index: where they sat last, else the first of today, else the newest.

    Args:
        last: None for somebody new.
        today: YYYY-MM-DD of this machine.
    """
    places = [choice.place for choice in choices]
    if last in places:
        return places.index(last)
    return next((index for index, choice in enumerate(choices) if choice.date == today), 0)


def heading(cells: int) -> Row:
    """The names of the columns."""
    event, track = _wide(cells)
    names = (("Day", DAY_CELLS), ("Event", event), ("Track", track), ("Now", NOW_CELLS))
    return [Cell(fit(name, width)) for name, width in names]


def row_of(choice: Choice, now: Mapping[str, TrackNow] | None, today: str, cells: int) -> Row:
    """
    One track.

    Args:
        now: By track id, of this event; None while nobody has said.
    """
    event, track = _wide(cells)
    is_today = choice.date == today
    return [
        Cell(fit(TODAY if is_today else choice.date or NO_DAY, DAY_CELLS), Look.GOOD if is_today else Look.SOFT),
        Cell(fit(choice.event_name, event - 1) + " ", Look.STRONG),
        Cell(fit(choice.track_name, track - 1) + " "),
        Cell(fit(_now(None if now is None else now.get(choice.place.track_id)), NOW_CELLS)),
    ]


def _now(track: TrackNow | None) -> str:
    if track is None:
        return ""
    if track.state is None:
        return FREE
    return f"{STATES[track.state]} {track.username or ''}".rstrip()


def _wide(cells: int) -> tuple[int, int]:
    """What is left for event and track: names of tracks are short."""
    left = max(12, cells - DAY_CELLS - NOW_CELLS)
    track = min(24, left * 2 // 5)
    return left - track, track
