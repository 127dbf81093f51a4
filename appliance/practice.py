"""
The box that a new timekeeper practises on: a real `trackside serve` of its own, with an event, racers and a line.

Owns the process (appliance/practice_box.py) and what it is filled with, by way of the public API. Who drives the car
and what is taught is the terminal's: tui/practice/.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.demo_client import Api
from appliance.demo_data import RACERS, TRACKS
from appliance.errors import NotReady

EVENT_NAME = "Practice"
RACE_MS = 600_000
"""Nobody who reads slowly is to run out of it: the lessons take five minutes."""
LOCKOUT_MS = 2_000
MAX_RESETS = 2
RACERS_IN_ALL = 8
IN_LINE = 3
READY_S = 60.0
"""A slow laptop makes the account, then starts Python three times."""
STOP_S = 15.0
"""`trackside serve` ends its children within 13 s in the worst case."""
REMEDY = "Try again. If it stays so, look at this machine with: trackside doctor"


@dataclass(frozen=True, slots=True)
class PracticeBox:
    """A box that is ready. `lines` are the strips of each track; `cut` and `mend` are the network's."""

    address: str
    username: str
    password: str
    event_id: str
    lines: dict[str, tuple[int, ...]]
    process_id: int

    async def cut(self) -> None:
        """Nothing answers any more, and no connection ends: as Wi-Fi that is gone."""
        await asyncio.to_thread(self._tell_server, signal.SIGSTOP)

    async def mend(self) -> None:
        """All is as before."""
        await asyncio.to_thread(self._tell_server, signal.SIGCONT)

    def _tell_server(self, number: signal.Signals) -> None:
        for pid in children(self.process_id):
            with suppress(OSError):
                if b"appliance.serve" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    os.kill(pid, number)


@asynccontextmanager
async def practice_box(speed: float = 1.0) -> AsyncIterator[PracticeBox]:
    """
    A box of one's own, ended with the context or, at the latest, with this process.

    Args:
        speed: 10: the strips lock out for a tenth of the time, for a car that is ten times as fast.

    Raises:
        NotReady: it does not start; says what it said.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "appliance.practice_box", str(os.getpid()), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    box: PracticeBox | None = None
    try:
        async with asyncio.timeout(READY_S):
            box = await _filled(process, speed)
        yield box
    except TimeoutError as error:
        raise NotReady(f"The practice box was not ready within {READY_S:.0f} s.", REMEDY) from error
    finally:
        if box is not None:
            await box.mend()
        await _end(process)


def children(pid: int) -> list[int]:
    """The processes that a process of one thread has started, those that still run."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


async def _filled(process: Process, speed: float) -> PracticeBox:
    """Wait for it, then make what is practised with; at once over when it ends."""
    assert process.stdout is not None  # noqa: S101  a pipe was asked for
    said = await process.stdout.readline()
    last_words = asyncio.create_task(process.stdout.read())
    filling = asyncio.create_task(_fill(process.pid, said, speed) if said.startswith(b"{") else _never())
    try:
        await asyncio.wait({last_words, filling}, return_when=asyncio.FIRST_COMPLETED)
        if not last_words.done():
            return await filling
        words = last_words.result() or said
    finally:
        for task in (last_words, filling):
            task.cancel()
        await asyncio.gather(last_words, filling, return_exceptions=True)
    lines = [] if words.startswith(b"{") else words.decode(errors="replace").strip().splitlines()
    raise NotReady(f"The practice box does not start: {lines[-1] if lines else 'it says nothing.'}", REMEDY)


async def _never() -> PracticeBox:
    raise await asyncio.Future()


async def _fill(process_id: int, said: bytes, speed: float) -> PracticeBox:
    account: dict[str, Any] = json.loads(said)
    address, username, password = f"http://127.0.0.1:{account['port']}", account["username"], account["password"]
    async with Api(address, READY_S) as api:
        await api.sign_in(username, password)
        event_id = await _event(api, speed)
        for number, racer_id in enumerate((await _racers(api))[: IN_LINE * len(TRACKS)]):
            track = TRACKS[number % len(TRACKS)].track_id
            await api.send("POST", f"/api/events/{event_id}/tracks/{track}/queue", {"racer_id": racer_id})
    lines = {track.track_id: track.lines for track in TRACKS}
    return PracticeBox(address, username, password, event_id, lines, process_id)


async def _event(api: Api, speed: float) -> str:
    rules = {
        "race_ms": RACE_MS,
        "max_resets_per_lap": MAX_RESETS,
        "max_runs": None,
        "min_lap_ms": 0,
        "lockout_ms": round(LOCKOUT_MS / speed),
    }
    tracks = [
        {"track_id": track.track_id, "name": track.name, "lines": [{"line": line} for line in track.lines]}
        for track in TRACKS
    ]
    body = {"name": EVENT_NAME, "type": "PRIVATE_TRACK_RACE", "rules": rules, "tracks": tracks}
    return str((await api.send("POST", "/api/events", body))["event_id"])


async def _racers(api: Api) -> list[str]:
    found = []
    for racer in RACERS[:RACERS_IN_ALL]:
        body = {"username": racer.username, "country": racer.country, "colour": racer.colour}
        found.append(str((await api.send("POST", "/api/racers", body))["racer_id"]))
    return found


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
