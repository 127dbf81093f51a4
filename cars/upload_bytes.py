"""
The bytes of an upload on their way to the disk: gathered, written in a thread, and in the row once they are safe.

Decides what of a broken request is kept. Whose turn it is, and where an upload stands, uploads.py knows.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from appliance.errors import InvalidInput, TooLarge
from cars.blobs import Appending, Blobs, disk_full
from cars.upload_structs import UploadView, WrongOffset, too_much
from cars.upload_turn import Silent

T = TypeVar("T")

PIECE_BYTES = 256 * 1024
"""Gathered before it goes to the disk: the most of an upload that is in memory."""
DISKS = 2
"""Threads that write uploads at the same time: the others are for pages and passwords."""


class Incoming:
    """What all uploads share on their way to one disk."""

    def __init__(self, blobs: Blobs, moved_on: Callable[[str, int], Awaitable[UploadView]]) -> None:
        self._blobs = blobs
        self._moved_on = moved_on
        self._disk = asyncio.Semaphore(DISKS)

    async def received(
        self, upload: UploadView, body: AsyncIterator[bytes], limit: int, sha256: str | None
    ) -> UploadView:
        """
        Append what comes, `limit` bytes at most; on the disk and in the row when this returns.

        Args:
            sha256: Of these bytes; without it, what came before a break is kept.

        Raises:
            WrongOffset: the sender had to give way; says how far it came.
            TooLarge: more came; nothing is kept.
            InvalidInput: the bytes have another digest; nothing is kept.
            NotReady: the disk is full; what fitted is kept.
        """
        if await asyncio.to_thread(self._blobs.spare_bytes) < 0:
            raise disk_full()
        file = await self.on_disk(Appending, self._blobs.upload_path(upload.upload_id), upload.offset)
        try:
            try:
                await self._written(file, body, limit, sha256)
            except (TooLarge, InvalidInput):
                await self.on_disk(file.cut, upload.offset)
                raise
            except Silent:
                stands = await self._kept(upload, file, sha256)
                raise WrongOffset(stands) from None
            except Exception:  # The connection or the disk broke: what came before is good.
                await self._kept(upload, file, sha256)
                raise
            return await self._kept(upload, file, None)
        finally:
            await asyncio.to_thread(file.close)

    async def _written(self, file: Appending, body: AsyncIterator[bytes], limit: int, sha256: str | None) -> None:
        """Everything that comes goes to the disk, in pieces large enough to be worth a thread."""
        digest = None if sha256 is None else hashlib.sha256()
        received = 0
        async for piece in _gathered(body):
            received += len(piece)
            if received > limit:
                raise too_much()
            if digest is not None:
                digest.update(piece)
            await self.on_disk(file.add, piece)
        if digest is not None and digest.hexdigest() != sha256:
            raise InvalidInput(
                "This chunk was damaged on its way.", "Send it again from the same offset.", field="x-chunk-sha256"
            )

    async def _kept(self, upload: UploadView, file: Appending, sha256: str | None) -> UploadView:
        """On the disk, then in the row; only then does anybody hear of it."""
        if sha256 is not None:
            await self.on_disk(file.cut, upload.offset)
        await self.on_disk(file.sync)
        return await self._moved_on(upload.upload_id, file.offset)

    async def on_disk(self, work: Callable[..., T], *arguments: object) -> T:
        """Work on the disk, in a thread."""
        async with self._disk:
            return await asyncio.to_thread(work, *arguments)


async def _gathered(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of PIECE_BYTES or a little more; what came before a break is handed on first."""
    waiting = bytearray()
    try:
        async for piece in body:
            waiting += piece
            if len(waiting) >= PIECE_BYTES:
                yield bytes(waiting)
                waiting.clear()
    except Exception:
        if waiting:
            yield bytes(waiting)
        raise
    if waiting:
        yield bytes(waiting)
