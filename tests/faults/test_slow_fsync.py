"""
A card that takes 40 ms for each fsync: nobody waits for more than a few of them, however many want something.

The fsyncs are counted, not timed: a busy machine may be slow, but it must not ask more of the card.
"""

import asyncio
import shutil
import subprocess
from pathlib import Path
from statistics import median

import pytest

from tests.faults.box import running_box
from tests.faults.driver import APART_MS, make_event, make_racer, wait_for_version
from tests.faults.strip_watch import StripWatch

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is needed to build the slow disk: apt install gcc"),
]

FSYNC_MS = 40
A_FEW = 6
"""The commit under way, the next one that takes everybody along, a checkpoint's two, and who came too late for both."""
AT_ONCE = 20
"""One after the other they would take 20 fsyncs."""
ROUNDS = 10


class SlowDisk:
    """Every fsync of the processes with this environment sleeps, and is counted."""

    def __init__(self, shim: Path, count: Path) -> None:
        self._count = count
        self.environment = {
            "LD_PRELOAD": str(shim),
            "SLOW_FSYNC_MS": str(FSYNC_MS),
            "SLOW_FSYNC_COUNT": str(count),
        }

    def fsyncs(self) -> int:
        """So far."""
        return self._count.stat().st_size if self._count.exists() else 0


@pytest.fixture
def slow_disk(tmp_path: Path) -> SlowDisk:
    shim = tmp_path / "slow_fsync.so"
    source = Path(__file__).with_name("slow_fsync.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(source), "-ldl"], check=True)
    return SlowDisk(shim, tmp_path / "fsyncs")


async def test_twenty_keys_at_once_wait_for_a_few_fsyncs(tmp_path: Path, slow_disk: SlowDisk) -> None:
    async with running_box(tmp_path / "data", slow_disk.environment) as (_, api):
        race = await api.create_race(await make_event(api), "1", await make_racer(api, "Ada"))
        before = slow_disk.fsyncs()
        await api.act(race.race_id, "start")
        assert slow_disk.fsyncs() > before, "an action is on the card when it is answered"
        counts = []
        for _ in range(ROUNDS):
            before = slow_disk.fsyncs()
            await asyncio.gather(*(api.act(race.race_id, "reset") for _ in range(AT_ONCE)))
            counts.append(slow_disk.fsyncs() - before)
        assert min(counts) >= 1, counts
        assert median(counts) <= A_FEW, counts
        assert max(counts) < AT_ONCE, counts


async def test_a_lap_shows_after_a_few_fsyncs_whatever_else_is_written(tmp_path: Path, slow_disk: SlowDisk) -> None:
    """Two of the fsyncs are the way of a crossing: edges.db, then trackside.db."""
    async with (
        running_box(tmp_path / "data", slow_disk.environment) as (box, api),
        StripWatch(box.timing_socket, APART_MS) as strips,
    ):
        event_id = await make_event(api)
        race = await api.create_race(event_id, "1", await make_racer(api, "Ada"))
        other = await api.create_race(event_id, "2", await make_racer(api, "Bo"))
        await api.act(other.race_id, "start")
        counts = []
        for version in range(2, 2 + ROUNDS):
            before = slow_disk.fsyncs()
            crowd = [asyncio.create_task(api.act(other.race_id, "reset")) for _ in range(AT_ONCE)]
            await strips.press(17)
            await wait_for_version(api, race.race_id, version)
            counts.append(slow_disk.fsyncs() - before)
            await asyncio.gather(*crowd)
        assert min(counts) >= 2, counts
        assert median(counts) <= 2 + A_FEW, counts
        assert max(counts) < 2 + AT_ONCE, counts
