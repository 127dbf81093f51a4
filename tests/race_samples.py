"""Races and laps as the box would tell of them, made by hand for what reads them."""

from msgspec.structs import replace

from timing.rules import RaceRules
from timing.structs import AverageView, LapView, RaceState, RaceView

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
