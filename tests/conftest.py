"""What every room's tests may use: the racing of a real box around a real database, and guards that watch each test."""

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import HealthCheck, settings

from appliance.database import Database
from appliance.facts import Facts
from appliance.ids import new_id
from appliance.people import NewRacer, People
from appliance.serve import DATABASE, MIGRATIONS
from timing.boards import Boards
from timing.control import RaceControl
from timing.events import Events
from timing.journal import Kind
from timing.structs import Action, Event, NewEvent, NewRace, NewTrack, RaceView


@dataclass
class Racing:
    """The racing of one box, without strips: what is below the pages."""

    db: Database
    facts: Facts
    people: People
    events: Events
    control: RaceControl
    boards: Boards

    async def racer(self, username: str, country: str | None = None) -> str:
        """Sign a racer up; answers their id."""
        return (await self.people.sign_up(NewRacer(username=username, country=country))).person_id

    async def event(self, *tracks: str, **fields: object) -> Event:
        """Make an event with these tracks."""
        named = [NewTrack(name=name) for name in tracks or ("Track 1",)]
        return await self.events.create(NewEvent(name="Cup", tracks=named, **fields), "box")  # type: ignore[arg-type]

    async def ready(self, event: Event, racer_id: str, track_id: str = "1", **fields: object) -> RaceView:
        """Make a race."""
        new = NewRace(event_id=event.event_id, track_id=track_id, racer_id=racer_id, **fields)  # type: ignore[arg-type]
        return await self.control.create(new, "timekeeper")

    async def do(self, race: RaceView, *kinds: Kind, **fields: object) -> RaceView:
        """Act on a race, one kind after the other."""
        for kind in kinds:
            action = Action(action_id=new_id(), kind=kind, **fields)  # type: ignore[arg-type]
            race = await self.control.act(race.race_id, action, "timekeeper")
        return race


@asynccontextmanager
async def racing_in(directory: Path) -> AsyncIterator[Racing]:
    """The racing of the database in `directory`; may be opened again after it was closed."""
    facts = Facts()
    db = await Database.open(directory / DATABASE, MIGRATIONS)
    try:
        people = People(db, facts, b"0" * 32)
        await people.load()
        events = Events(db, facts)
        await events.load()
        control = RaceControl(db, facts, people, events)
        await control.start()
        boards = Boards(db, facts, people, events)
        yield Racing(db, facts, people, events, control, boards)
        await control.stop()
        await boards.stop()
        await people.settle()
    finally:
        await db.close()


@pytest.fixture
async def racing(tmp_path: Path) -> AsyncIterator[Racing]:
    """The racing of a new box."""
    async with racing_in(tmp_path) as racing:
        yield racing


os.environ.setdefault("TRACKSIDE_ANNOUNCE", "false")
"""Boxes of tests are not for the network that this machine is on; tests/appliance/two_machines.py has one for them."""

settings.register_profile("busy", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
"""An example of 200 ms is no fault: other tests may have the cores just then."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes as long as hundreds of others begins first: at the end one core would wait for it."""
    items.sort(key=lambda item: item.get_closest_marker("longest") is None)


OWN_ROOMS = ["appliance", "timing", "cars", "web", "tui"]
MAY_BLOCK = {
    "appliance/clock.py": {"boot_id"},  # reads 36 bytes from /proc once
    "appliance/serve.py": {"opened_house"},  # nobody is waiting yet
    "appliance/secret_key.py": {"load_secret"},  # the same
    "appliance/backup.py": {"back_up", "restore"},  # the command line's, in a process of its own
    "timing/recorder.py": {"__init__", "run", "_serve"},  # opens and closes its database; nobody is connected then
    "appliance/health.py": {"check_disk"},  # one statvfs, no disk is touched
    "web/render.py": {"page", "fragment", "render", "render_block"},  # a template's first use; warm() comes before
    "tui/local_clock.py": {"boot_id"},  # the same 36 bytes
    "tui/seat_app.py": {"__init__"},  # finds its style sheet before it is shown
    "tests/timing/test_control.py": {"look"},  # looks at the disk at this very moment
}
MAY_WAIT = ("threading.Lock.acquire", "threading.Lock.acquire_lock")
"""Queues between threads hold their lock for microseconds."""


@pytest.fixture(autouse=True)
def nothing_blocks_the_event_loop() -> Iterator[None]:
    """A file, a sleep, a socket or SQLite used by our own code on the loop would hold up a lap."""
    with blockbuster_ctx(OWN_ROOMS) as guard:
        for name in MAY_WAIT:
            guard.functions[name].deactivate()
        for function in guard.functions.values():
            for file, names in MAY_BLOCK.items():
                function.can_block_in(file, names)
        yield


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """A test that leaves a thread behind has forgotten to close something, and may keep the process alive for ever."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    left = [thread for thread in left if not _is_pool(thread)]
    for thread in left:
        thread.join(timeout=5)
    assert [thread.name for thread in left if thread.is_alive()] == []


def _is_pool(thread: threading.Thread) -> bool:
    """The loop's own pool of idle threads ends with the loop."""
    return thread.name.startswith(("asyncio_", "AnyIO worker"))
