"""
Scanning models for viruses where a scanner is installed: one at a time, behind everybody's back, never waited for.

A model is AVAILABLE first; what is found later quarantines it, whoever has it, and its bytes go.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from appliance.clock import now_iso
from appliance.database import Database
from cars import models_store
from cars.blobs import Blobs
from cars.virus_scan import Clean, Failed, Found, NotThere, Verdict, scan

AGAIN_S = 600.0
"""Before it is looked again whether a scanner is there."""

log = logging.getLogger(__name__)

Scan = Callable[[Path], Awaitable[Verdict]]


class Scanning:
    """`start()`, `wake()` after every model that became available, `await stop()`."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        *,
        tell: Callable[[list[str]], None],
        drop_unneeded: Callable[[str], Awaitable[None]],
        scan_file: Scan = scan,
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._tell = tell
        self._drop_unneeded = drop_unneeded
        self._scan_file = scan_file
        self._wake = asyncio.Event()
        self._failed: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with what was not scanned before the restart."""
        self._task = asyncio.create_task(self._scan_all())

    def wake(self) -> None:
        """There is more to scan."""
        self._wake.set()

    async def stop(self) -> None:
        """End it; what was not finished is scanned after the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _scan_all(self) -> None:
        while True:
            self._wake.clear()
            try:
                sha256 = await self._next()
                if sha256 is None:
                    await self._wake.wait()
                elif isinstance(await self._scan(sha256), NotThere):
                    await asyncio.sleep(AGAIN_S)
            except Exception:  # The database will be there again.
                log.exception("scan_put_off")
                await asyncio.sleep(AGAIN_S)

    async def _next(self) -> str | None:
        rows = await self._db.fetch_all(
            "SELECT archive_sha256, min(model_id) FROM model WHERE status = 'AVAILABLE' AND scanned_at IS NULL "
            "GROUP BY 1 ORDER BY 2"
        )
        return next((row["archive_sha256"] for row in rows if row["archive_sha256"] not in self._failed), None)

    async def _scan(self, sha256: str) -> Verdict:
        verdict = await self._scan_file(self._blobs.archive(sha256))
        if isinstance(verdict, Clean):
            await self._db.write(lambda database: models_store.scanned(database, sha256, now_iso()))
        elif isinstance(verdict, Found):
            await self._quarantine(sha256, verdict.name)
        elif isinstance(verdict, Failed):
            self._failed.add(sha256)
            log.warning("scan_failed sha256=%s reason=%s", sha256, verdict.reason)
        return verdict

    async def _quarantine(self, sha256: str, name: str) -> None:
        reason = f"The virus scanner found {name} in this file."
        remedy = "Download the model again, best on another computer, and upload that file; or ask the crew."
        changed = await self._db.write(
            lambda database: models_store.quarantined(database, sha256, reason, remedy, now_iso())
        )
        log.warning("model_quarantined sha256=%s found=%s", sha256, name)
        self._tell(changed)
        await self._drop_unneeded(sha256)
