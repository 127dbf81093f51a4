"""
Runs inside the private kernel: `python -m tests.faults.guest_blind SHARE before|after`.

Before the power cut: hits on real lines, the clock is set, and the recorder runs on until there is no power. After it:
what the next life tells of the time between. Findings are left in SHARE for the test outside.
"""

import asyncio
import json
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from appliance.clock import boot_id
from tests.faults.pulled_strips import pull
from tests.timing.recorder_process import RecorderProcess, connected, history, stored

DATA = Path("/card/data")
RUN = Path("/run")
REAL = ("--strips", "gpio", "--gpio-lines", "17,27")
TWO_YEARS_S = 2 * 365 * 86_400
HITS = 3


async def race(count: int, recorder: RecorderProcess) -> list[dict[str, Any]]:
    """So many contacts on line 17; the edges as the stream says them."""
    edges = []
    async with connected(recorder.socket) as client:
        client.hello(None)
        await client.until("caught_up")
        for _ in range(count):
            for pressed in (True, False):
                pull(17, pressed=pressed)
                edges += await client.edges(1)
    return edges


async def before(share: Path) -> None:
    """Until the power goes."""
    recorder = RecorderProcess(RUN, *REAL, data=DATA)
    assert await recorder.start(), recorder.stderr
    edges = await race(HITS, recorder)
    true_wall_ns = time.time_ns()
    time.clock_settime(time.CLOCK_REALTIME, time.time() - TWO_YEARS_S)
    async with connected(recorder.socket) as client:
        client.hello(None)
        while ("step",) not in stored(DATA, "SELECT reason FROM anchor"):
            await client.until("clock")
    edges += await race(HITS, recorder)
    told = {"boot_id": boot_id(), "edges": edges, "true_wall_ns": true_wall_ns, "mono_ns": time.monotonic_ns()}
    partial = share / "before.part"
    partial.write_text(json.dumps(told))
    partial.rename(share / "before.json")
    await asyncio.Event().wait()


async def after(share: Path) -> None:
    """What is known of it in the next boot."""
    recorder = RecorderProcess(RUN, *REAL, data=DATA)
    async with recorder:
        first = await history(recorder.socket)
        assert first == await history(recorder.socket)
        await race(1, recorder)
        told = await history(recorder.socket)
    with sqlite3.connect(f"file:{DATA}/edges.db?mode=ro", uri=True) as connection:
        anchors = connection.execute(
            "SELECT boot_id, mono_ns, wall_ns, reason, slept_ns FROM anchor ORDER BY anchor_id"
        ).fetchall()
    findings = {"boot_id": boot_id(), "told": told, "anchors": anchors}
    (share / "after.json").write_text(json.dumps(findings))


if __name__ == "__main__":
    asyncio.run({"before": before, "after": after}[sys.argv[2]](Path(sys.argv[1])))
