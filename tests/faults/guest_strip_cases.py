"""
Cases of real strips, run inside the private kernel, all in one boot with one box: `python -m … SHARE`.

Each case leaves SHARE/NAME.passed or SHARE/NAME.failed with the reason; tests/faults/test_strips_in_a_private_kernel.py
tells them. Contacts are made through sysfs, so that each edge goes through the kernel's character device.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx

from appliance.demo_client import Api, Race
from tests.faults import oracle
from tests.faults.box import PASSWORD, Box, running_box
from tests.faults.driver import make_event, make_racer, wait_for_version
from tests.faults.guest_cases import laps_between
from tests.faults.pulled_strips import GPIO, TICK_NS, Pull, PulledStrips, pull
from tests.faults.strip_watch import HeardEdge

DATA = Path("/card/data")
CASE_S = 100.0
YEARS_S = 2 * 365 * 24 * 3_600
LAPS = 12
PASSES = 6
LOCKOUT_MS = 150
APART_MS = 2 * LOCKOUT_MS
LONG_LOCKOUT_MS = 1_000
"""Longer than four bounces, also when the machine outside is busy and holds the private kernel up between them."""
BOUNCE_MS = 3
"""Three ticks: closer changes may merge into one."""
BUFFERED = 1_024
"""Edges that the kernel keeps for a recorder that does not read."""


@dataclass(frozen=True, slots=True)
class Day:
    """What every case uses."""

    box: Box
    api: Api
    strips: PulledStrips
    event_id: str
    racer_id: str

    async def race(self, event_id: str = "") -> Race:
        """A new race on track 1, of another event if need be."""
        return await self.api.create_race(event_id or self.event_id, "1", self.racer_id)

    async def hand_in(self, race: Race) -> Race:
        """End and keep it."""
        await self.api.act(race.race_id, "end")
        return await self.api.act(race.race_id, "submit")

    async def timekeeper_page(self, until: str) -> str:
        """What the timekeeper of track 1 sees, once that is there."""
        async with httpx.AsyncClient(base_url=self.box.url, trust_env=False, timeout=10) as browser:
            answer = await browser.post("/api/session", json={"username": "crew", "password": PASSWORD})
            browser.headers["authorization"] = f"Bearer {answer.json()['token']}"
            for _ in range(200):
                page = await browser.get(f"/staff/events/{self.event_id}/tracks/1/timekeeper")
                if until in page.text:
                    break
                await asyncio.sleep(0.05)
            return page.text

    async def raced(self, race: Race, hits: int) -> Race:
        """The race once it has so many crossings and nothing else."""
        return await wait_for_version(self.api, race.race_id, hits + 1)


@contextmanager
def full_load(processes: int = 3) -> Iterator[None]:
    """More busy loops than the kernel has processors, none of them nice."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


async def laps_under_full_load(day: Day) -> None:
    """A lap is the difference of two stamps, and a stamp is the contact's moment to the tick, however busy it is."""
    race, chance = await day.race(), Random("load")
    hits, made = [], []
    with full_load():
        for _ in range(LAPS + 1):
            await asyncio.sleep(chance.uniform(0.05, 0.3))
            hits.append(await day.strips.press(chance.choice((17, 27)), patience_s=10))
            made.append(day.strips.presses[-1])
        race = await day.raced(race, len(hits))
    assert [lap.lap_ms for lap in race.laps] == laps_between(hits)
    assert [hit.line for hit in hits] == [press.line for press in made]
    check_stamps(hits, made)
    await day.hand_in(race)


def check_stamps(hits: list[HeardEdge], made: list[Pull]) -> None:
    """Each stamp lies where the contact was made, to the tick; but for two, by as much as the clock shows a hold-up."""
    pairs = list(zip(hits, made, strict=True))
    late_ns = [max(press.after_ns - hit.at_ns, hit.at_ns - press.before_ns) for hit, press in pairs]
    assert sorted(late_ns)[-3] <= 2 * TICK_NS, late_ns
    for late, (_, press) in zip(late_ns, pairs, strict=True):
        assert late <= 2 * TICK_NS + press.stood_still_ns, (late_ns, made)


