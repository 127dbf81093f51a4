"""The demo on a real box, ten times as fast: what it shows, and that it can be stopped and taken up again."""

import asyncio
import re
import signal
import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from appliance.demo_client import Api
from appliance.demo_data import EVENT_NAME, LINES, RACERS, STAFF, TRACKS
from appliance.demo_race import Hit, Press, finished_laps_ms, script_of
from appliance.usernames import clean_username
from tests.ports import free_port

SPEED = "20"
READY_S = 90


class Demo:
    """A running `trackside demo`."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.printed = ""

    @classmethod
    async def start(cls, data: Path, *arguments: str) -> "Demo":
        """Start it on a free port."""
        port = free_port()
        command = ["-m", "appliance.cli", "demo", "--data", str(data), "--host", "127.0.0.1", "--port", str(port)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--speed", SPEED, *arguments, stdout=asyncio.subprocess.PIPE
        )
        return cls(process, port)

    async def until_printed(self, text: str) -> None:
        """Read what it prints until `text` is in it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(READY_S):
            while text not in self.printed:
                line = await self.process.stdout.readline()
                assert line, self.printed
                self.printed += line.decode()

    async def stop(self) -> int:
        """Ctrl-C; the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        self.printed += (await self.process.stdout.read()).decode()
        return await asyncio.wait_for(self.process.wait(), 30)

    def password_of(self, role: str) -> tuple[str, str]:
        """Username and password printed for a role."""
        found = re.search(rf"^  {role} +(\S+) +(\S+)", self.printed, re.MULTILINE)
        assert found, self.printed
        return found.group(1), found.group(2)


async def signed_in(demo: Demo, role: str) -> Api:
    """A client with the login that the demo printed."""
    api = Api(demo.url)
    await api.sign_in(*demo.password_of(role))
    return api


@pytest.mark.timeout(240)
async def test_races_run_by_themselves_and_logins_are_printed(tmp_path: Path) -> None:
    demo = await Demo.start(tmp_path / "demo", "--races", "2", "--cars", "0")
    try:
        await demo.until_printed("stops the demo")
        for staff in STAFF:
            async with await signed_in(demo, staff.role):
                pass
        async with await signed_in(demo, "racer"):
            pass
        assert re.search(r"badge +\S+ +[A-Z0-9]{4}-[A-Z0-9]{4}", demo.printed)
        async with await signed_in(demo, "admin") as api:
            (event,) = [x for x in await api.send("GET", "/api/events") if x["name"] == EVENT_NAME]
            assert [track["track_id"] for track in event["tracks"]] == [track.track_id for track in TRACKS]
            board = await api.send("GET", f"/api/events/{event['event_id']}/board?track=combined")
            assert len(board["rows"]) >= 5
            assert len(await api.send("GET", "/api/racers")) >= len(RACERS)
        assert await demo.process.wait() == 0
    finally:
        await demo.stop()


@pytest.mark.timeout(240)
async def test_ctrl_c_stops_it_and_the_next_start_goes_on_with_the_same_event(tmp_path: Path) -> None:
    demo = await Demo.start(tmp_path / "demo", "--cars", "0")
    await demo.until_printed("stops the demo")
    first = demo.password_of("operator")
    assert await demo.stop() == 0
    again = await Demo.start(tmp_path / "demo", "--cars", "0")
    try:
        await again.until_printed("stops the demo")
        assert again.password_of("operator") == first
        async with await signed_in(again, "operator") as api:
            names = [event["name"] for event in await api.send("GET", "/api/events")]
        assert names.count(EVENT_NAME) == 1
    finally:
        assert await again.stop() == 0


def test_the_same_seed_races_the_same_race() -> None:
    first, again, other = (list(script_of(RACERS[0], Random(seed))) for seed in ("1 1", "1 1", "2 1"))
    assert first == again
    assert first != other


@pytest.mark.parametrize("seed", range(5))
def test_laps_take_eight_to_fourteen_seconds_and_everything_happens(seed: int) -> None:
    chance = Random(seed)
    laps = [lap_ms for racer in RACERS for lap_ms in finished_laps_ms(racer, chance)]
    assert min(laps) >= 8_000
    assert sum(lap_ms > 14_000 for lap_ms in laps) < len(laps) / 20
    steps = [step for racer in RACERS for step in script_of(racer, chance)]
    kinds = Counter(step.kind for step in steps if isinstance(step, Press))
    assert {"reset", "pause", "resume", "dnf", "set_validity", "end"} <= set(kinds)
    assert any(isinstance(step, Hit) and step.bounces for step in steps)


def test_the_people_of_the_demo_are_a_hall() -> None:
    assert len(RACERS) == 24
    assert len({racer.country for racer in RACERS}) == 24
    assert len({racer.username for racer in RACERS}) == 24
    assert [clean_username(racer.username) for racer in RACERS] == [racer.username for racer in RACERS]
    assert any(len(racer.username) >= 17 for racer in RACERS)
    assert any(not racer.username.isascii() for racer in RACERS)
    assert sorted(line for track in TRACKS for line in track.lines) == sorted(LINES)
