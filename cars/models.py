"""
Racers' models: which there are, whose they are, and where their bytes lie. Durable before anyone sees it.

Owns the rows and the archives, each stored once however many racers have it, and follows what becomes of people: a
merged racer's models move, a forgotten one's are erased. Bytes come in through uploads.py and walk_up.py; looking.py
looks into them. Event loop only; the disk is worked on in threads.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import Conflict, NotFound
from appliance.facts import Facts
from appliance.people import People, RacerForgotten, RacersMerged
from cars import models_store
from cars.blobs import METADATA, PB, Blobs
from cars.facts import ModelChanged
from cars.looking import Inspecting, Looking, Waiting
from cars.model_called import ModelNames
from cars.model_names import check_name
from cars.model_structs import ModelStatus, ModelView
from cars.models_store import NewModel, Sought, no_model
from cars.scanning import Scanning

__all__ = ["ModelFiles", "Models", "NewModel", "Sought"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """What goes onto a car, as it lies on this box."""

    pb: Path
    metadata: Path


class Models:
    """All of them. `await load()`, `start()`, and `await stop()` at the end."""

    def __init__(self, db: Database, facts: Facts, people: People, directory: Path, inspector: Inspecting) -> None:
        self._db = db
        self._facts = facts
        self._people = people
        self._bytes_lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self.blobs = Blobs(directory)
        self.names = ModelNames(db)
        self._looking = Looking(
            db,
            self.blobs,
            inspector,
            bytes_lock=self._bytes_lock,
            tell=self._tell,
            drop_unneeded=self._drop_unneeded,
        )
        self._scanning = Scanning(db, self.blobs, tell=self._tell, drop_unneeded=self._drop_unneeded)
        facts.subscribe(RacersMerged, self._racers_merged)
        facts.subscribe(RacerForgotten, self._racer_forgotten)

    async def load(self) -> None:
        """Make the directories, catch up with people who were merged or forgotten, throw away what nobody needs."""
        await asyncio.to_thread(self.blobs.prepare)
        await self._catch_up_with_people()
        needed = await self._db.write(models_store.needed)
        lost = await asyncio.to_thread(lambda: [one for one in self.blobs.kept() if one not in needed])
        for sha256 in lost:
            await asyncio.to_thread(self.blobs.drop, sha256)

    def start(self) -> None:
        """Begin to look into what waits, and to scan what was never scanned."""
        self._looking.start()
        self._scanning.start()

    async def stop(self) -> None:
        """End the inspections; everything begun elsewhere becomes durable."""
        await self._looking.stop()
        await self._scanning.stop()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    # reads

    async def get(self, model_id: str) -> ModelView:
        """
        One model, also a deleted one.

        Raises:
            NotFound: there never was one of this id.
        """
        row = await self._db.fetch_one("SELECT * FROM model WHERE model_id = ?", [model_id])
        if row is None:
            raise no_model()
        return self._view(row)

    async def find(self, sought: Sought) -> list[ModelView]:
        """Models that fit, newest first."""
        return [self._view(row) for row in await self._db.fetch_all(*models_store.query(sought))]

    async def files(self, model_id: str) -> ModelFiles:
        """
        The two files that a car needs.

        Raises:
            Conflict: this model is not AVAILABLE; says what it is.
            NotFound: there never was one of this id.
        """
        model = await self.get(model_id)
        if model.status is not ModelStatus.AVAILABLE:
            raise not_available(model)
        unpacked = self.blobs.unpacked(model.archive_sha256)
        return ModelFiles(pb=unpacked / PB, metadata=unpacked / METADATA)

    async def archive(self, model_id: str) -> Path:
        """The archive as it came. Raises Conflict when it is not kept, and NotFound."""
        model = await self.get(model_id)
        if model.status not in (ModelStatus.UPLOADED, ModelStatus.AVAILABLE):
            raise not_available(model)
        return self.blobs.archive(model.archive_sha256)

    async def waiting(self) -> Waiting:
        """What waits to be looked into, for the health of the box."""
        return await self._looking.waiting()

    # changes: durable when they return

    async def rename(self, model_id: str, name: str, actor: str) -> ModelView:
        """
        Call it something else.

        Raises:
            InvalidInput: no model can be called so.
            Conflict: another model of this racer is called so.
        """
        check_name(name)
        if await self._db.write(
            lambda database: models_store.rename(database, model_id, name, actor, now_iso())
        ):  # Races and cars keep the id; what lies on a car keeps its folder. The next page has the new name.
            await asyncio.shield(self._begin(self._told([model_id])))
        return await self.get(model_id)

    async def choose(self, model_id: str) -> ModelView:
        """
        Race with this one of its racer's from now on; one of the box's: give it to walk-ups.

        Raises:
            Conflict: this model is not AVAILABLE; says what it is.
            NotFound: there never was one of this id.
        """
        await self.files(model_id)
        self._tell(await self._db.write(lambda database: models_store.choose(database, model_id, now_iso())))
        return await self.get(model_id)

    async def delete(self, model_id: str, actor: str) -> None:
        """Take it away, and its bytes unless somebody else has the same. Deleting again changes nothing."""
        await asyncio.shield(self._begin(self._deleted(model_id, actor)))

    async def add(self, source: Path, sha256: str, job: Callable[[sqlite3.Connection], str]) -> str:
        """
        Take in a whole archive; it is looked into by itself.

        Args:
            source: The file, on the same disk; stays where it is.
            job: Makes the row with models_store.insert, and whatever belongs to it; answers the model's id.
        """
        async with self._bytes_lock:
            await asyncio.to_thread(self.blobs.keep, source, sha256)
            try:
                model_id = await self._db.write(job)
            except BaseException:
                self._begin(self._drop_unneeded(sha256))
                raise
        log.info("model_uploaded model_id=%s sha256=%s", model_id, sha256)
        self._tell([model_id])
        self._looking.wake()
        return model_id

    # what the changes are made of

    async def _deleted(self, model_id: str, actor: str) -> None:
        if await self._db.write(lambda database: models_store.delete(database, model_id, actor, now_iso())):
            log.info("model_deleted model_id=%s actor=%s", model_id, actor)
            self._tell([model_id])
            await self._drop_unneeded((await self.get(model_id)).archive_sha256)

    async def _drop_unneeded(self, sha256: str) -> None:
        """Throw the bytes away if nobody's model needs them; not while somebody else's are taken in."""
        async with self._bytes_lock:
            if not await self._db.write(lambda database: models_store.is_needed(database, sha256)):
                await asyncio.to_thread(self.blobs.drop, sha256)

    def _view(self, row: sqlite3.Row) -> ModelView:
        return models_store.view_of(row, self._people.name_of)

    def _tell(self, model_ids: list[str]) -> None:
        self._begin(self._told(model_ids))

    async def _told(self, model_ids: list[str]) -> None:
        for model_id in model_ids:
            model = await self.get(model_id)
            self.names.changed(model)
            if model.status is ModelStatus.AVAILABLE:
                self._scanning.wake()
            self._facts.publish(ModelChanged(model_id=model_id, racer_id=model.racer_id))

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run to the end even when the caller goes away."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # people

    def _racers_merged(self, fact: RacersMerged) -> None:
        self._begin(self._merged(fact.keep_id, fact.duplicate_id))

    def _racer_forgotten(self, fact: RacerForgotten) -> None:
        self._begin(self._forgotten(fact.person_id))

    async def _merged(self, keep_id: str, duplicate_id: str) -> None:
        self._tell(await self._db.write(lambda database: models_store.merged(database, keep_id, duplicate_id)))

    async def _forgotten(self, person_id: str) -> None:
        """Also what the log of the database still has of the names."""
        job = lambda database: models_store.forgotten(database, person_id, now_iso())  # noqa: E731
        gone = await self._db.write(job)
        for upload_id in gone.upload_ids:
            await asyncio.to_thread(self.blobs.drop_upload, upload_id)
        for sha256 in gone.digests:
            await self._drop_unneeded(sha256)
        self._tell(gone.model_ids)
        await self._db.scrub()

    async def _catch_up_with_people(self) -> None:
        """The box may have died between a merge or a forgetting and what follows from it."""
        owners = await self._db.fetch_all(
            "SELECT racer_id FROM model WHERE status != 'DELETED' UNION SELECT racer_id FROM upload"
        )
        for racer_id in [row["racer_id"] for row in owners if row["racer_id"] is not None]:
            try:
                person = self._people.get(racer_id)
            except NotFound:
                continue
            if person.merged_into is not None:
                await self._merged(person.merged_into, racer_id)
            if person.neutral:
                await self._forgotten(person.merged_into or racer_id)


def not_available(model: ModelView) -> Conflict:
    """Why this model cannot be had."""
    words = {
        ModelStatus.UPLOADED: ("is still being looked into.", "Wait some seconds and try again."),
        ModelStatus.DELETED: ("was deleted.", "Upload it again."),
    }
    reason, remedy = words.get(model.status, (f"cannot be used: {model.reason}", model.remedy or "Upload it again."))
    return Conflict(f"{model.name} {reason}", remedy)
