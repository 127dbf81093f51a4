"""
Runs inside the private kernel: looks what the last power cut left, then races on and notes each acknowledged thing.

The strips are real ones, pulled through sysfs.

`python -m tests.faults.guest SHARE NUMBER`. Notes are lines of JSON in SHARE/notes.jsonl on the host's disk, synced
before the next thing is asked of the box: what is noted must survive. SHARE/racing-NUMBER appears once the look at the
past is done. With NUMBER "last" it only looks.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from random import Random

from appliance.demo_client import Api, Race
from appliance.ids import new_id
from tests.faults import oracle
from tests.faults.box import PASSWORD, Box, add_user
from tests.faults.driver import make_event, make_racer
from tests.faults.pulled_strips import GPIO, PulledStrips
from tests.faults.strip_watch import HeardEdge, StripWatch

DATA = Path("/card/data")
STEPS_PER_RACE = 30


class Notes:
    """What was acknowledged, on a disk that no power cut reaches."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def add(self, kind: str, *values: object) -> None:
        """Note it and wait until it is on the disk."""
        os.write(self._fd, json.dumps([kind, *values]).encode() + b"\n")
        os.fsync(self._fd)

    def of(self, kind: str) -> list[list[object]]:
        """The values of every note of a kind from earlier boots."""
        return [line[1:] for line in self.lines if line[0] == kind]


def check_files(notes: Notes) -> None:
    """Nothing that was acknowledged is missing from the files."""
    oracle.assert_whole(DATA)
    edges = [HeardEdge(*values) for values in notes.of("edge")]  # type: ignore[arg-type]
    if edges:
        oracle.assert_edges_kept(DATA, edges)
    stored = set(oracle.read(DATA / "trackside.db", "SELECT race_id, action_id FROM journal"))
    assert [values for values in notes.of("action") if tuple(values) not in stored] == []


async def check_shown(api: Api, notes: Notes) -> None:
    """What a screen showed is still so, and a race that was on the track is back, paused."""
    seen = {str(race_id): (laps, state) for race_id, laps, state in notes.of("shown")}
    for race_id, (laps, state) in seen.items():
        race = await api.race(race_id)
        now = [lap.lap_ms for lap in race.laps]
        assert isinstance(laps, list)
        assert now[: len(laps)] == laps, f"{race_id} showed {laps} and now {now}"
        # What was on its way when the plug was pulled may have got through: one step on is as right as none.
        allowed = {"submitted": ("submitted",), "over": ("over", "submitted", "paused")}
        steps_on = ("ready", "paused", "over")
        assert race.state in allowed.get(str(state), steps_on), f"{race_id} was {state} and came back {race.state}"


async def live_race(api: Api) -> Race | None:
    """The race that is on the track, also one whose making nobody heard of."""
    races = await api.send("GET", "/api/races?limit=5")
    live = [race["race_id"] for race in races if race["state"] not in ("submitted", "discarded")]
    return await api.race(live[0]) if live else None


async def race_on(api: Api, box: Box, notes: Notes, race: Race | None, chance: Random) -> None:
    """Race for ever; the plug is pulled some time."""
    event_id, racer_id = await the_event(api, notes)
    async with PulledStrips(box.timing_socket) as strips:
        noting = asyncio.create_task(note_edges(strips, notes))
        while not noting.done():
            if race is None:
                race = await api.create_race(event_id, "1", racer_id)
                notes.add("shown", race.race_id, [], race.state)
            for _ in range(STEPS_PER_RACE):
                race = await step(api, strips, notes, race, chance)
            for kind in ("end", "submit"):
                if race.state != "over" or kind == "submit":
                    race = await act(api, notes, race, kind)
            race = None
        noting.result()


async def step(api: Api, strips: StripWatch, notes: Notes, race: Race, chance: Random) -> Race:
    """A hit or a key; then what the box shows is noted."""
    keys = {"running": ["hit", "hit", "hit", "reset", "lap", "pause"], "over": ["cancel_end"]}
    kind = chance.choice(keys.get(race.state, ["hit"]))
    if kind != "hit":
        return await act(api, notes, race, kind)
    await strips.press(chance.choice((17, 27)), patience_s=2.0)
    race = await api.race(race.race_id)
    notes.add("shown", race.race_id, [lap.lap_ms for lap in race.laps], race.state)
    return race


async def act(api: Api, notes: Notes, race: Race, kind: str) -> Race:
    """One acknowledged action."""
    action_id = new_id()
    race = await api.act(race.race_id, kind, action_id=action_id)
    notes.add("action", race.race_id, action_id)
    notes.add("shown", race.race_id, [lap.lap_ms for lap in race.laps], race.state)
    return race


async def note_edges(strips: StripWatch, notes: Notes) -> None:
    """Note each edge as soon as the stream says it."""
    noted = len(notes.of("edge"))
    while True:
        for edge in await strips.heard_after(noted):
            notes.add("edge", edge.seq, edge.boot_id, edge.line, edge.active, edge.at_ns)
            noted += 1


async def the_event(api: Api, notes: Notes) -> tuple[str, str]:
    """The event and the racer of the first boot that came so far."""
    events = await api.send("GET", "/api/events")
    racers = await api.send("GET", "/api/racers")
    event_id = events[0]["event_id"] if events else await make_event(api)
    racer_id = racers[0]["racer_id"] if racers else await make_racer(api, "Ada")
    return event_id, racer_id


async def main(share: Path, number: str) -> None:
    """Look, then race, unless this is the last boot."""
    notes = Notes(share / "notes.jsonl")
    if not (DATA / "users-made").exists():
        add_user(DATA, "crew", "admin")
        (DATA / "users-made").touch()
        os.sync()
    box = Box(DATA, GPIO)
    box.start()
    try:
        await box.ready()
        check_files(notes)
        async with Api(box.url) as api:
            await api.sign_in("crew", PASSWORD)
            await check_shown(api, notes)
            race = await live_race(api)
            (share / f"racing-{number}").touch()
            if number != "last":
                await race_on(api, box, notes, race, Random(number))
    except BaseException:
        print(box.output()[-3_000:])
        raise
    finally:
        box.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
