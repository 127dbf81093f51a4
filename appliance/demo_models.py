"""
The demo's models: archives made on the spot by a program of their own, brought the way every racer's model comes.

Owns the folder they are made in, which is gone again when all are there. That one is AVAILABLE, and another is not, the
box finds out as ever.
"""

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from appliance.demo_client import Api, Refused
from appliance.demo_data import MODELS, DemoModel

FOLDER = "demo-models"
UNTIL_LOOKED_INTO_S = 0.5
LIST_LIMIT = 500
CONFLICT = 409


class Models:
    """`await bring()`, then `await wait()`; on a box that has them already nothing happens."""

    def __init__(self, api: Api, data: Path, size_kb: int, count: int) -> None:
        self._api = api
        self._wanted = MODELS[:count]
        self._folder = data / FOLDER
        self._size_bytes = size_kb * 1000

    async def bring(self, racers: Mapping[str, str]) -> None:
        """Upload those that are not there; `racers` are the ids by their usernames."""
        owners = {model.file_name: racers.get(model.username or "") for model in self._wanted}
        there = {(model["racer_id"], model["file_name"]) for model in await self._all()}
        missing = [model for model in self._wanted if (owners[model.file_name], model.file_name) not in there]
        if missing:
            try:
                await self._make_and_upload(missing, owners)
            finally:
                await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def wait(self) -> dict[str, int]:
        """Until the box has looked into all of them; how many there are of each status."""
        while True:
            statuses = [model["status"] for model in await self._all()]
            if "UPLOADED" not in statuses:
                return {status: statuses.count(status) for status in sorted(set(statuses))}
            await asyncio.sleep(UNTIL_LOOKED_INTO_S)

    async def for_racer(self, racer_id: str) -> list[str]:
        """Ids of the models that a racer could race with now: their own, else the box's."""
        own = await self._api.send("GET", f"/api/models?status=AVAILABLE&racer_id={racer_id}")
        usable = {model.file_name for model in MODELS if model.drives}
        mine = [model["model_id"] for model in own if model["file_name"] in usable]
        if mine:
            return mine
        return [model["model_id"] for model in await self._api.send("GET", "/api/models?status=AVAILABLE&box=true")]

    async def _all(self) -> list[dict[str, Any]]:
        models: list[dict[str, Any]] = await self._api.send("GET", f"/api/models?limit={LIST_LIMIT}")
        return models

    async def _make_and_upload(self, models: list[DemoModel], owners: Mapping[str, str | None]) -> None:
        self._folder.mkdir(exist_ok=True)
        orders = [
            {
                "file_name": model.file_name,
                "pb_bytes": round(self._size_bytes * model.share),
                "seed": model.file_name,
                "sensors": model.sensors,
                "algorithm": model.algorithm,
                "is_checkpoint": model.is_checkpoint,
            }
            for model in models
        ]
        maker = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "cars.standin.model_archives", str(self._folder), json.dumps(orders)),
            stdin=DEVNULL,
            stdout=PIPE,
            start_new_session=True,
        )
        assert maker.stdout is not None  # noqa: S101  a pipe was asked for
        try:
            while line := await maker.stdout.readline():
                path = self._folder / line.decode().rstrip("\n")
                await self._upload(path, owners[path.name])
        finally:
            with suppress(ProcessLookupError):
                maker.kill()
            await maker.wait()

    async def _upload(self, path: Path, racer_id: str | None) -> None:
        content = await asyncio.to_thread(path.read_bytes)
        new = {"file_name": path.name, "size_bytes": len(content), "racer_id": racer_id}
        upload = await self._api.send("POST", "/api/uploads", new)
        while upload["model_id"] is None:
            at, step = upload["offset"], upload["chunk_bytes"]
            place = f"/api/uploads/{upload['upload_id']}"
            try:
                upload = await self._api.send("PUT", f"{place}?offset={at}", content=content[at : at + step])
            except Refused as error:  # It stands elsewhere: an answer was lost.
                if error.status != CONFLICT:
                    raise
                upload = await self._api.send("GET", place)
        await asyncio.to_thread(path.unlink)
