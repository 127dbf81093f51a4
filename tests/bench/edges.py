"""
From the kernel's stamp of a strip to the disk, and to the timekeeper's screen, idle and with two busy programs beside.

    python -m tests.bench.edges [--hits N]

Real recorder, real server and a crew page's live stream in the private kernel (`make gpiolab`); strips are pulled
through sysfs. Durable is when the timing stream says the edge, which is after its fsync; the screen is when the panel
of the race with the new lap has arrived. The puller and both listeners are one program, and all share one processor.
"""

import argparse
import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx

from appliance.demo_client import Api
from tests.bench.durable import sync_a_page
from tests.bench.lab_bench import DATA, busy_loops, chance, inside, keep_result, measure_inside, spread_ms
from tests.faults.box import PASSWORD, Box, running_box
from tests.faults.driver import make_event, make_racer
from tests.faults.pulled_strips import GPIO, PulledStrips
from tests.faults.strip_watch import HeardEdge

LOCKOUT_MS = 40
APART_MS = 100
HOLD_MS = 10
WARM_UP = 10
CROSSINGS_PER_RACE = 20
"""Three minutes of laps: the panel that is drawn for each of them grows with the race."""


class TimedStrips(PulledStrips):
    """Also keeps when each edge was heard."""

    def __init__(self, socket: Path) -> None:
        super().__init__(socket, APART_MS)
        self.heard_ns: dict[int, int] = {}

    async def _hear(self, message: dict[str, object]) -> None:
        self.heard_ns[int(str(message["seq"]))] = time.monotonic_ns()
        await super()._hear(message)


class Screen:
    """A crew page's live stream: when each new picture of the race arrived."""

    def __init__(self) -> None:
        self.shown_ns: list[int] = []
        self._news = asyncio.Condition()

    async def watch(self, box: Box, event_id: str) -> None:
        """For ever."""
        async with httpx.AsyncClient(base_url=box.url, trust_env=False, timeout=None) as browser:
            answer = await browser.post("/api/session", json={"username": "crew", "password": PASSWORD})
            headers = {"authorization": f"Bearer {answer.json()['token']}"}
            path = f"/staff/events/{event_id}/tracks/1/stream?parts=race"
            async with browser.stream("GET", path, headers=headers) as stream:
                rest = b""
                async for data in stream.aiter_raw():
                    at_ns = time.monotonic_ns()
                    *messages, rest = (rest + data).split(b"\n\n")
                    if any(message.startswith(b"data:") for message in messages):
                        await self._show(at_ns)

    async def _show(self, at_ns: int) -> None:
        async with self._news:
            self.shown_ns.append(at_ns)
            self._news.notify_all()

    async def after(self, at_ns: int) -> int:
        """When the first picture after a moment arrived."""
        async with self._news, asyncio.timeout(30):
            await self._news.wait_for(lambda: bool(self.shown_ns) and self.shown_ns[-1] > at_ns)
            return next(shown_ns for shown_ns in self.shown_ns if shown_ns > at_ns)


async def hit(strips: TimedStrips, screen: Screen, line: int) -> tuple[HeardEdge, int]:
    """One crossing, and when the screen showed it."""
    edge = await strips.press(line, hold_ms=HOLD_MS, patience_s=10)
    return edge, await screen.after(edge.at_ns)


class Races:
    """One race after the other on track 1."""

    def __init__(self, api: Api, event_id: str, racer_id: str) -> None:
        self._api = api
        self._event_id = event_id
        self._racer_id = racer_id
        self._race_id: str | None = None

    async def next(self) -> None:
        """Hand the last one in, and make the next one ready."""
        if self._race_id is not None:
            await self._api.act(self._race_id, "end")
            await self._api.act(self._race_id, "submit")
        self._race_id = (await self._api.create_race(self._event_id, "1", self._racer_id)).race_id


async def measure(strips: TimedStrips, screen: Screen, races: Races, hits: int) -> dict[str, object]:
    """So many crossings, one after the other."""
    moments, durable_ms, shown_ms = chance(), [], []
    for number in range(WARM_UP + hits):
        if number % CROSSINGS_PER_RACE == 0:
            await races.next()
        await asyncio.sleep(moments.uniform(0, 0.05))
        edge, shown_ns = await hit(strips, screen, moments.choice((17, 27)))
        if number >= WARM_UP:
            durable_ms.append((strips.heard_ns[edge.seq] - edge.at_ns) / 1e6)
            shown_ms.append((shown_ns - edge.at_ns) / 1e6)
    return {"stamp_to_durable": spread_ms(durable_ms), "stamp_to_screen": spread_ms(shown_ms)}


async def run(hits: int) -> dict[str, object]:
    """Idle, then busy."""
    async with running_box(DATA, GPIO) as (box, api), TimedStrips(box.timing_socket) as strips:
        event_id = await make_event(api, lockout_ms=LOCKOUT_MS)
        races = Races(api, event_id, await make_racer(api, "Bench"))
        screen = Screen()
        watching = asyncio.create_task(screen.watch(box, event_id))
        await screen.after(0)
        try:
            idle = await measure(strips, screen, races, hits)
            with busy_loops(2):
                busy = await measure(strips, screen, races, hits)
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching
    return {"hits_each": hits, "card_fsync": await asyncio.to_thread(fsync, hits), "idle": idle, "busy": busy}


def fsync(times: int) -> dict[str, float]:
    """What the card itself takes to keep a page."""
    with (DATA / "page").open("wb", buffering=0) as file:
        return spread_ms([sync_a_page(file.fileno(), number) for number in range(times)])


def main() -> None:
    """Outside: boot. Inside: measure."""
    if share := inside():
        keep_result(share, asyncio.run(run(int(sys.argv[2]))))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, default=200, help="idle, and as many again busy")
    measure_inside("edges", "tests.bench.edges", str(parser.parse_args().hits))


if __name__ == "__main__":
    main()
