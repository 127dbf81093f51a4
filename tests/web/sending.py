"""A program that sends models in pieces, as a phone does, and waits until the box has looked into them."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import httpx

from cars.facts import ModelChanged
from cars.model_structs import ModelStatus, ModelView
from cars.upload_structs import CHUNK_BYTES
from tests.web.conftest import Site

PIECE = 1000
LONGEST_S = 30
"""An inspection takes half a second, on a busy machine a few."""


@dataclass
class Sender:
    """One person's program; `begin`, then `put`."""

    site: Site
    role: str = "racer"

    async def begin(self, data: bytes, file_name: str = "fast.tar.gz", **fields: Any) -> dict[str, Any]:
        """Begin an upload; it must be let."""
        body = {"file_name": file_name, "size_bytes": len(data), **fields}
        answer = await self.site.send(self.role, "POST", "/api/uploads", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def put(self, upload_id: str, offset: int, data: bytes, **headers: str) -> httpx.Response:
        """Send a piece."""
        address = f"/api/uploads/{upload_id}?offset={offset}"
        return await self.site.send(self.role, "PUT", address, content=data, headers=headers)

    async def get(self, upload_id: str) -> dict[str, Any]:
        """How far it is."""
        return dict((await self.site.send(self.role, "GET", f"/api/uploads/{upload_id}")).json())

    async def send(self, data: bytes, file_name: str = "fast.tar.gz", **fields: Any) -> str:
        """All of it, in three pieces or more; answers the model's id."""
        upload = await self.begin(data, file_name, **fields)
        size = min(len(data) // 3 + 1, CHUNK_BYTES)
        while upload["model_id"] is None:
            answer = await self.put(upload["upload_id"], upload["offset"], data[upload["offset"] :][:size])
            assert answer.status_code == 200, answer.text
            upload = answer.json()
        return str(upload["model_id"])


async def looked_into(site: Site, model_id: str) -> ModelView:
    """The model, once it no longer waits."""
    changed = asyncio.Event()
    end = site.house.facts.subscribe(ModelChanged, lambda _: changed.set())
    try:
        async with asyncio.timeout(LONGEST_S):
            while (model := await site.house.models.get(model_id)).status is ModelStatus.UPLOADED:
                await changed.wait()
                changed.clear()
            return model
    finally:
        end()


def digest(data: bytes) -> str:
    """As the API wants it."""
    return hashlib.sha256(data).hexdigest()
