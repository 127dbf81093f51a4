"""
Looking into models behind everybody's back: what waits is inspected, two at a time.

Owns the tasks. What an inspection finds, cars/inspector.py says; what it means for the rows, models_store.py.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from appliance.clock import mono_ns, now_iso
from appliance.database import Database
from appliance.errors import ApplianceError
from cars import models_store
from cars.blobs import Blobs
from cars.inspection import Fit, Inspection

AT_ONCE = 2
"""Inspections: each is a process of its own, and a Raspberry Pi has timing to do besides."""
AGAIN_S = 30.0
"""Before what went wrong through no fault of the bytes (a full disk) is tried again."""
UNPACKED_BYTES = 600 * 1024 * 1024
"""What an inspection may write at most (500 MB), and a little."""
KEEP_FREE_BYTES = 256 * 1024 * 1024
"""Not even an inspection of the largest archive takes this."""

log = logging.getLogger(__name__)

Told = Callable[[list[str]], None]
"""Models are different now."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """
    What waits to be looked into.

    `still_ns`: so long nothing came to an end while something waited. `trouble`: what put the last one off.
    """

    models: int
    still_ns: int
    trouble: ApplianceError | None


class Inspecting(Protocol):
    """What is needed of cars/inspector.py."""

    async def inspect(self, archive: Path, into: Path) -> Inspection:
        """Look into an archive; its two files are in `into` when it is fit."""


class Looking:
    """`start()`, `wake()` after every new row, `await stop()`."""

    def __init__(
        self,
        db: Database,
        blobs: Blobs,
        inspector: Inspecting,
        *,
        bytes_lock: asyncio.Lock,
        tell: Told,
        drop_unneeded: Callable[[str], Awaitable[None]],
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._inspector = inspector
        self._bytes_lock = bytes_lock
        self._tell = tell
        self._drop_unneeded = drop_unneeded
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._later: set[str] = set()
        self._giving_out: asyncio.Task[None] | None = None
        self._moved_ns = mono_ns()
        self._trouble: ApplianceError | None = None

    async def waiting(self) -> Waiting:
        """How it goes."""
        rows = await self._db.fetch_all("SELECT count(*) AS models FROM model WHERE status = 'UPLOADED'")
        models: int = rows[0]["models"]
        if not models:
            self._has_moved()
        return Waiting(models, mono_ns() - self._moved_ns, self._trouble)

    def start(self) -> None:
        """Begin with what waited before the restart."""
        self._giving_out = asyncio.create_task(self._give_out())

    def wake(self) -> None:
        """Something new waits."""
        self._wake.set()

    async def stop(self) -> None:
        """End all of it; what was not finished is begun again after the next start."""
        tasks = [*self._under_way.values(), *([self._giving_out] if self._giving_out else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._giving_out = None

    # inspections

    async def _give_out(self) -> None:
        while True:
            self._wake.clear()
            try:
                for sha256 in (await self._waiting())[: AT_ONCE - len(self._under_way)]:
                    task = asyncio.create_task(self._look(sha256))
                    self._under_way[sha256] = task
                    task.add_done_callback(partial(self._done, sha256))
            except Exception:  # The database will be there again: the next round has all.
                log.exception("waiting_models_not_read")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await self._wake.wait()

    def _done(self, sha256: str, _: asyncio.Task[None]) -> None:
        del self._under_way[sha256]
        self._wake.set()

    async def _waiting(self) -> list[str]:
        rows = await self._db.fetch_all(
            "SELECT archive_sha256, min(model_id) FROM model WHERE status = 'UPLOADED' GROUP BY 1 ORDER BY 2"
        )
        if not rows:
            self._has_moved()
        busy = self._under_way.keys() | self._later
        return [row["archive_sha256"] for row in rows if row["archive_sha256"] not in busy]

    async def _look(self, sha256: str) -> None:
        """One archive; whatever happens, the others go on."""
        try:
            if not await self._is_known(sha256):
                await self._inspect(sha256)
            self._has_moved()
        except Exception as error:
            self._put_off(sha256)
            if isinstance(error, ApplianceError):
                self._trouble = error
                log.warning("inspection_put_off sha256=%s error=%s", sha256, error)
                with contextlib.suppress(ApplianceError):
                    await self._db.write(lambda database: models_store.unbegin_look(database, sha256))
            else:
                log.exception("inspection_failed sha256=%s", sha256)

    def _has_moved(self) -> None:
        self._moved_ns, self._trouble = mono_ns(), None

    def _put_off(self, sha256: str) -> None:
        self._later.add(sha256)

        def again() -> None:
            self._later.discard(sha256)
            self._wake.set()

        asyncio.get_running_loop().call_later(AGAIN_S, again)

    async def _is_known(self, sha256: str) -> bool:
        """Whether somebody else's model of the same bytes was found fit: then so is this one."""
        async with self._bytes_lock:
            facts = await self._db.write(lambda database: models_store.known_facts(database, sha256))
            if facts is None or not await asyncio.to_thread(self._blobs.unpacked(sha256).is_dir):
                return False
            self._tell(await self._db.write(lambda database: models_store.looked(database, sha256, facts, now_iso())))
            return True

    async def _inspect(self, sha256: str) -> None:
        number = await self._db.write(lambda database: models_store.begin_look(database, sha256))
        if number == 0:
            return
        if number > models_store.LOOKS:
            await self._refuse(
                sha256, "The box could not look into this file.", "Download the model again and upload that file."
            )
            return
        await asyncio.to_thread(self._blobs.check_room, KEEP_FREE_BYTES + UNPACKED_BYTES * len(self._under_way))
        work = await asyncio.to_thread(self._blobs.work_directory, sha256)
        found = await self._inspector.inspect(self._blobs.archive(sha256), work)
        if isinstance(found, Fit):
            await self._accept(sha256, found, work)
        else:
            await self._refuse(sha256, found.reason, found.remedy)
            await asyncio.to_thread(self._blobs.drop_work, work)

    async def _accept(self, sha256: str, found: Fit, work: Path) -> None:
        async with self._bytes_lock:
            await asyncio.to_thread(self._blobs.keep_unpacked, work, sha256)
            changed = await self._db.write(
                lambda database: models_store.looked(database, sha256, found.facts, now_iso())
            )
        log.info("model_available sha256=%s", sha256)
        self._tell(changed)
        if not changed:  # Deleted meanwhile.
            await self._drop_unneeded(sha256)

    async def _refuse(self, sha256: str, reason: str, remedy: str) -> None:
        job = lambda database: models_store.refused(database, sha256, reason, remedy, now_iso())  # noqa: E731
        changed = await self._db.write(job)
        log.info("model_not_valid sha256=%s reason=%s", sha256, reason)
        self._tell(changed)
        await self._drop_unneeded(sha256)
