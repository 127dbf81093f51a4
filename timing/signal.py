"""
When the strips saw nothing, and which races that touches: blind spots of a recorder, edges the kernel dropped. Pure.

All moments are on the server's clocks: CLOCK_MONOTONIC of one of its boots. A blind spot that spans a boot is open at
that end: nobody knows how long the machine was off.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from appliance.clock import iso_utc
from timing.fold import in_time_order, taken_back
from timing.journal import Entry
from timing.rules import RaceRules
from timing.stream import BlindReason
from timing.structs import RaceState
from timing.tape import Tape

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class StripGap:
    """
    Edges are missing: `lost` of one line at one moment, or nobody knows how many of all lines from one to another.

    `line` is None and `lost` 0 for a blind spot; `reason`: lost, stopped, killed, power (timing/stream.py).
    """

    recorder_id: str
    seq: int
    line: int | None
    lost: int
    reason: str
    from_boot_id: str
    from_ns: int
    to_boot_id: str
    to_ns: int
    from_wall_ns: int
    to_wall_ns: int


class BlindSpot(Struct, frozen=True, kw_only=True):
    """
    A gap as people read it. Times UTC; `missing_ms` None when nobody knows (the machine was off).

    `lost` edges of `line`, or with `line` None a time in which the recorder watched nothing.
    """

    from_at: str
    to_at: str
    missing_ms: int | None
    lost: int
    reason: str
    line: int | None
    recorder_name: str


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another of one boot; `to_ns` None: to the end of that boot, or still going on."""

    boot_id: str
    from_ns: int
    to_ns: int | None


def running_spans(entries: Sequence[Entry], rules: RaceRules) -> list[Span]:
    """When a race ran, as its journal tells."""
    tape, absent = Tape(rules=rules), taken_back(entries)
    spans: list[Span] = []
    since: Entry | None = None
    for entry in in_time_order(entries):
        if entry.seq in absent:
            continue
        if since is not None and since.boot_id != entry.boot_id:
            spans.append(Span(since.boot_id, since.at_ns, None))
            since = None
        tape.play(entry)
        if tape.state is RaceState.RUNNING and since is None:
            since = entry
        elif tape.state is not RaceState.RUNNING and since is not None:
            spans.append(Span(since.boot_id, since.at_ns, entry.at_ns))
            since = None
    if since is not None:
        spans.append(Span(since.boot_id, since.at_ns, None))
    return spans


def is_touched(spans: Iterable[Span], gap: StripGap) -> bool:
    """Whether a race that ran in these spans may lack a crossing because of the gap."""
    return any(_overlaps(span, gap) for span in spans)


def blind_spot(gap: StripGap, recorder_name: str) -> BlindSpot:
    """The gap in the words of people."""
    return BlindSpot(
        from_at=iso_utc(gap.from_wall_ns),
        to_at=iso_utc(gap.to_wall_ns),
        missing_ms=_missing_ms(gap),
        lost=gap.lost,
        reason=gap.reason,
        line=gap.line,
        recorder_name=recorder_name,
    )


def _missing_ms(gap: StripGap) -> int | None:
    if gap.from_boot_id != gap.to_boot_id:
        return None
    if gap.reason == BlindReason.POWER:  # The machine slept, and its monotonic clock with it.
        return max(0, gap.to_wall_ns - gap.from_wall_ns) // NS_PER_MS
    return (gap.to_ns - gap.from_ns) // NS_PER_MS


def _overlaps(span: Span, gap: StripGap) -> bool:
    if gap.from_boot_id == gap.to_boot_id:
        return span.boot_id == gap.from_boot_id and _meets(span, gap.from_ns, gap.to_ns)
    if span.boot_id == gap.from_boot_id:
        return _meets(span, gap.from_ns, None)
    return span.boot_id == gap.to_boot_id and _meets(span, None, gap.to_ns)


def _meets(span: Span, from_ns: int | None, to_ns: int | None) -> bool:
    starts_before_its_end = span.to_ns is None or from_ns is None or from_ns <= span.to_ns
    return starts_before_its_end and (to_ns is None or to_ns >= span.from_ns)
