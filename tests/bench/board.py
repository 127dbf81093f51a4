"""
From a new lap to a new board in an event of 1,000 racers, 10,000 races and 50,000 laps, and what a page of it costs.

In one process with the real house on a real disk. `board_ms`: from the lap being durable to the new board of all tracks
combined, ready to be sent; `whole_ms`: from the operator's key, fsync included.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec

from appliance.ids import new_id
from appliance.people_structs import NewRacer
from appliance.serve import opened_house
from appliance.settings import load
from tests.bench.board_data import LAPS_PER_RACE, fill
from tests.bench.common import percentile, print_result
from timing.facts import RaceChanged
from timing.journal import Kind
from timing.structs import COMBINED, Action, NewEvent, NewRace, NewTrack
from web.app import create_app
from web.house import House

RACES_BETWEEN = 60
"""New races of the measurement, each of them one new lap on the board."""


def percentiles(name: str, times_ms: Sequence[float]) -> dict[str, float]:
    """p50, p95 and the longest, under names that begin with `name`."""
    found = {"p50": percentile(times_ms, 50), "p95": percentile(times_ms, 95), "max": max(times_ms)}
    return {f"{name}_{which}_ms": round(value, 2) for which, value in found.items()}


async def filled_event(house: House, racers: int, races: int) -> str:
    """The event with everything in it."""
    tracks = [NewTrack(track_id="1", name="One"), NewTrack(track_id="2", name="Two")]
    event = await house.events.create(NewEvent(name="Bench", tracks=tracks), "bench")
    people = await asyncio.gather(
        *(
            house.people.register(NewRacer(username=f"Racer.{number}", country="DE"), "bench")
            for number in range(racers)
        )
    )
    ids = [person.person_id for person in people]
    await fill(house.db, event.event_id, [track.track_id for track in event.tracks], ids, races, event.rules)
    return event.event_id


async def one_new_lap(house: House, event_id: str, racer_id: str) -> tuple[float, float]:
    """A race with one lap is handed in: ms from durable to the new board, and from the key to it."""
    race = await house.control.create(
        NewRace(event_id=event_id, track_id="1", racer_id=racer_id, override=True), "bench"
    )
    for kind in (Kind.START, Kind.LAP, Kind.END):
        await house.control.act(race.race_id, Action(action_id=new_id(), kind=kind), "bench")
    durable_at = [0.0]
    end = house.facts.subscribe(RaceChanged, lambda _: durable_at.__setitem__(0, time.perf_counter()))
    before = await house.boards.board(event_id, COMBINED)
    begun = time.perf_counter()
    await house.control.act(race.race_id, Action(action_id=new_id(), kind=Kind.SUBMIT), "bench")
    board = await house.boards.board(event_id, COMBINED)
    msgspec.json.encode(board)
    done = time.perf_counter()
    end()
    assert board.version > before.version
    return (done - durable_at[0]) * 1_000, (done - begun) * 1_000


async def page_ms(house: House, event_id: str, pages: int) -> list[float]:
    """Renders of the whole board page, as a browser asks for it."""
    app = create_app(house)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    times = []
    async with httpx.AsyncClient(transport=transport, base_url="http://box") as browser:
        for _ in range(pages):
            begun = time.perf_counter()
            answer = await browser.get(f"/events/{event_id}/board?track={COMBINED}")
            times.append((time.perf_counter() - begun) * 1_000)
            assert answer.status_code == 200
    return times


async def run(data: Path, racers: int, races: int) -> dict[str, object]:
    """Fill, measure."""
    async with opened_house(load(data), data / "no-recorder.sock") as house:
        event_id = await filled_event(house, racers, races)
        begun = time.perf_counter()
        board = await house.boards.board(event_id, COMBINED)
        cold_ms = (time.perf_counter() - begun) * 1_000
        assert len(board.rows) == min(racers, races)
        laps = [await one_new_lap(house, event_id, board.rows[number].racer_id) for number in range(RACES_BETWEEN)]
        pages = await page_ms(house, event_id, 20)
    return {
        "racers": racers,
        "races": races,
        "laps": races * LAPS_PER_RACE,
        **percentiles("board", [lap[0] for lap in laps]),
        **percentiles("whole", [lap[1] for lap in laps]),
        **percentiles("page", pages),
        "first_board_after_start_ms": round(cold_ms, 1),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--racers", type=int, default=1_000)
    parser.add_argument("--races", type=int, default=10_000)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as directory:
        print_result("board", **asyncio.run(run(Path(directory), options.racers, options.races)))


if __name__ == "__main__":
    main()
