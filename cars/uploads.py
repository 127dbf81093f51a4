"""
Files that come in pieces: begun, gone on with after any interruption, finished into a model.

Owns the unfinished files. An offset that was answered is on the disk and survives a kill and a power cut; what came
after it and was never answered is cut off. Refuses what the racer's quota or the disk's reserve has no room for.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from typing import TypeVar

from appliance.clock import iso_utc, now_iso, wall_ns
from appliance.database import Database
from appliance.errors import ApplianceError, Conflict, InvalidInput, TooLarge
from appliance.ids import new_id
from appliance.people import People
from cars import uploads_store
from cars.blobs import sha256_of
from cars.model_names import WANTED, check_kind, model_name
from cars.models import Models
from cars.models_store import NewModel, insert
from cars.upload_allowance import Allowance
from cars.upload_bytes import Incoming
from cars.upload_structs import CHUNK_BYTES, MAX_ARCHIVE_BYTES, NewUpload, UploadView, WrongOffset
from cars.upload_turn import Turns
from cars.uploads_store import Room, no_upload

log = logging.getLogger(__name__)

T = TypeVar("T")

UNFINISHED_H = 24
"""How long an upload waits for its next byte."""
TIDY_S = 3600.0


class Uploads:
    """All that are coming in. `await load()`, `start()`, and `await stop()` at the end."""

    def __init__(self, db: Database, people: People, models: Models, quota_bytes: int) -> None:
        self._db = db
        self._people = people
        self._models = models
        self._blobs = models.blobs
        self._quota_bytes = quota_bytes
        self._turns = Turns()
        self._incoming = Incoming(models.blobs, self._moved_on)
        self._begun = Allowance(people)
        self._background: list[asyncio.Task[None]] = []

    async def load(self) -> None:
        """Make rows and files agree: after `Models.load`, before anybody sends."""
        rows = await self._db.fetch_all("SELECT upload_id, offset_bytes FROM upload WHERE model_id IS NULL")
        await asyncio.to_thread(self._blobs.drop_other_uploads, {row["upload_id"] for row in rows})
        for row in rows:
            there = await asyncio.to_thread(self._blobs.uploaded_bytes, row["upload_id"])
            if there < row["offset_bytes"]:
                await self._moved_on(row["upload_id"], there)

    def start(self) -> None:
        """Finish what had all its bytes when the box died, and throw away what nobody goes on with."""
        self._background = [asyncio.create_task(self._finish_whole_ones()), asyncio.create_task(self._tidy())]

    async def stop(self) -> None:
        """End the work behind everybody's back."""
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)

    # reads

    async def get(self, upload_id: str) -> UploadView:
        """
        One upload, for a day after its last byte.

        Raises:
            NotFound: there is none, or not any more.
        """
        row = await self._db.fetch_one("SELECT * FROM upload WHERE upload_id = ?", [upload_id])
        if row is None:
            raise no_upload()
        return uploads_store.view_of(row)

    async def unfinished(self, racer_id: str | None) -> list[UploadView]:
        """Those of one racer (None: the box's own) that wait for more bytes, the oldest first."""
        sql = "SELECT * FROM upload WHERE racer_id IS ? AND model_id IS NULL ORDER BY upload_id"
        return [uploads_store.view_of(row) for row in await self._db.fetch_all(sql, [racer_id])]

    def receiving(self) -> list[str]:
        """Uploads that somebody is sending, or waits to send, at this moment."""
        return self._turns.busy()

    # changes: durable when they return

    async def begin(self, new: NewUpload, racer_id: str | None, actor: str) -> UploadView:
        """
        Begin an upload, or find the one that was begun with the same file.

        Args:
            racer_id: Whose model it will be; None: the box's own.

        Raises:
            InvalidInput: no model has such a name.
            TooLarge: no car takes so large a model.
            Conflict: the racer's quota is full, or the racer is nobody any more.
            NotReady: the disk has no room.
            TooManyTries: this person begins too many.
        """
        file_name = check_kind(new.file_name)
        if new.size_bytes > MAX_ARCHIVE_BYTES:
            raise _too_large(file_name, new.size_bytes)
        if racer_id is not None:
            racer_id = self._living(racer_id)
        self._begun.check(actor)
        upload = UploadView(
            upload_id=new_id(),
            racer_id=racer_id,
            file_name=file_name,
            size_bytes=new.size_bytes,
            offset=0,
            chunk_bytes=CHUNK_BYTES,
            modified_at=new.modified_at,
            touched_at=now_iso(),
            model_id=None,
        )
        spare_bytes = await asyncio.to_thread(self._blobs.spare_bytes)
        room = Room(quota_bytes=None if racer_id is None else self._quota_bytes, spare_bytes=spare_bytes)
        found, is_new = await self._db.write(
            lambda database: uploads_store.find_or_insert(database, upload, new.sha256, actor, room)
        )
        if is_new:
            self._begun.spend(actor)
            log.info("upload_begun upload_id=%s size_bytes=%s actor=%s", found.upload_id, found.size_bytes, actor)
        return found

    async def receive(
        self, upload_id: str, offset: int, body: AsyncIterator[bytes], sha256: str | None = None
    ) -> UploadView:
        """
        Take the bytes from `offset` on; with the last one the model is there.

        What came before a connection was lost is kept, unless `sha256` (of this chunk) was to prove it.

        Raises:
            WrongOffset: the upload stands elsewhere; nothing was taken.
            TooLarge: more than a chunk, or more than the file was said to have; nothing was taken.
            InvalidInput: the bytes do not have the digest that was said.
            NotReady: the disk is full.
            NotFound: there is no such upload.
        """
        async with self._turns.of(upload_id) as turn:
            upload = await self.get(upload_id)
            if upload.model_id is not None or upload.offset != offset:
                raise WrongOffset(upload)
            limit = min(CHUNK_BYTES, upload.size_bytes - offset)
            upload = await self._incoming.received(upload, turn.heard(body), limit, sha256)
            return await self._finished_if_whole(upload)

    async def take_file(
        self, new: NewUpload, racer_id: str | None, body: AsyncIterator[bytes], actor: str
    ) -> UploadView:
        """
        A whole file in one go, from a form without script; what an interrupted upload of it had is sent again.

        Raises:
            As `begin` and `receive`; Conflict when fewer bytes came than were said.
        """
        begun = await self.begin(new, racer_id, actor)
        if begun.model_id is not None:
            return begun
        async with self._turns.of(begun.upload_id, at_once=True):
            upload = await self._moved_on(begun.upload_id, 0)
            upload = await self._incoming.received(upload, body, upload.size_bytes, None)
            if upload.offset < upload.size_bytes:
                raise Conflict(f"{upload.file_name} did not arrive whole.", "Send it again.")
            return await self._finished_if_whole(upload)

    async def cancel(self, upload_id: str) -> None:
        """
        Throw an upload away, with what came of it. A model that it became stays.

        Raises:
            NotFound: there is no such upload.
        """
        async with self._turns.of(upload_id, at_once=True):
            await self.get(upload_id)
            await self._thrown_away(upload_id)

    # what the changes are made of

    async def _finished_if_whole(self, upload: UploadView) -> UploadView:
        if upload.offset < upload.size_bytes or upload.model_id is not None:
            return upload
        path = self._blobs.upload_path(upload.upload_id)
        digest = await self._incoming.on_disk(sha256_of, path)
        model_id = new_id()

        def job(database: sqlite3.Connection) -> str:
            row = uploads_store.row_of(database, upload.upload_id)
            if row["sha256"] not in (None, digest):
                raise InvalidInput(
                    f"{upload.file_name} was damaged on its way.", "Upload it again from the beginning.", field="sha256"
                )
            new = NewModel(
                model_id=model_id,
                racer_id=row["racer_id"],
                name=model_name(row["file_name"]),
                file_name=row["file_name"],
                size_bytes=row["size_bytes"],
                archive_sha256=digest,
                uploaded_at=now_iso(),
                actor=row["actor"],
            )
            made = insert(database, new)
            uploads_store.finished(database, upload.upload_id, made, now_iso())
            return made

        try:
            await self._models.add(path, digest, job)
        except InvalidInput:
            await self._thrown_away(upload.upload_id)
            raise
        await asyncio.to_thread(self._blobs.drop_upload, upload.upload_id)
        return await self.get(upload.upload_id)

    async def _thrown_away(self, upload_id: str) -> None:
        await self._db.write(lambda database: uploads_store.delete(database, upload_id))
        await asyncio.to_thread(self._blobs.drop_upload, upload_id)

    async def _moved_on(self, upload_id: str, offset: int) -> UploadView:
        return await self._db.write(lambda database: uploads_store.moved_on(database, upload_id, offset, now_iso()))

    def _living(self, racer_id: str) -> str:
        """Whom a model can belong to: a duplicate's belongs to whoever it was merged into."""
        person = self._people.get(racer_id)
        if person.merged_into is not None:
            person = self._people.get(person.merged_into)
        if person.neutral:
            raise Conflict(f"{person.username} is no longer a racer.", "Choose another racer.", field="racer_id")
        return person.person_id

    # behind everybody's back

    async def _finish_whole_ones(self) -> None:
        rows = await self._db.fetch_all(
            "SELECT upload_id FROM upload WHERE model_id IS NULL AND offset_bytes = size_bytes"
        )
        for row in rows:
            try:
                async with self._turns.of(row["upload_id"]):
                    await self._finished_if_whole(await self.get(row["upload_id"]))
            except ApplianceError as error:
                log.warning("upload_not_finished upload_id=%s error=%s", row["upload_id"], error)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            try:
                await self.throw_away_old()
            except ApplianceError as error:
                log.warning("uploads_not_tidied error=%s", error)

    async def throw_away_old(self) -> None:
        """Uploads that nobody has touched for a day."""
        before = iso_utc(wall_ns() - UNFINISHED_H * 3600 * 1_000_000_000)
        busy = self._turns.busy()
        for upload_id in await self._db.write(lambda database: uploads_store.delete_older(database, before, busy)):
            await asyncio.to_thread(self._blobs.drop_upload, upload_id)
            log.info("upload_expired upload_id=%s", upload_id)


def _too_large(file_name: str, size_bytes: int) -> TooLarge:
    return TooLarge(f"{file_name} has {size_bytes // 1_000_000} MB; no car takes more than 200.", WANTED)
