"""A race as the crew sees it, lines and strips as the box would tell of them, made by hand for what draws them."""

from msgspec.structs import replace

from tests.race_samples import AT
from timing.crew_structs import CrewRace, InLine
from timing.journal import Kind
from timing.queue_structs import QueueEntry, QueueState
from timing.signal import BlindSpot
from timing.strip_health import LineHealth, StripHealth
from timing.structs import RaceView
from timing.trail import TrailLine
from tui.picture import Picture


def crew_race(view: RaceView, *allowed: Kind, power_cut: bool = False, trail: int = 3) -> CrewRace:
    """The race as the crew's stream brings it."""
    lines = [
        TrailLine(seq=seq, at=AT, actor="the-operator", kind=Kind.LAP, text=f"Thing {seq}", is_edit=seq % 3 == 2)
        for seq in range(trail)
    ]
    return CrewRace(view=view, allowed=list(allowed), power_cut=power_cut, trail=lines)


def waiting(name: str, position: int, *, runs_done: int = 0, state: QueueState = QueueState.WAITING) -> InLine:
    """Somebody in line who may race three times."""
    entry = QueueEntry(
        queue_id=f"queue-{name}",
        event_id="event-1",
        track_id="1",
        racer_id=f"racer-{name}",
        username=name,
        country="DE",
        colour=None,
        state=state,
        position=position,
        added_at=AT,
        called_at=AT if state is QueueState.CALLED else None,
        race_id=None,
    )
    return InLine(entry=entry, runs_done=runs_done, max_runs=3)


def strip(line: int, name: str, *, hits: int = 12, silent: int = 0, age_ms: int | None = 3_000) -> LineHealth:
    """How one strip does; `silent` crossings without it."""
    return LineHealth(
        line=line,
        name=name,
        hits=hits,
        bounces=0,
        last_edge_age_ms=age_ms,
        contact_ms=40,
        silent_crossings=silent,
        silent=silent >= 10,
    )


def strips(*lines: LineHealth, **fields: object) -> StripHealth:
    """A recorder that is well."""
    made = StripHealth(
        connected=True,
        simulated=False,
        caught_up=True,
        recorder_id="recorder-1",
        problem=None,
        last_seq=100,
        lost_edges=0,
        lines=list(lines),
    )
    return replace(made, **fields)


def blind_spot() -> BlindSpot:
    """Two seconds in which nobody watched."""
    return BlindSpot(
        from_at=AT, to_at=AT, missing_ms=2_000, lost=0, reason="killed", line=None, recorder_name="This box"
    )


def picture(view: CrewRace | None = None, **fields: object) -> Picture:
    """A track of which everything is known."""
    known: dict[str, object] = {
        "event_name": "Cup",
        "track_name": "Left",
        "you": "the-operator",
        "queue": (),
        "strips": strips(strip(1, "Start"), strip(2, "Finish")),
    }
    known.update(fields)
    return Picture(known=True, event_id="event-1", track_id="1", race=view, may_run=True, **known)  # type: ignore[arg-type]
