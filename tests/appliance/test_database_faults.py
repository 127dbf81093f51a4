"""The store when the disk is full or slow, or the process is killed: real file systems, real processes."""

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.backup import check_file
from appliance.database import Database
from tests.appliance.store_child import ROWS, insert, numbers
from tests.preload import built

CHILD = [sys.executable, "-m", "tests.appliance.store_child"]
FSYNC_MS = 100
WRITERS = 20
"""One after the other they would wait for 20 fsyncs."""
A_FEW = 8
"""The commit under way and the next one, which takes everybody along, and a checkpoint's two; the same once more for
who hears of it late. Counted, not timed: a busy machine may be slow, but it must not ask more of the card."""
MEMORY = Path("/dev/shm")
SLOW_FSYNC = Path(__file__).parents[1] / "faults" / "slow_fsync.c"


def has_namespaces() -> bool:
    return (
        shutil.which("unshare") is not None and subprocess.run(["unshare", "-Urm", "true"], check=False).returncode == 0
    )


@pytest.mark.skipif(not has_namespaces(), reason="a file system of one's own needs user namespaces")
def test_a_full_disk_refuses_loses_nothing_and_goes_on_once_there_is_room(tmp_path: Path) -> None:
    mounted = 'mount -t tmpfs -o size=2m tmpfs "$0" && exec "$@"'
    command = ["unshare", "-Urm", "sh", "-c", mounted, str(tmp_path), *CHILD, "full_disk", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    report = json.loads(done.stdout)
    assert len(report["acknowledged"]) > 3, "the disk was full before anything was written"
    assert report["message"] == f"The disk of {tmp_path / 'data'} is full: nothing was changed."
    assert "Free some space" in report["remedy"]
    assert "NotReady" in report["kinds"]
    assert report["trouble"]
    assert report["during"] == [number for number in report["acknowledged"] if number != 5_000]
    assert report["healed"]
    assert report["after"] == report["reopened"] == report["acknowledged"]


def test_no_acknowledged_write_is_lost_by_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "trackside.db"
    acknowledged: set[int] = set()
    for seed in range(6):
        with subprocess.Popen([*CHILD, "write_for_ever", str(tmp_path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            wanted = random.Random(seed).randrange(1, 3_000)
            for _ in range(wanted):
                acknowledged.add(int(child.stdout.readline()))
            child.send_signal(signal.SIGKILL)
            acknowledged.update(int(line) for line in child.stdout if line.endswith(b"\n"))
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            stored = {number for (number,) in connection.execute("SELECT number FROM row")}
        assert acknowledged <= stored
        assert check_file(path) == []
    assert len(acknowledged) > 1_000


@pytest.fixture(scope="session")
def slow_disk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which each fsync takes FSYNC_MS longer, and is counted."""
    shim = built(SLOW_FSYNC, tmp_path_factory.mktemp("shim"))
    if shim is None:
        pytest.skip("a C compiler is needed to build the slow disk: apt install gcc")
    count = shim.with_name("fsyncs")
    return {
        **os.environ, "LD_PRELOAD": str(shim), "SLOW_FSYNC_MS": str(FSYNC_MS), "SLOW_FSYNC_COUNT": str(count),
    }  # fmt: skip


@pytest.fixture
def quiet_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: its fsync takes no time of its own, whatever other tests write."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="trackside-test-") as folder:
        yield Path(folder)


def test_on_a_slow_card_twenty_writers_wait_for_a_few_fsyncs_and_readers_for_none(
    quiet_disk: Path, slow_disk: dict[str, str]
) -> None:
    done = subprocess.run(
        [*CHILD, "slow_writes", str(quiet_disk)], env=slow_disk, capture_output=True, text=True, timeout=60, check=True
    )
    report = json.loads(done.stdout)
    writes, reads = sorted(report["writes"]), sorted(report["reads"])
    assert report["alone"] >= 1, "the disk is not slow"
    assert len(writes) == 20 * WRITERS
    assert writes[0] >= 1, "a write is on the card when it is answered"
    assert writes[len(writes) // 2] <= 3, writes
    assert writes[-1] <= A_FEW, writes
    # Two fsyncs are FSYNC_MS apart: a read that waits for none meets one by chance, and hardly ever two.
    assert reads[len(reads) // 2] == 0
    assert reads[int(len(reads) * 0.99)] <= 1


async def test_a_store_left_by_a_kill_opens_and_counts_on(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(*CHILD, "write_for_ever", str(tmp_path), stdout=subprocess.PIPE)
    assert child.stdout is not None
    await child.stdout.readline()
    child.kill()
    await child.wait()
    assert (tmp_path / "trackside.db-wal").exists()
    db = await Database.open(tmp_path / "trackside.db", [ROWS])
    before = await numbers(db)
    await db.write(insert(10**9))
    assert await numbers(db) == [*before, 10**9]
    await db.close()
