"""Blind spots of the races: which of the gaps that the recorders told of touch a race, in words for people."""

from collections.abc import Callable, Sequence

from timing.control import RaceControl
from timing.events import Events
from timing.journal import Entry
from timing.recorders import Recorders
from timing.rules import RaceRules
from timing.signal import BlindSpot, StripGap, blind_spot, is_touched, running_spans
from timing.signal_store import SignalStore
from timing.structs import Track

Times = Callable[[Track, str, int], bool]


class BlindSpots:
    """Looks the gaps of a race up."""

    def __init__(
        self, signal: SignalStore, events: Events, control: RaceControl, recorders: Recorders, times: Times
    ) -> None:
        self._signal = signal
        self._events = events
        self._control = control
        self._recorders = recorders
        self._times = times

    def of_live(self, event_id: str, track_id: str) -> list[BlindSpot]:
        """Of the live race of a track; none without one."""
        race = self._control.open_race(event_id, track_id)
        if race is None:
            return []
        return self._of(event_id, track_id, race.entries[: race.durable], race.record.rules)

    async def of(self, race_id: str) -> list[BlindSpot]:
        """Of any race. Raises NotFound."""
        view, entries = await self._control.view(race_id), await self._control.journal(race_id)
        return self._of(view.event_id, view.track_id, entries, view.rules)

    def of_recorder(self, recorder_id: str, since_wall_ns: int) -> list[BlindSpot]:
        """Of a recorder since a moment, whatever ran."""
        return [
            blind_spot(gap, self._recorders.name_of(recorder_id))
            for gap in self._signal.all()
            if gap.recorder_id == recorder_id and gap.to_wall_ns >= since_wall_ns
        ]

    def _of(self, event_id: str, track_id: str, entries: Sequence[Entry], rules: RaceRules) -> list[BlindSpot]:
        gaps = self._signal.all()
        if not gaps or not self._events.has(event_id):
            return []
        track = next((one for one in self._events.get(event_id).tracks if one.track_id == track_id), None)
        spans = running_spans(entries, rules)
        return [
            blind_spot(gap, self._recorders.name_of(gap.recorder_id))
            for gap in gaps
            if track is not None and self._is_watched(track, gap) and is_touched(spans, gap)
        ]

    def _is_watched(self, track: Track, gap: StripGap) -> bool:
        """Whether the gap is of a line of the track; a blind recorder is blind on each of its lines."""
        if gap.line is not None:
            return self._times(track, gap.recorder_id, gap.line)
        link = self._recorders.link(gap.recorder_id)
        return link is not None and any(self._times(track, gap.recorder_id, strip.line) for strip in link.strips)
