"""
The demo's show: an event with racers and finished races, then both tracks racing by themselves.

Owns what happens on the box, all of it through the public API. Deterministic for a seed, apart from the ids.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from appliance.demo_client import Api, Race, Refused
from appliance.demo_data import (
    EVENT_NAME,
    FOOTER,
    RACER_WITH_BADGE,
    RACER_WITH_LOGIN,
    RACERS,
    SPONSOR,
    TRACKS,
    DemoRacer,
    DemoTrack,
)
from appliance.demo_race import Press, Step, finished_laps_ms, script_of

FINISHED_RACES = 20
"""Of as many racers, so that the board is full at once and four are new to it."""
INVALID_CHANCE = 0.1
QUEUE_LENGTH = 4
"""In line at any time: the one called, and the three whose phones are told."""
RACE_MS = 120_000
LOCKOUT_MS = 2_000
MIN_LAP_MS = 5_000
BETWEEN_MS = 6_000
"""From a result handed in to the next racer called."""
SHOW_RESULT_MS = 2_000
"""The race stays over for a moment before it is handed in."""
RACING = ("ready", "running", "paused")
BY_PROXY_CHANCE = 0.08


@dataclass(frozen=True, slots=True)
class Racing:
    """A racer of the demo as the box knows them."""

    racer_id: str
    driver: DemoRacer


class Show:
    """The demo on one box, by a signed-in admin. `speed` 10: every time is ten times shorter."""

    def __init__(self, api: Api, seed: int, speed: float) -> None:
        self._api = api
        self._speed = speed
        self._chances = {track.track_id: Random(f"{seed} {track.track_id}") for track in TRACKS}  # noqa: S311  a show
        self.event_id = ""
        self.racers: list[Racing] = []

    async def prepare(self, racer_password: str, fleets: Mapping[str, str]) -> None:
        """Find the event of an earlier start, or make it with its racers and its finished races; `fleets` by track."""
        known = {racer["username"]: racer["racer_id"] for racer in await self._api.send("GET", "/api/racers")}
        for driver in RACERS:
            racer_id = known.get(driver.username) or await self._register(driver, racer_password)
            self.racers.append(Racing(racer_id, driver))
        events = await self._api.send("GET", "/api/events")
        mine = next((event for event in events if event["name"] == EVENT_NAME), None)
        if mine is not None:
            self.event_id = mine["event_id"]
            tracks = [track | {"fleet_id": _fleet_of(track, fleets)} for track in mine["tracks"]]
            if tracks != mine["tracks"]:  # An earlier demo was without cars.
                await self._api.send("PATCH", f"/api/events/{self.event_id}", {"tracks": tracks})
            return
        self.event_id = (await self._api.send("POST", "/api/events", self._event(fleets)))["event_id"]
        for number, racing in enumerate(self._chances[TRACKS[0].track_id].sample(self.racers, FINISHED_RACES)):
            await self._finished_race(TRACKS[number % len(TRACKS)], racing)

    async def badge(self) -> str:
        """The code that signs one of the racers in on a phone."""
        racer_id = next(x.racer_id for x in self.racers if x.driver.username == RACER_WITH_BADGE)
        return str((await self._api.send("GET", f"/api/racers/{racer_id}/badge"))["code"])

    async def race_on(self, track: DemoTrack, races: int | None) -> None:
        """Race after race on one track; `races` None: for ever."""
        for _ in count() if races is None else range(races):
            racing = await self._call_next(track)
            await self._wait(BETWEEN_MS)
            race = await self._race_of(track, racing)
            await self._play(track, race, racing)

    # making things

    async def _register(self, driver: DemoRacer, password: str) -> str:
        body = {"username": driver.username, "country": driver.country, "colour": driver.colour}
        if driver.username == RACER_WITH_LOGIN:
            body["password"] = password
        return str((await self._api.send("POST", "/api/racers", body))["racer_id"])

    def _event(self, fleets: Mapping[str, str]) -> dict[str, object]:
        """Clocks and lock-out shrink with the speed, so that a quick demo is the same race."""
        rules = {
            "race_ms": round(RACE_MS / self._speed),
            "max_resets_per_lap": 3,
            "max_runs": None,
            "min_lap_ms": round(MIN_LAP_MS / self._speed),
            "lockout_ms": round(LOCKOUT_MS / self._speed),
        }
        return {
            "name": EVENT_NAME,
            "type": "PRIVATE_TRACK_RACE",
            "sponsor": SPONSOR,
            "country": "DE",
            "rules": rules,
            "tracks": _tracks(fleets),
        }

    async def _finished_race(self, track: DemoTrack, racing: Racing) -> None:
        """A race from before anyone looked: laps by hand, their times set afterwards as an edit."""
        chance = self._chances[track.track_id]
        race = await self._api.create_race(self.event_id, track.track_id, racing.racer_id)
        await self._api.act(race.race_id, "start")
        laps_ms = [round(lap_ms / self._speed) for lap_ms in finished_laps_ms(racing.driver, chance)]
        for _ in laps_ms:
            if chance.random() < racing.driver.resets_per_lap:
                await self._api.act(race.race_id, "reset")
            race = await self._api.act(race.race_id, "lap")
        if race.state != "over":
            await self._api.act(race.race_id, "end")
        for lap, lap_ms in enumerate(laps_ms[: len(race.laps)], start=1):
            await self._api.act(race.race_id, "set_time", lap=lap, lap_ms=lap_ms)
            if chance.random() < INVALID_CHANCE:
                await self._api.act(race.race_id, "set_validity", lap=lap, valid=False)
        await self._api.act(race.race_id, "submit")

    # racing

    async def _call_next(self, track: DemoTrack) -> Racing:
        """Fill the line of the track and call its first racer."""
        path = f"/api/events/{self.event_id}/tracks/{track.track_id}/queue"
        chance = self._chances[track.track_id]
        line: list[dict[str, Any]] = [x for x in await self._api.send("GET", path) if x["state"] != "racing"]
        while len(line) < QUEUE_LENGTH:
            waiting = {entry["racer_id"] for entry in line}
            racing = chance.choice([racer for racer in self._pool(track) if racer.racer_id not in waiting])
            line.append(await self._api.send("POST", path, {"racer_id": racing.racer_id}))
        first = line[0]
        if first["state"] != "called":
            await self._api.send("POST", f"/api/queue/{first['queue_id']}/call")
        return next(racer for racer in self.racers if racer.racer_id == first["racer_id"])

    def _pool(self, track: DemoTrack) -> list[Racing]:
        """Every second racer: nobody is called to two tracks at once."""
        return self.racers[TRACKS.index(track) :: len(TRACKS)]

    async def _race_of(self, track: DemoTrack, racing: Racing) -> Race:
        """The new race, after handing in the one that an earlier demo left on the track."""
        left = await self._api.send("GET", f"/api/races?event_id={self.event_id}&track_id={track.track_id}")
        for race in left:
            if race["state"] in ("running", "paused"):
                race |= {"state": (await self._api.act(race["race_id"], "end")).state}
            if race["state"] in ("ready", "over"):
                await self._api.act(race["race_id"], "discard")
        by_proxy = self._chances[track.track_id].random() < BY_PROXY_CHANCE
        return await self._api.create_race(self.event_id, track.track_id, racing.racer_id, by_proxy=by_proxy)

    async def _play(self, track: DemoTrack, race: Race, racing: Racing) -> None:
        """Play a script until the race is over, then hand it in. Somebody at the keys may be quicker: they win."""
        chance = self._chances[track.track_id]
        for step in list(script_of(racing.driver, chance)):
            if race.state not in RACING:
                break
            await self._wait(step.after_ms)
            try:
                race = await self._step(track, race, step, chance)
            except Refused:
                race = await self._api.race(race.race_id)
        await self._wait(SHOW_RESULT_MS)
        with suppress(Refused):
            await self._api.act(race.race_id, "submit")

    async def _step(self, track: DemoTrack, race: Race, step: Step, chance: Random) -> Race:
        if isinstance(step, Press):
            if step.valid is None:
                return await self._api.act(race.race_id, step.kind)
            return await self._api.act(race.race_id, step.kind, lap=race.laps[-1].lap, valid=step.valid)
        line = chance.choice(track.lines)
        await self._api.send("POST", f"/api/strips/{line}/hit", {"bounces": step.bounces})
        return await self._after_hit(race)

    async def _after_hit(self, race: Race) -> Race:
        """The race once the crossing shows: it goes the long way, strip, recorder, stream, journal."""
        for _ in range(100):
            now = await self._api.race(race.race_id)
            if now.version > race.version:
                return now
            await asyncio.sleep(0.02)
        return now

    async def _wait(self, demo_ms: float) -> None:
        await asyncio.sleep(demo_ms / 1_000 / self._speed)


def _fleet_of(track: Mapping[str, str | None], fleets: Mapping[str, str]) -> str | None:
    return track["fleet_id"] or fleets.get(track["track_id"] or "")


def _tracks(fleets: Mapping[str, str]) -> list[dict[str, object]]:
    return [
        {
            "track_id": track.track_id,
            "name": track.name,
            "footer": FOOTER,
            "fleet_id": fleets.get(track.track_id),
            "lines": [{"line": line} for line in track.lines],
        }
        for track in TRACKS
    ]
