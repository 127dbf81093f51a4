"""What leaves the room about the crossings of a race: loose ones, re-scoring, signal quality. Pure shapes."""

from msgspec import Struct

from timing.structs import AverageView, LapView, RaceState


class Candidate(Struct, frozen=True, kw_only=True):
    """
    A race of the track around a loose crossing, and what giving it the crossing would change.

    `refusal` in words when the race cannot take it; laps and best then stay as they are.
    """

    race_id: str
    username: str
    run: int
    state: RaceState
    refusal: str | None
    laps_before: list[LapView]
    laps_after: list[LapView]
    best_ms_before: int | None
    best_ms_after: int | None
    state_after: RaceState


class LooseCrossing(Struct, frozen=True, kw_only=True):
    """
    A crossing that no race took: "who was that?". `at` is UTC.

    It is open until it is given to a race or dismissed; `given_to` and `…_by` are people's names.
    """

    recorder_id: str
    edge_seq: int
    event_id: str
    track_id: str
    line: int
    at: str
    open: bool
    dismissed_at: str | None = None
    dismissed_by: str | None = None
    given_at: str | None = None
    given_by: str | None = None
    given_race_id: str | None = None
    given_to: str | None = None
    candidates: list[Candidate] = []


class CrossingAt(Struct, frozen=True, kw_only=True):
    """A crossing that a re-scoring takes out or adds. `at` is UTC."""

    recorder_id: str
    edge_seq: int
    line: int
    at: str


class RescoreView(Struct, frozen=True, kw_only=True):
    """
    What another lock-out makes of a race; nothing is changed by looking.

    `lockout_ms_before` is what its crossings are scored with now. Send `version` with the change: it is refused when
    the race went on since.
    """

    race_id: str
    version: int
    lockout_ms_before: int
    lockout_ms: int
    changes: bool
    dropped: list[CrossingAt]
    added: list[CrossingAt]
    state_before: RaceState
    state_after: RaceState
    laps_before: list[LapView]
    laps_after: list[LapView]
    best_ms_before: int | None
    best_ms_after: int | None
    best_average_before: AverageView | None
    best_average_after: AverageView | None


class LineDelay(Struct, frozen=True, kw_only=True):
    """Another line that was hit in the same pass, so much after the crossing."""

    recorder_id: str
    line: int
    delay_us: int


class CrossingQuality(Struct, frozen=True, kw_only=True):
    """
    How clean the signal of one crossing was. `seq` is its journal entry, `lap` the lap it completed, if any.

    `bounces`: the other contacts within the lock-out; `contact_ms`: how long the strip stayed pressed at first, None
    when its release was not recorded.
    """

    seq: int
    lap: int | None
    line: int
    at: str
    bounces: int
    contact_ms: int | None
    other_lines: list[LineDelay]
