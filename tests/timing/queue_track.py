"""A queue on a real database: one event with two tracks, five racers, and races as they would be told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.database import Database
from appliance.facts import Facts
from appliance.people import NewRacer, People
from appliance.people_schema import MIGRATIONS as PEOPLE
from tests import race_samples
from timing.events import Events
from timing.facts import QueueChanged, RaceChanged
from timing.journal import Kind
from timing.queue import Queue, QueueEntry
from timing.queue_schema import MIGRATIONS as QUEUE
from timing.schema import MIGRATIONS as TIMING
from timing.structs import Event, NewEvent, NewTrack, RaceState, RaceView

STAFF = "staff-1"


class Track:
    """One event with two tracks, five racers, and the queue, on a real database."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.facts = Facts()
        self.people = People(db, self.facts, b"0123456789abcdef0123456789abcdef")
        self.events = Events(db, self.facts)
        self.queue = Queue(db, self.facts, self.people, self.events)
        self.changes: list[QueueChanged] = []
        self.facts.subscribe(QueueChanged, self.changes.append)
        self.event: Event
        self.ids: dict[str, str] = {}

    async def fill(self) -> None:
        await self.people.load()
        await self.events.load()
        await self.queue.load()
        tracks = [NewTrack(name="Track 1"), NewTrack(name="Track 2")]
        self.event = await self.events.create(NewEvent(name="Race day", tracks=tracks), STAFF)
        for name in ("anna", "bo", "cem", "dora", "eli"):
            self.ids[name] = (await self.people.register(NewRacer(username=name, country="SE"), STAFF)).person_id

    async def add(self, *names: str, track: str = "1") -> list[QueueEntry]:
        return [await self.queue.add(self.event.event_id, track, self.ids[name], STAFF) for name in names]

    def line(self, track: str = "1") -> list[str]:
        return [entry.username for entry in self.queue.next(self.event.event_id, track, 100)]

    def race(self, racer: str, race_id: str = "race-1", state: RaceState = RaceState.READY) -> RaceView:
        return race_view(self.event.event_id, self.ids[racer], race_id, state)

    async def tell(self, view: RaceView, kind: Kind) -> None:
        self.facts.publish(RaceChanged(view=view, kind=kind, actor=STAFF))
        await self.queue.settle()


def race_view(event_id: str, racer_id: str, race_id: str, state: RaceState) -> RaceView:
    ids = {"event_id": event_id, "racer_id": racer_id, "race_id": race_id}
    return race_samples.race(state, created_at="9999-01-01T00:00:00.000Z", started_at=None, **ids)


@asynccontextmanager
async def opened_track(directory: Path) -> AsyncIterator[Track]:
    """The line for as long as the block lasts."""
    db = await Database.open(directory / "trackside.db", [PEOPLE, TIMING, QUEUE])
    track = Track(db)
    await track.fill()
    yield track
    await track.queue.settle()
    await db.close()
