"""
A crew that never gives up: races by hits and keys through everything that is killed under it.

Keeps what the box acknowledged, and checks afterwards from the files that all of it is there (tests/faults/oracle.py).
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from appliance.demo_client import Api, Race
from appliance.ids import new_id
from tests.faults import oracle
from tests.faults.box import READY_S
from tests.faults.strip_watch import StripWatch

LOCKOUT_MS = 30
"""Short, so that a lap takes a tenth of a second instead of nine."""
APART_MS = 2 * LOCKOUT_MS
"""Between presses that are to be a crossing each."""
POLL_S = 0.02


@dataclass(slots=True)
class Raced:
    """One race as the driver saw it: what was acknowledged, and the laps the box showed at the end."""

    race_id: str
    action_ids: list[str] = field(default_factory=list)
    laps_ms: list[int] = field(default_factory=list)


async def make_event(api: Api, *, lockout_ms: int = LOCKOUT_MS, race_ms: int | None = None) -> str:
    """An event with two tracks and, but for the race time given, no limits."""
    rules = {"race_ms": race_ms, "max_runs": None, "min_lap_ms": 0, "lockout_ms": lockout_ms}
    tracks = [
        {"track_id": "1", "name": "One", "lines": [{"line": 17}, {"line": 27}]},
        {"track_id": "2", "name": "Two", "lines": [{"line": 22}, {"line": 23}]},
    ]
    event = await api.send("POST", "/api/events", {"name": "Faults", "rules": rules, "tracks": tracks})
    return str(event["event_id"])


async def make_racer(api: Api, username: str) -> str:
    """A racer's id."""
    return str((await api.send("POST", "/api/racers", {"username": username, "country": "DE"}))["racer_id"])


async def wait_for_version(api: Api, race_id: str, version: int) -> Race:
    """The race once its journal has so many entries; the server may be away meanwhile."""
    async with asyncio.timeout(READY_S):
        while True:
            race = await api.race(race_id)
            if race.version >= version:
                return race
            await asyncio.sleep(POLL_S)


class Driver:
    """Races on one track. `chance` decides what is pressed."""

    def __init__(self, api: Api, strips: StripWatch, event_id: str, track_id: str, chance: Random) -> None:
        self._api = api
        self._strips = strips
        self._event_id = event_id
        self.track_id = track_id
        self._chance = chance
        self._lines = (17, 27) if track_id == "1" else (22, 23)
        self.raced: list[Raced] = []

    async def race(self, racer_id: str, steps: int) -> Raced:
        """One whole race of about `steps` hits and keys, handed in at the end."""
        race = await self._api.create_race(self._event_id, self.track_id, racer_id)
        raced = Raced(race.race_id)
        self.raced.append(raced)
        for _ in range(steps):
            race = await self._step(race, raced)
        await self._act(raced, "end")
        await self._wait_for_strips()
        race = await self._act(raced, "submit")
        raced.laps_ms = [lap.lap_ms for lap in race.laps]
        return raced

    async def _wait_for_strips(self) -> None:
        """As a timekeeper does: hand in once the box has heard every hit, however late its recorder came back."""
        path = f"/api/events/{self._event_id}/tracks/{self.track_id}/strips"
        async with asyncio.timeout(READY_S):
            while True:
                health = await self._api.send("GET", path)
                if health["connected"] and health["last_seq"] >= self._strips.edges[-1].seq:
                    return
                await asyncio.sleep(POLL_S)

    async def _step(self, race: Race, raced: Raced) -> Race:
        kind = self._next_kind(race)
        if kind != "hit":
            return await self._act(raced, kind)
        await self._strips.press(self._chance.choice(self._lines))
        return await self._api.race(race.race_id)

    def _next_kind(self, race: Race) -> str:
        """Mostly hits; keys that the state allows for sure, whichever crossing is still on its way."""
        if race.state != "running":
            return "hit"
        usual = ["hit"] * 6 + ["reset", "undo_reset", "lap", "pause"]
        return self._chance.choice([*usual, "undo_lap"] if len(race.laps) > 2 else usual)

    async def _act(self, raced: Raced, kind: str) -> Race:
        action_id = new_id()
        race = await self._api.act(raced.race_id, kind, action_id=action_id)
        raced.action_ids.append(action_id)
        return race


def assert_race_kept(data: Path, raced: Raced, lines: tuple[int, int]) -> None:
    """Every acknowledged action and every crossing is in the journal once, and the laps are what they must be."""
    rows = oracle.journal(data, raced.race_id)
    stored = [row.action_id for row in rows]
    assert [action_id for action_id in raced.action_ids if stored.count(action_id) != 1] == []
    first, last = rows[0].at_ns, next((row.at_ns for row in rows if row.kind == "end"), rows[-1].at_ns)
    due = [at_ns for _, at_ns in oracle.crossings_of(data, lines, LOCKOUT_MS) if first <= at_ns < last]
    assert sorted(row.at_ns for row in rows if row.kind == "crossing") == due
    assert raced.laps_ms == oracle.lap_times_ms(rows)