async def bouncing_contacts(day: Day) -> None:
    """Each pass chatters; each is one crossing, stamped by its first contact, and its bounces are kept."""
    race = await day.race(await make_event(day.api, lockout_ms=LONG_LOCKOUT_MS))
    chance = Random("bounces")
    known, contacts = len(day.strips.edges), 0
    for _ in range(PASSES):
        await asyncio.sleep(1.2 * LONG_LOCKOUT_MS / 1e3)
        heard, bounces = len(day.strips.edges), chance.randint(2, 4)
        for _ in range(bounces):
            await day.strips.touch(17, hold_ms=BOUNCE_MS)
            await asyncio.sleep(BOUNCE_MS / 1e3)
        contacts += bounces
        await day.strips.until(lambda strips, heard=heard: len(strips.edges) > heard)
    hits = crossings_of(day.strips.edges[known:], LONG_LOCKOUT_MS)
    assert len(hits) == PASSES
    race = await day.raced(race, PASSES)
    assert [lap.lap_ms for lap in race.laps] == laps_between(hits)
    made = sum(1 for edge in day.strips.edges[known:] if edge.active)
    assert PASSES < made <= contacts, (made, contacts)
    await day.hand_in(race)


async def both_strips_at_once(day: Day) -> None:
    """One car over two strips is one crossing, by the earlier stamp."""
    race, firsts = await day.race(), []
    for first, second in ((17, 27), (27, 17), (17, 27), (27, 17)):
        await asyncio.sleep(APART_MS / 1e3)
        known = len(day.strips.edges)
        pull(first, pressed=True)
        pull(second, pressed=True)
        await asyncio.sleep(0.01)
        pull(first, pressed=False)
        pull(second, pressed=False)
        await day.strips.until(lambda strips, known=known: len(strips.edges) >= known + 4)
        pressed = [edge for edge in day.strips.edges[known:] if edge.active]
        assert {edge.line for edge in pressed} == {17, 27}
        firsts.append(min(pressed, key=lambda edge: edge.at_ns))
    race = await day.raced(race, len(firsts))
    assert [lap.lap_ms for lap in race.laps] == laps_between(firsts)
    await day.hand_in(race)


