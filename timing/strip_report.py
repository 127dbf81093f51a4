"""How the strips of each track are doing: from the recorders, what they saw, and what they could not see."""

from collections.abc import Iterable
from typing import Protocol

from appliance import clock
from timing.crossings import TrackStrips
from timing.events import Events
from timing.recorder_link import RecorderLink
from timing.recorders import Recorders
from timing.signal_store import SignalStore
from timing.stream import StripsKind
from timing.strip_health import StripHealth, line_health
from timing.structs import Track

PROBLEMS = {
    "disk_full": "The disk is full. Crossings are still recorded, on the reserve: make room soon.",
    "not_recording": "The disk takes nothing more. Crossings wait in memory only: make room now.",
    "strips_away": "The timer kit does not answer: check its power and the network. Take laps by hand meanwhile.",
}
NOT_THERE = "The recorder that times this track is not there: connect it, or choose the strips of this track anew."


class EdgesJudged(Protocol):
    """Who judges the edges (timing/intake.py)."""

    def times(self, track: Track, recorder_id: str, line: int) -> bool:
        """Whether this line times the track."""
        ...

    def seen(self, event_id: str, track_id: str) -> TrackStrips | None:
        """What the strips of a track did."""
        ...

    def handled(self, link: RecorderLink) -> int:
        """The number up to which every edge of a recorder had its effect."""
        ...


class StripReport:
    """Keeps nothing."""

    def __init__(self, events: Events, recorders: Recorders, signal: SignalStore, judged: EdgesJudged) -> None:
        self._events = events
        self._recorders = recorders
        self._signal = signal
        self._judged = judged

    @property
    def problem(self) -> str | None:
        """What is wrong with any recorder, in words; None when all is well."""
        return _joined(_problem(link) for link in self._recorders.links())

    def of_track(self, event_id: str, track_id: str) -> StripHealth:
        """The recorders and lines of a track. Raises NotFound."""
        track = self._events.track(event_id, track_id)
        strips = self._judged.seen(event_id, track_id) or TrackStrips()
        links, is_whole = self._links_of(track)
        problems = [_problem(link) for link in links]
        if not is_whole and not any(problems):
            problems.append(NOT_THERE)
        main = links[0] if links else self._recorders.own
        return StripHealth(
            connected=is_whole and all(link.connected for link in links),
            simulated=main.recorder is not None and main.recorder.strips == StripsKind.SIMULATED,
            caught_up=is_whole and all(link.caught_up for link in links),
            recorder_id=main.recorder_id,
            problem=_joined(problems),
            last_seq=self._judged.handled(main),
            lost_edges=self._lost(track, links),
            lines=[
                health
                for link in links
                for health in line_health(strips, self._names(track, link), link.recorder_id or "", clock.mono_ns())
            ],
        )

    def silent_lines(self) -> list[str]:
        """Lines that a track's crossings have passed by, as "strip 2 of Track 1"."""
        return [
            f"{line.name} of {track.name}"
            for event in self._events.list()
            for track in event.tracks
            if self._judged.seen(event.event_id, track.track_id) is not None
            for line in self.of_track(event.event_id, track.track_id).lines
            if line.silent
        ]

    def _links_of(self, track: Track) -> tuple[list[RecorderLink], bool]:
        """
        The recorders that time a track, and whether all of them were met.

        One that was not met since the server started may be any of those that nobody met.
        """
        own, *remotes = self._recorders.links()
        if track.lines is None:
            return [own], True
        wanted = {known.recorder_id for known in track.lines}
        is_own_wanted = None in wanted or own.recorder_id in wanted or not wanted
        found = [*([own] if is_own_wanted else []), *(link for link in remotes if link.recorder_id in wanted)]
        missing = wanted - {None} - {link.recorder_id for link in found}
        if missing:
            found += [link for link in (own, *remotes) if link.recorder_id is None and link not in found]
        return found, not missing

    def _names(self, track: Track, link: RecorderLink) -> dict[int, str]:
        strips = [strip for strip in link.strips if self._judged.times(track, link.recorder_id or "", strip.line)]
        return {strip.line: strip.name if link.is_own else f"{strip.name} ({link.name})" for strip in strips}

    def _lost(self, track: Track, links: list[RecorderLink]) -> int:
        """Edges of lines of the track that were lost in this boot."""
        lines = {(link.recorder_id, line) for link in links for line in self._names(track, link)}
        boot_id = clock.boot_id()
        return sum(
            gap.lost
            for gap in self._signal.all()
            if gap.line is not None and gap.to_boot_id == boot_id and (gap.recorder_id, gap.line) in lines
        )


def _problem(link: RecorderLink) -> str | None:
    problem = link.problem
    words = PROBLEMS.get(problem, problem) if problem else None
    return words if link.is_own or words is None else f"{link.name}: {words}"


def _joined(problems: Iterable[str | None]) -> str | None:
    return " ".join(problem for problem in problems if problem) or None
