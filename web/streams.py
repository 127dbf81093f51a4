"""The live streams of one running box, made around its house. Owns which there are; each knows its own work."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, fields
from typing import Self

from web.crew_live import CrewLive
from web.house import House
from web.live import Live
from web.push_live import PushLive
from web.staff_live import StaffLive
from web.strip_check_live import StripCheckLive
from web.strip_live import StripLive

Stream = Live | StaffLive | StripLive | PushLive | CrewLive | StripCheckLive


@dataclass(frozen=True, slots=True)
class Streams:
    """All of them; each name is the one a route asks for."""

    live: Live
    staff_live: StaffLive
    strip_live: StripLive
    push_live: PushLive
    crew_live: CrewLive
    strip_check_live: StripCheckLive

    @classmethod
    def of(cls, house: House) -> Self:
        """Those of `house`; nothing runs yet."""
        live, staff_live, strip_live = Live(house), StaffLive(house), StripLive(house)
        crew_live = CrewLive(house, lambda: live.screens, lambda: staff_live.pages + strip_live.pages)
        return cls(live, staff_live, strip_live, PushLive(house), crew_live, StripCheckLive(house))

    def __iter__(self) -> Iterator[Stream]:
        for field in fields(self):
            yield getattr(self, field.name)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """All of them, for as long as the application runs."""
        async with contextlib.AsyncExitStack() as stack:
            for stream in self:
                await stack.enter_async_context(stream.running())
            yield

    def close(self) -> None:
        """End every open stream and take no new ones."""
        for stream in self:
            stream.close()
