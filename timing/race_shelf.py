"""
The races in memory: the live one of each track, and the finished ones that somebody looked at or edited lately.

Owns that there is one LiveRace for each race, however many open it at once. Event loop only.
"""

import asyncio
from collections import OrderedDict

from appliance.database import Database
from appliance.errors import NotFound
from timing.live_race import LiveRace
from timing.races import live_race_ids, load_race, load_races

KEEP_OPEN = 256
"""Finished races kept in memory; a race of 60 entries takes about 30 KB."""


class RaceShelf:
    """Opened races, each where its durable state says."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._live: dict[tuple[str, str], LiveRace] = {}
        self._finished: OrderedDict[str, LiveRace] = OrderedDict()
        self._opening: dict[str, asyncio.Future[LiveRace]] = {}

    async def load_live(self) -> list[LiveRace]:
        """Bring the live races of all tracks back; once, at start."""
        for record, entries in await load_races(self._db, await live_race_ids(self._db)):
            self.place(LiveRace(record, entries))
        return self.live_races()

    def on_track(self, event_id: str, track_id: str) -> LiveRace | None:
        """The live race of a track."""
        return self._live.get((event_id, track_id))

    def live_races(self) -> list[LiveRace]:
        """The live races of all tracks."""
        return [*self._live.values()]

    def known(self, race_id: str) -> LiveRace | None:
        """A race that is in memory."""
        for race in self._live.values():
            if race.record.race_id == race_id:
                return race
        return self._finished.get(race_id)

    async def find(self, race_id: str) -> LiveRace | None:
        """A race, None when there is no such race."""
        try:
            return await self.open(race_id)
        except NotFound:
            return None

    async def open(self, race_id: str) -> LiveRace:
        """The one LiveRace of this id: two who open it at once get the same. Raises NotFound."""
        known = self.known(race_id)
        if known is not None:
            return known
        if race_id not in self._opening:
            self._opening[race_id] = asyncio.ensure_future(self._load(race_id))
        return await asyncio.shield(self._opening[race_id])

    def place(self, race: LiveRace) -> None:
        """Put a race where its state says: on its track, or among the finished ones."""
        race_id = race.record.race_id
        for key in [key for key, other in self._live.items() if other is race]:
            del self._live[key]
        self._finished.pop(race_id, None)
        if race.is_live:
            self._live[(race.record.event_id, race.race.track_id)] = race
            return
        self._finished[race_id] = race
        for old_id in list(self._finished)[: max(0, len(self._finished) - KEEP_OPEN)]:
            if not self._finished[old_id].writes:
                del self._finished[old_id]

    def forget_event(self, event_id: str) -> None:
        """A deleted event took its races with it."""
        for race_id, race in list(self._finished.items()):
            if race.record.event_id == event_id:
                del self._finished[race_id]

    async def _load(self, race_id: str) -> LiveRace:
        try:
            race = LiveRace(*await load_race(self._db, race_id))
            self.place(race)
            return race
        finally:
            del self._opening[race_id]
