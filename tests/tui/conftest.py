"""A real server on a real port for the terminal's tests, with an operator; a test that needs more roles adds them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.permissions import Role
from appliance.serve import opened_house
from appliance.settings import load
from tests.web.conftest import Site, serving
from tests.web.racing_day import add_racer
from timing.structs import Event, NewEvent, NewRace, NewTrack, RaceView


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A server around a house of its own, with a signed-in operator; no recorder listens."""
    settings = load(tmp_path / "box", environment={})
    async with opened_house(settings, settings.recorder_socket) as house, serving(house) as site:
        await site.add(Role.OPERATOR)
        yield site


@pytest.fixture
async def event(site: Site) -> Event:
    """An event with two tracks."""
    tracks = [NewTrack(name="Left"), NewTrack(name="Right")]
    return await site.house.events.create(NewEvent(name="Cup", tracks=tracks), "test")


@pytest.fixture
async def race(site: Site, event: Event) -> RaceView:
    """A race of ada's that is ready."""
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=await add_racer(site.house, "ada"))
    return await site.house.control.create(new, "test")
