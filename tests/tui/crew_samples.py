"""Races, lines and strips as the box would tell of them, made by hand for what draws them."""

from msgspec.structs import replace

from timing.crew_structs import CrewRace, InLine
from timing.journal import Kind
from timing.queue_structs import QueueEntry, QueueState
from timing.rules import RaceRules
from timing.signal import BlindSpot
from timing.strip_health import LineHealth, StripHealth
from timing.structs import AverageView, LapView, RaceState, RaceView
from timing.trail import TrailLine
from tui.picture import Picture

AT = "2026-06-05T12:03:22.000Z"


def lap(number: int, lap_ms: int = 8_000, *, valid: bool = True, **fields: object) -> LapView:
    """One lap, taken by a strip unless told otherwise."""
    made = LapView(
        lap=number,
        lap_ms=lap_ms,
        resets=0,
        valid=valid,
        source="strip",
        car_id=None,
        model_id=None,
        seq=number,
        dnf=False,
        suspect=False,
        deleted=False,
        edited=False,
        set_at=AT,
    )
    return replace(made, **fields)


def race(state: RaceState = RaceState.RUNNING, *laps: LapView, **fields: object) -> RaceView:
    """A race of ada's; its best lap is that of its valid laps."""
    valid = [one.lap_ms for one in laps if one.valid]
    made = RaceView(
        race_id="race-1",
        event_id="event-1",
        track_id="1",
        racer_id="racer-1",
        username="ada",
        country="NL",
        colour=None,
        by_proxy=False,
        car_id=None,
        model_id=None,
        state=state,
        time_up=False,
        race_left_ms=90_000,
        race_elapsed_ms=30_000,
        lap_elapsed_ms=4_200,
        resets=0,
        laps=list(laps),
        averages=[AverageView(first_lap=1, last_lap=3, average_ms=9_001)] if len(laps) > 2 else [],
        best_ms=min(valid, default=None),
        rules=RaceRules(max_resets_per_lap=3),
        run=1,
        version=5,
        created_at=AT,
        started_at=AT,
        submitted_at=None,
    )
    return replace(made, **fields)


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
