"""
How the box is: a few named probes, asked together. Rooms above register theirs; a probe never hangs the answer.

The report is for people at the track, so every failed check says what to do.
"""

import asyncio
import inspect
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct

from appliance import clock
from appliance.database import Database

log = logging.getLogger("trackside.health")

PROBE_TIMEOUT_S = 2.0
FULL_BYTES = 64 * 1024 * 1024
"""Less free than this and writing will soon fail: the recorder keeps its own reserve, the pages do not."""
LOW_BYTES = 512 * 1024 * 1024
"""Less free than this deserves a word."""
EARLIEST_NS = 1_793_491_200_000_000_000
"""2026-11-01: this program did not exist before, so an earlier clock is wrong (a Pi without network is in 1970)."""
LATEST_NS = 4_102_444_800_000_000_000
"""2100."""
STEP_NS = 60_000_000_000
"""A wall clock that moved this much against the monotonic one was set by somebody or something."""


class Check(Struct, frozen=True, kw_only=True):
    """One probe's answer. A check that is `ok` may still have a remedy: then it is a warning."""

    ok: bool
    message: str
    remedy: str = ""


class HealthReport(Struct, frozen=True, kw_only=True):
    """`GET /api/health`: 200 when all is well, 503 when something needs a hand."""

    status: Literal["ok", "trouble"]
    checks: dict[str, Check]

    @property
    def ok(self) -> bool:
        """Whether every check is."""
        return self.status == "ok"


Probe = Callable[[], Check | Awaitable[Check]]


class Health:
    """The probes of a box; has disk, clock and database from the start."""

    def __init__(self, data_dir: Path, db: Database) -> None:
        self._probes: dict[str, Probe] = {
            "database": lambda: check_database(db),
            "disk": lambda: check_disk(data_dir),
            "clock": ClockProbe(),
        }

    def register(self, name: str, probe: Probe) -> None:
        """Ask this probe too; a second one of the same name takes the first one's place."""
        self._probes[name] = probe

    async def report(self) -> HealthReport:
        """Ask all probes at once."""
        answers = await asyncio.gather(*(_ask(name, probe) for name, probe in self._probes.items()))
        checks = dict(zip(self._probes, answers, strict=True))
        return HealthReport(status="ok" if all(check.ok for check in answers) else "trouble", checks=checks)


class ClockProbe:
    """Whether the wall clock can be right, and whether it was set while the box ran."""

    def __init__(
        self, wall_ns: Callable[[], int] = clock.wall_ns, mono_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall_ns = wall_ns
        self._mono_ns = mono_ns
        self._offset_ns = wall_ns() - mono_ns()

    def __call__(self) -> Check:
        """Laps are not touched by any of this; dates on records are."""
        now_ns = self._wall_ns()
        if not EARLIEST_NS <= now_ns <= LATEST_NS:
            return Check(
                ok=False,
                message=f"The clock says {clock.iso_utc(now_ns)}, which cannot be. Laps are right, dates are not.",
                remedy="Set the clock of the box, or give it a network with time servers for a moment.",
            )
        step_ns = now_ns - self._mono_ns() - self._offset_ns
        if abs(step_ns) > STEP_NS:
            return Check(
                ok=True, message=f"The clock was set by {step_ns // 1_000_000_000} s since the start. No lap changed."
            )
        return Check(ok=True, message=f"The clock says {clock.iso_utc(now_ns)}.")


def check_disk(data_dir: Path) -> Check:
    """Whether there is room to write."""
    free_bytes = shutil.disk_usage(data_dir).free
    message = f"{free_bytes // 1_000_000} MB are free in {data_dir}."
    remedy = "Free some space: old backups are in backups/."
    if free_bytes < FULL_BYTES:
        return Check(ok=False, message=f"The disk is full: {message}", remedy=remedy)
    return Check(ok=True, message=message, remedy=remedy if free_bytes < LOW_BYTES else "")


async def check_database(db: Database) -> Check:
    """Whether reading works, and writing since it last failed."""
    await db.fetch_one("SELECT 1")
    trouble = db.trouble
    if trouble is not None:
        # Changes one page for real: an empty transaction would always succeed.
        await db.write(lambda connection: connection.execute("PRAGMA user_version = 1") and None)
    return Check(ok=True, message="Reading and writing work.")


async def _ask(name: str, probe: Probe) -> Check:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            answer = probe()
            return await answer if inspect.isawaitable(answer) else answer
    except TimeoutError:
        return Check(ok=False, message=f"No answer within {PROBE_TIMEOUT_S:.0f} s.", remedy="Look again in a moment.")
    except Exception as error:  # One broken probe must not hide the others.
        log.warning("probe_failed name=%s error=%s", name, error)
        remedy = getattr(error, "remedy", "Run trackside doctor.")
        return Check(ok=False, message=getattr(error, "message", str(error)), remedy=remedy)
