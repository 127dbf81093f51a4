"""A site whose strips are a real recorder's, simulated, for the tests of pages that show what the strips saw."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.permissions import Role
from appliance.serve import opened_house
from appliance.settings import load
from tests.timing.recorder_process import RecorderProcess
from tests.web.conftest import Site, serving
from tests.web.racing_day import act, add_racer
from timing.facts import CrossingUnassigned, RaceChanged, StripsChanged
from timing.journal import Kind
from timing.rules import RaceRules
from timing.structs import Event, NewEvent, NewRace, NewTrack, RaceView
from web.house import House

PATIENCE_S = 20


@asynccontextmanager
async def recorded(tmp_path: Path) -> AsyncIterator[tuple[Site, RecorderProcess]]:
    """The site, connected to its recorder, with an operator and a commentator."""
    async with RecorderProcess(tmp_path, data=tmp_path / "recorder") as recorder:
        settings = load(tmp_path / "box", environment={})
        async with opened_house(settings, recorder.socket) as house, serving(house) as site:
            await site.add(Role.OPERATOR)
            await site.add(Role.COMMENTATOR)
            await until(house, lambda: all(state.connected and state.caught_up for state in house.strips.recorders()))
            yield site, recorder


async def until(house: House, holds: Callable[[], bool]) -> None:
    """Wait until the strips or the races are so."""
    changed = asyncio.Event()
    facts = (StripsChanged, RaceChanged, CrossingUnassigned)
    ends = [house.facts.subscribe(fact, lambda _: changed.set()) for fact in facts]
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await changed.wait()
                changed.clear()
    finally:
        for end in ends:
            end()


async def an_event(house: House, lockout_ms: int = 2_000) -> Event:
    """An event with one track, timed by all lines."""
    new = NewEvent(name="Rehearsal", tracks=[NewTrack(name="Left")], rules=RaceRules(lockout_ms=lockout_ms))
    return await house.events.create(new, "test")


async def chattered(house: House, event: Event, name: str = "anna") -> RaceView:
    """A race in which each of three hits bounced twice; without a lock-out that made eight laps. It is over."""
    racer_id = await add_racer(house, name)
    new = NewRace(event_id=event.event_id, track_id="1", racer_id=racer_id)
    race = await house.control.create(new, "test")
    for hit in range(3):
        await house.strips.hit(17, hold_ms=20, bounces=2)
        await until(house, lambda laps=hit * 3 + 2: laps_of(house, event) == laps)  # type: ignore[misc]
        await asyncio.sleep(0.35)  # Longer than the lock-out that the tests choose.
    return await act(house, race, Kind.END)


def laps_of(house: House, event: Event) -> int:
    """Laps of the race on the track."""
    race = house.control.live(event.event_id, "1")
    return -1 if race is None else len(race.laps)
