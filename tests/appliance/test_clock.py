"""What day it is: that of the people at the track, whatever day it is in Greenwich."""

import time
from collections.abc import Iterator

import pytest

from appliance import clock

AT_WALL_NS = 1_795_482_000_000_000_000
"""2026-11-24 01:00 UTC."""


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("zone", "day"), [("PST8", "2026-11-23"), ("UTC0", "2026-11-24"), ("NZDT-13", "2026-11-24")], indirect=["zone"]
)
@pytest.mark.usefixtures("zone")
def test_an_evening_event_is_still_todays(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    monkeypatch.setattr(clock, "wall_ns", lambda: AT_WALL_NS)
    assert clock.now_iso() == "2026-11-24T01:00:00.000Z"
    assert clock.today() == day
