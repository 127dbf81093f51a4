"""Hypothesis strategies for the rules of a race."""

from hypothesis import strategies as st

from timing.journal import Kind
from timing.rules import LAP_COUNTS, RaceRules

rules = st.builds(
    RaceRules,
    race_ms=st.sampled_from([None, 1_000, 60_000, 120_000]),
    max_resets_per_lap=st.sampled_from([None, 0, 1, 2]),
    average_window=st.integers(2, 4),
    lap_count=st.sampled_from([None, *LAP_COUNTS]),
    min_lap_ms=st.sampled_from([0, 5_000]),
)
"""All that the fold looks at, with values that are reached within a few entries."""

ABOUT_CROSSINGS = {Kind.ADD_CROSSING, Kind.DROP_CROSSING, Kind.RESCORE}
"""They name a crossing or a lock-out, so each has a rule of its own in the tests."""

kinds = st.sampled_from([kind for kind in Kind if kind is not Kind.READY and kind not in ABOUT_CROSSINGS])

racing_kinds = st.sampled_from(
    [Kind.CROSSING, Kind.CROSSING, Kind.CROSSING, Kind.START, Kind.PAUSE, Kind.RESUME, Kind.LAP, Kind.DNF, Kind.RESET]
)
"""What happens on the track; nobody ends or takes back."""

payloads = st.fixed_dictionaries(
    {
        "valid": st.booleans(),
        "lap_ms": st.integers(1, 60_000),
        "resets": st.integers(0, 3),
        "by_proxy": st.booleans(),
        "racer_id": st.sampled_from(["racer-1", "racer-2"]),
        "track_id": st.sampled_from(["1", "10"]),
        "car_id": st.sampled_from([None, "car-2"]),
        "laps_so_far": st.booleans(),
    }
)
"""Something for every kind; the lap is chosen by the test."""

steps_ms = st.integers(1, 40_000)
"""From one thing that happens to the next."""
