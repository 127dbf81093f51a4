"""A terminal of the crew for tests: it knows what the messages of the live stream have told it, and nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from tests.web.conftest import Site
from tests.web.streams import Screen, listening
from timing.crew_structs import (
    Beat,
    BoardNow,
    CarsNow,
    ClockReading,
    CrewRace,
    CrewSnapshot,
    InLine,
    QueueNow,
    RaceNow,
    StripsNow,
    TrackNow,
    TracksNow,
)
from timing.queue_structs import QueueEntry
from timing.signal import BlindSpot
from timing.strip_health import StripHealth
from timing.structs import Event

PATIENCE_S = 20
SHAPES: dict[str, type[msgspec.Struct]] = {
    "snapshot": CrewSnapshot,
    "race": RaceNow,
    "queue": QueueNow,
    "strips": StripsNow,
    "tracks": TracksNow,
    "board": BoardNow,
    "cars": CarsNow,
    "beat": Beat,
}


def path_of(event: Event, track_id: str = "1") -> str:
    return f"/api/events/{event.event_id}/tracks/{track_id}/live"


class Terminal:
    """One stream, and the newest of everything that it told. `names` are the messages that came, but for beats."""

    snapshot: CrewSnapshot
    clock: ClockReading
    race: CrewRace | None
    queue: list[InLine]
    past: list[QueueEntry]
    tracks: list[TrackNow]
    strips: StripHealth
    blind: list[BlindSpot]
    loose_open: int
    board_version: int

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.names: list[str] = []

    @property
    def laps(self) -> list[int]:
        """The times of the laps of the race on the track."""
        return [] if self.race is None else [lap.lap_ms for lap in self.race.view.laps]

    async def hear(self) -> msgspec.Struct:
        """The next message, which has exactly the shape that its name promises."""
        heard = await self.screen.next(*SHAPES)
        message = msgspec.convert(heard.data, SHAPES[heard.name], strict=True)
        assert msgspec.json.decode(msgspec.json.encode(message)) == heard.data
        if isinstance(message, CrewSnapshot):
            self.snapshot = message
        if not isinstance(message, Beat):
            self.names.append(heard.name)
        for field in message.__struct_fields__:
            setattr(self, field, getattr(message, field))
        return message

    async def until(self, holds: Callable[[], bool]) -> None:
        """Listen until it is so; it is not yet."""
        assert not holds(), "true before anything was said"
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                await self.hear()

    async def beat(self) -> Beat:
        """The next beat."""
        async with asyncio.timeout(PATIENCE_S):
            while not isinstance(message := await self.hear(), Beat):
                pass
        return message


@asynccontextmanager
async def seated(site: Site, event: Event, role: str = "operator", track_id: str = "1") -> AsyncIterator[Terminal]:
    """A terminal whose snapshot has come."""
    async with listening(site, path_of(event, track_id), role) as screen:
        terminal = Terminal(screen)
        assert isinstance(await terminal.hear(), CrewSnapshot)
        yield terminal