async def burst_past_the_buffer(day: Day) -> None:
    """A recorder that cannot read for a while loses the oldest edges, and says how many: nothing is lost in silence."""
    race = await day.race()
    await day.strips.press(17, patience_s=5)
    known = len(day.strips.edges)
    (recorder,) = day.box.recorder_pids()
    os.kill(recorder, signal.SIGSTOP)
    try:
        changes = 2 * (BUFFERED // 2 + 60)
        await asyncio.to_thread(chatter, changes)
    finally:
        os.kill(recorder, signal.SIGCONT)
    await day.strips.until(lambda strips: len(strips.edges) >= known + BUFFERED and bool(lost_of(strips)))
    lost = sum(gap.lost for gap in lost_of(day.strips))
    kept = sum(1 for edge in day.strips.edges[known:] if edge.line == 27)
    assert changes - HELD_BACK <= kept + lost <= changes, (changes, kept, lost)
    assert {gap.line for gap in lost_of(day.strips)} == {27}
    health = await strip_health(day, lambda said: said["lost_edges"] >= lost)
    assert health["lost_edges"] == lost
    assert f"{lost} edges were lost on strip 2" in await day.timekeeper_page("edges were lost")
    await day.hand_in(race)


def chatter(changes: int) -> None:
    """Strip 27 goes to and fro."""
    for number in range(changes):
        pull(27, pressed=number % 2 == 0)
        time.sleep(0.002)


HELD_BACK = 100
"""Changes that fell into one tick because the machine outside held the kernel up: merged before any edge was made."""


def lost_of(strips: PulledStrips) -> list:
    """The gaps that say how many edges are missing."""
    return [gap for gap in strips.gaps if gap.blind is None]


async def strip_health(day: Day, good: Callable[[dict], bool]) -> dict:
    """What the API says of the strips of track 1, once it is good."""
    async with asyncio.timeout(20):
        while True:
            said = await day.api.send("GET", f"/api/events/{day.event_id}/tracks/1/strips")
            if good(said):
                return dict(said)
            await asyncio.sleep(0.05)


async def recorder_killed_between_hits(day: Day) -> None:
    """The race goes on with the next hit, and the time nobody watched is a record."""
    race, hits = await day.race(), []
    for number in range(5):
        hits.append(await day.strips.press(17, patience_s=5))
        if number % 2:
            blind = blind_count(day)
            day.box.kill_recorder()
            await day.strips.until(lambda strips, blind=blind: blind_count(day) > blind)
    race = await day.raced(race, len(hits))
    assert race.state == "running"
    assert [lap.lap_ms for lap in race.laps] == laps_between(hits)
    assert [gap.blind for gap in day.strips.gaps if gap.blind][-2:] == ["killed", "killed"]
    assert "The recorder was not running" in await day.timekeeper_page("It was killed, or failed.")
    await day.hand_in(race)


def blind_count(day: Day) -> int:
    """How often nobody watched."""
    return sum(1 for gap in day.strips.gaps if gap.blind)


async def recorder_killed_during_hits(day: Day) -> None:
    """Hits without a pause while the recorder is killed ten times: what was sent is there, and is in the race."""
    race, chance = await day.race(), Random("kills")
    known = len(day.strips.edges)

    async def kill() -> None:
        for _ in range(10):
            await asyncio.sleep(chance.uniform(0.2, 1.2))
            day.box.kill_recorder()

    killing = asyncio.create_task(kill())
    while not killing.done():
        await day.strips.touch(chance.choice((17, 27)), hold_ms=10)
        await asyncio.sleep(chance.uniform(0, 2 * LOCKOUT_MS) / 1e3)
    await killing
    await asyncio.sleep(APART_MS / 1e3)
    await day.strips.press(17, patience_s=5)
    crossings = crossings_of(day.strips.edges[known:])
    race = await day.raced(race, len(crossings))
    assert race.state == "running"
    assert [lap.lap_ms for lap in race.laps] == laps_between(crossings)
    await day.hand_in(race)


def crossings_of(edges: list[HeardEdge], lockout_ms: int = LOCKOUT_MS) -> list[HeardEdge]:
    """The first contacts after a lock-out."""
    found: list[HeardEdge] = []
    for edge in sorted((edge for edge in edges if edge.active), key=lambda edge: edge.at_ns):
        if not found or edge.at_ns - found[-1].at_ns >= lockout_ms * 1_000_000:
            found.append(edge)
    return found


async def wall_clock_set_back_two_years(day: Day) -> None:
    """In mid-race, and forward again: no lap changes."""
    race = await day.race()
    hits = [await day.strips.press(17, patience_s=5)]
    for step_s in (-YEARS_S, 0, YEARS_S, 0):
        time.clock_settime(time.CLOCK_REALTIME, time.time() + step_s)
        hits.append(await day.strips.press(27, patience_s=5))
    race = await day.raced(race, len(hits))
    assert [lap.lap_ms for lap in race.laps] == laps_between(hits)
    assert race.state == "running"
    assert (await day.hand_in(race)).state == "submitted"


Case = Callable[[Day], Awaitable[None]]
CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        laps_under_full_load,
        bouncing_contacts,
        both_strips_at_once,
        burst_past_the_buffer,
        recorder_killed_between_hits,
        recorder_killed_during_hits,
        wall_clock_set_back_two_years,
    )
}


async def run(share: Path, name: str, day: Day) -> None:
    """One case; its result in a file."""
    began_s = time.monotonic()
    try:
        async with asyncio.timeout(CASE_S):
            await CASES[name](day)
    except Exception:
        (share / f"{name}.failed").write_text(traceback.format_exc())
    else:
        (share / f"{name}.passed").write_text(f"{time.monotonic() - began_s:.1f} s")


async def clear(api: Api) -> None:
    """A case that failed leaves its race on the track."""
    for race in await api.send("GET", "/api/races?limit=5"):
        if race["state"] not in ("submitted", "discarded"):
            await api.act(race["race_id"], "end")
            await api.act(race["race_id"], "discard")


async def main(share: Path, names: list[str]) -> None:
    """All cases, then a look at the files."""
    async with running_box(DATA, GPIO) as (box, api), PulledStrips(box.timing_socket, APART_MS) as strips:
        event_id, racer_id = await make_event(api, lockout_ms=LOCKOUT_MS), await make_racer(api, "Ada")
        for name in names:
            await run(share, name, Day(box, api, strips, event_id, racer_id))
            await clear(api)
    oracle.assert_whole(DATA)
    oracle.assert_edges_kept(DATA, strips.edges)
    (share / "box.log").write_text(box.output()[-20_000:])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:] or list(CASES)))
