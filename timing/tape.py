"""
The race's clocks and counters while its journal is played, entry by entry, in the order in which things happened. Pure.

Gives each `Do` of the table its meaning. Time is banked only while the race runs and only between stamps of one boot:
what happened between two boots nobody knows, so nothing elapses and a running race is found paused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from timing.journal import Entry, Kind
from timing.lap_edits import Capture
from timing.laps import NS_PER_MS
from timing.race_table import CROSSINGS, TRANSITIONS, UNTIMED, Do, Step
from timing.rules import RaceRules
from timing.structs import RaceState


@dataclass(frozen=True, slots=True)
class EdgeStamp:
    """A strip's raw stamp: `edge_ns` compares only with stamps of the same recorder's same boot."""

    recorder_id: str
    recorder_boot_id: str
    edge_ns: int

    @classmethod
    def of(cls, entry: Entry) -> "EdgeStamp | None":
        """The stamp of a crossing that carries all of it, else None."""
        payload = entry.payload
        if (
            entry.kind not in CROSSINGS
            or payload.edge_ns is None
            or payload.recorder_id is None
            or payload.recorder_boot_id is None
        ):
            return None
        return cls(payload.recorder_id, payload.recorder_boot_id, payload.edge_ns)

    def since(self, earlier: "EdgeStamp") -> int | None:
        """Ns since `earlier`, or None when the two clocks do not compare."""
        if (self.recorder_id, self.recorder_boot_id) != (earlier.recorder_id, earlier.recorder_boot_id):
            return None
        return self.edge_ns - earlier.edge_ns


@dataclass(slots=True)
class Tape:
    """
    The race so far. `refused` maps entries that did nothing to the state that refused them (None: before `ready`);
    `held` those that would be refused now to the state they met (see Step.holds).

    `since_ns` is set while the clocks run; `lap_start` is the strip stamp that began this lap, if it was one, and
    `paused_ns` the pauses since; `stopped_ns` is when the clocks stopped, None when nobody knows.
    """

    rules: RaceRules
    state: RaceState | None = None
    boot_id: str = ""
    last_ns: int = 0
    since_ns: int | None = None
    race_ns: int = 0
    lap_ns: int = 0
    given_up_ns: int = 0
    lap_start: EdgeStamp | None = None
    paused_ns: int = 0
    stopped_ns: int | None = None
    resets: int = 0
    completed: int = 0
    car_id: str | None = None
    model_id: str | None = None
    started_wall_ns: int | None = None
    submitted_wall_ns: int | None = None
    captures: list[Capture] = field(default_factory=list)
    refused: dict[int, RaceState | None] = field(default_factory=dict)
    held: dict[int, RaceState] = field(default_factory=dict)

    def play(self, entry: Entry) -> None:
        """Let one entry happen. Entries come in the order of time; what the table refuses changes nothing."""
        if self.state is None:
            self._make_ready(entry)
            return
        if entry.boot_id != self.boot_id:
            self._change_boot(entry)
        self.last_ns = entry.at_ns
        if entry.kind in UNTIMED:
            return
        step = TRANSITIONS.get((self.state, entry.kind))
        if step is None or not step.takes(entry):
            self.refused[entry.seq] = self.state
            return
        if step.holds:
            self.held[entry.seq] = self.state
        self._take(step, entry)

    @property
    def is_time_up(self) -> bool:
        """Whether the banked race time has reached the limit."""
        return self.rules.race_ms is not None and self.race_ns >= self.rules.race_ms * NS_PER_MS

    def _make_ready(self, entry: Entry) -> None:
        if entry.kind is not Kind.READY:
            self.refused[entry.seq] = None
            return
        self.state = RaceState.READY
        self.boot_id, self.last_ns = entry.boot_id, entry.at_ns
        self.car_id, self.model_id = entry.payload.car_id, entry.payload.model_id

    def _change_boot(self, entry: Entry) -> None:
        if self.state is RaceState.RUNNING:
            self._stop(self.last_ns)
            self.state = RaceState.PAUSED
        self.boot_id = entry.boot_id
        self.stopped_ns = None

    def _take(self, step: Step, entry: Entry) -> None:
        self._bank(entry.at_ns)
        MEANINGS[step.do](self, entry)
        self._enter(step.to_at_end if step.to_at_end is not None and self._is_at_end() else step.to, entry)

    def _enter(self, state: RaceState, entry: Entry) -> None:
        self.state = state
        if state is not RaceState.RUNNING:
            self._stop(entry.at_ns)
        elif self.started_wall_ns is None:
            self.started_wall_ns = entry.wall_ns
        if state is RaceState.SUBMITTED and self.submitted_wall_ns is None:
            self.submitted_wall_ns = entry.wall_ns

    def _is_at_end(self) -> bool:
        return self.is_time_up or (self.rules.lap_count is not None and self.completed >= self.rules.lap_count)

    def _bank(self, at_ns: int) -> None:
        if self.since_ns is not None:
            self.race_ns += at_ns - self.since_ns
            self.lap_ns += at_ns - self.since_ns
            self.since_ns = at_ns

    def _stop(self, at_ns: int) -> None:
        if self.since_ns is not None:
            self._bank(at_ns)
            self.since_ns = None
            self.stopped_ns = at_ns

    def _begin_lap(self, entry: Entry) -> None:
        self.lap_ns = 0
        self.paused_ns = 0
        self.lap_start = EdgeStamp.of(entry)

    def _measured_ns(self, entry: Entry) -> int:
        """Two raw stamps of one recorder beat the server's clock; else the time banked on the server's clock."""
        end = EdgeStamp.of(entry)
        if end is None or self.lap_start is None:
            return self.lap_ns
        between_ns = end.since(self.lap_start)
        if between_ns is None or between_ns < self.paused_ns:
            return self.lap_ns
        return between_ns - self.paused_ns


def _start(tape: Tape, entry: Entry) -> None:
    tape.since_ns = entry.at_ns
    tape._begin_lap(entry)


def _resume(tape: Tape, entry: Entry) -> None:
    tape.since_ns = entry.at_ns
    if tape.stopped_ns is None:
        tape.lap_start = None
    else:
        tape.paused_ns += entry.at_ns - tape.stopped_ns


def _resume_at_line(tape: Tape, entry: Entry) -> None:
    tape.since_ns = entry.at_ns
    tape.given_up_ns += tape.lap_ns
    tape._begin_lap(entry)


def _capture(tape: Tape, entry: Entry) -> None:
    dnf = entry.kind is Kind.DNF
    tape.captures.append(
        Capture(
            seq=entry.seq,
            lap_ns=tape._measured_ns(entry),
            resets=tape.resets,
            source="strip" if entry.kind in CROSSINGS else "hand",
            dnf=dnf,
            car_id=tape.car_id,
            model_id=tape.model_id,
            wall_ns=entry.wall_ns,
        )
    )
    tape.completed += not dnf
    tape.resets = 0
    tape._begin_lap(entry)


def _add_reset(tape: Tape, entry: Entry) -> None:
    tape.resets += 1


def _take_reset(tape: Tape, entry: Entry) -> None:
    tape.resets = max(0, tape.resets - 1)


def _set_car(tape: Tape, entry: Entry) -> None:
    car_id, model_id = tape.car_id, tape.model_id = entry.payload.car_id, entry.payload.model_id
    if entry.payload.laps_so_far:
        tape.captures = [replace(capture, car_id=car_id, model_id=model_id) for capture in tape.captures]


def _nothing(tape: Tape, entry: Entry) -> None:
    """Only the state changes."""


MEANINGS: Mapping[Do, Callable[[Tape, Entry], None]] = {
    Do.START: _start,
    Do.STOP: _nothing,
    Do.RESUME: _resume,
    Do.RESUME_AT_LINE: _resume_at_line,
    Do.CAPTURE: _capture,
    Do.CAPTURE_DNF: _capture,
    Do.ADD_RESET: _add_reset,
    Do.TAKE_RESET: _take_reset,
    Do.SET_CAR: _set_car,
    Do.SET_CAR_SO_FAR: _set_car,
    Do.NOTHING: _nothing,
}
"""What each timed step does to the tape; stopping follows from the new state, undo and edits have no moment."""
