"""
Models for walk-ups: every archive that the crew puts into a folder of the box is taken in as the box's own.

Looks at the folder again and again. Takes a file once it has stopped growing, and never twice; what a person deleted
stays deleted. A file that goes takes no model along: a stick that is pulled out must not empty the list. A file that
cannot be taken is told to the health of the box and keeps no other waiting.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import ApplianceError, NotReady, TooLarge
from appliance.ids import new_id
from appliance.people import ACTOR_BOX
from cars.blobs import Blobs, disk_full, sha256_of
from cars.model_names import ENDINGS, model_name, shown_name
from cars.models import Models
from cars.models_store import NewModel, insert
from cars.upload_structs import MAX_ARCHIVE_BYTES

LOOK_S = 15.0
SETTLE_S = 2.0
"""A file that is the same after so long is no longer being copied."""
TAKE_IT_OUT = "Take it out of the folder, and put it in again once it was mended."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was at a look: another size or time means other bytes."""

    path: Path
    size_bytes: int
    modified_ns: int

    @property
    def name(self) -> str:
        """As it can be shown and stored: a stick may hold names that are no text."""
        return shown_name(self.path.name)


class WalkUpFolder:
    """`start()`, and `await stop()` at the end."""

    def __init__(self, db: Database, models: Models, folder: Path) -> None:
        self._db = db
        self._models = models
        self._folder = folder
        self._growing: set[Seen] = set()
        self._done: set[Seen] = set()
        self._troubles: dict[Seen, ApplianceError] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look_for_ever())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> bool:
        """Take what is new and was the same at the look before; False while something may still be growing."""
        seen = await asyncio.to_thread(_archives_in, self._folder)
        new = seen - self._done
        troubles = {}
        for file in sorted(new & self._growing, key=lambda file: file.path):
            trouble = await self._try(file)
            if trouble is None:
                self._done.add(file)
            else:
                troubles[file] = trouble
        self._growing, self._troubles = new - self._done, troubles
        return self._growing <= troubles.keys()

    @property
    def troubles(self) -> list[ApplianceError]:
        """What keeps a file in the folder from being taken, one for each, by name; tried again at every look."""
        return list(self._troubles.values())

    async def _try(self, file: Seen) -> ApplianceError | None:
        """What is wrong with the file, if it could not be taken."""
        try:
            await self._take(file)
        except ApplianceError as error:
            trouble = error
        except OSError as error:
            trouble = NotReady(f"{file.name} cannot be read: {error.strerror}.", TAKE_IT_OUT)
        except Exception:  # This file's fault, whatever it is: those after it are taken all the same.
            log.exception("walk_up_failed file=%s", file.name)
            trouble = NotReady(f"{file.name} could not be taken in.", f"{TAKE_IT_OUT} The box's log says more.")
        else:
            return None
        if str(trouble) != str(self._troubles.get(file)):
            log.warning("walk_up_put_off file=%s error=%s", file.name, trouble)
        return trouble

    async def _look_for_ever(self) -> None:
        while True:
            try:
                is_quiet = await self.look()
            except Exception:  # A folder that cannot be read must not end the looking.
                log.exception("walk_up_look_failed")
                is_quiet = True
            await asyncio.sleep(LOOK_S if is_quiet else SETTLE_S)

    async def _take(self, file: Seen) -> None:
        blobs = self._models.blobs
        if file.size_bytes > MAX_ARCHIVE_BYTES:
            size_mb = file.size_bytes // 1_000_000
            raise TooLarge(f"{file.name} has {size_mb} MB; no car takes more than 200.", "Take it out of the folder.")
        if await self._is_known(file.name, await asyncio.to_thread(sha256_of, file.path)):
            return
        await asyncio.to_thread(_refuse_full_disk, blobs, file)
        sha256, size_bytes, copy = await asyncio.to_thread(blobs.copy_in, file.path)
        new = NewModel(
            model_id=new_id(),
            racer_id=None,
            name=model_name(file.name),
            file_name=file.name,
            size_bytes=size_bytes,
            archive_sha256=sha256,
            uploaded_at=now_iso(),
            actor=ACTOR_BOX,
            folder_file=file.name,
        )
        try:
            await self._models.add(copy, sha256, lambda database: insert(database, new))
        finally:
            await asyncio.to_thread(copy.unlink)

    async def _is_known(self, file_name: str, sha256: str) -> bool:
        """Whether these bytes were taken from this file before, whatever became of them."""
        row = await self._db.fetch_one(
            "SELECT 1 FROM model WHERE racer_id IS NULL AND folder_file = ? AND archive_sha256 = ?",
            [file_name, sha256],
        )
        return row is not None


def _archives_in(folder: Path) -> set[Seen]:
    """Every file that may be a model; none when the folder is not there."""
    try:
        paths = [path for path in folder.iterdir() if ENDINGS.search(path.name) and not path.name.startswith(".")]
    except OSError:
        return set()
    return {seen for path in paths if (seen := _seen(path)) is not None}


def _seen(path: Path) -> Seen | None:
    try:
        about = path.stat()
    except OSError:
        return None
    is_file = path.is_file() and about.st_size > 0
    return Seen(path, about.st_size, about.st_mtime_ns) if is_file else None


def _refuse_full_disk(blobs: Blobs, file: Seen) -> None:
    if blobs.spare_bytes() < 2 * file.size_bytes:
        raise disk_full()
