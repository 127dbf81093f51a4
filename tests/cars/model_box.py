"""The models of one box around a real database and a real disk: what is below the pages."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.database import Database
from appliance.facts import Facts
from appliance.people import NewRacer, People
from appliance.serve import DATABASE, MIGRATIONS
from cars.facts import ModelChanged
from cars.inspection import Inspection
from cars.looking import Inspecting
from cars.model_structs import ModelStatus, ModelView
from cars.models import Models
from cars.upload_structs import NewUpload, UploadView
from cars.uploads import Uploads

QUOTA_BYTES = 1_000_000_000
LONGEST_S = 30
"""An inspection takes half a second, on a busy machine a few."""
SENDER = "sender"


class NeverLooks:
    """An inspector that never comes to an answer: for tests of what happens before it does."""

    async def inspect(self, archive: Path, into: Path) -> Inspection:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError


@dataclass
class ModelBox:
    """One box, and shortcuts for what tests do again and again."""

    db: Database
    facts: Facts
    people: People
    models: Models
    uploads: Uploads
    changes: asyncio.Event = field(default_factory=asyncio.Event)

    async def racer(self, username: str = "anna") -> str:
        """Sign a racer up; answers their id."""
        return (await self.people.register(NewRacer(username=username), "desk")).person_id

    async def begin(self, data: bytes, racer_id: str | None, name: str = "fast.tar.gz", **more: str) -> UploadView:
        """Begin an upload of these bytes."""
        new = NewUpload(file_name=name, size_bytes=len(data), **more)
        return await self.uploads.begin(new, racer_id, SENDER)

    async def send(self, data: bytes, racer_id: str | None, name: str = "fast.tar.gz", **more: str) -> str:
        """All of it at once; answers the model's id."""
        upload = await self.begin(data, racer_id, name, **more)
        done = await self.uploads.receive(upload.upload_id, upload.offset, pieces(data[upload.offset :]))
        assert done.model_id is not None
        return done.model_id

    async def until(self, wanted: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a change of a model makes it so."""
        async with asyncio.timeout(LONGEST_S):
            while not await wanted():
                await self.changes.wait()
                self.changes.clear()

    async def looked_into(self, model_id: str) -> ModelView:
        """The model, once it no longer waits."""

        async def is_done() -> bool:
            return (await self.models.get(model_id)).status is not ModelStatus.UPLOADED

        await self.until(is_done)
        return await self.models.get(model_id)

    async def kept(self) -> set[str]:
        """The digests of all archives on the disk."""
        return await asyncio.to_thread(lambda: set(self.models.blobs.kept()))

    async def kept_at_last(self, wanted: set[str]) -> None:
        """Wait until exactly these are kept: bytes go after the word that they are to."""
        async with asyncio.timeout(LONGEST_S):
            while await self.kept() != wanted:
                pass

    async def unfinished_files(self) -> set[str]:
        """The names of the files of uploads under way."""
        uploads = self.models.blobs.directory / "uploads"
        return await asyncio.to_thread(lambda: {path.name for path in uploads.iterdir()})


@asynccontextmanager
async def model_box(
    directory: Path, *, inspector: Inspecting | None = None, quota_bytes: int = QUOTA_BYTES
) -> AsyncIterator[ModelBox]:
    """The models of the box in `directory`; may be opened again after it was closed. Looks into nothing by itself."""
    facts = Facts()
    db = await Database.open(directory / DATABASE, MIGRATIONS)
    try:
        people = People(db, facts, b"0" * 32)
        await people.load()
        models = Models(db, facts, people, directory / "models", inspector or NeverLooks())
        await models.load()
        uploads = Uploads(db, people, models, quota_bytes)
        await uploads.load()
        models.start()
        uploads.start()
        box = ModelBox(db, facts, people, models, uploads)
        facts.subscribe(ModelChanged, lambda _: box.changes.set())
        try:
            yield box
        finally:
            await uploads.stop()
            await models.stop()
            await people.settle()
    finally:
        await db.close()


async def pieces(data: bytes, size: int = 1_000) -> AsyncIterator[bytes]:
    """A request's body."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


class Gone(Exception):
    """The sender's connection broke."""


async def broken_off(data: bytes) -> AsyncIterator[bytes]:
    """A body that ends in the middle of a chunk."""
    async for piece in pieces(data):
        yield piece
    raise Gone


class Held:
    """A body that says nothing more after its first bytes, until it is let."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.is_heard = asyncio.Event()
        self.go_on = asyncio.Event()

    async def body(self) -> AsyncIterator[bytes]:
        """The bytes, then silence."""
        yield self._data
        self.is_heard.set()
        await self.go_on.wait()


def digest(data: bytes) -> str:
    """As the database has it."""
    return hashlib.sha256(data).hexdigest()


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that are no model; others for each seed."""
    return hashlib.shake_128(str(seed).encode()).digest(size)
