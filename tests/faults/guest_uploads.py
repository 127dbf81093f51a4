"""
Runs inside the private kernel: looks what the last power cut left of models and uploads, then sends on.

`python -m tests.faults.guest_uploads SHARE NUMBER`. What the box acknowledged is noted in SHARE/notes.jsonl before the
next byte goes (tests/faults/guest.py). With NUMBER "last" everything that was begun is sent to its end, and every model
must be AVAILABLE, once.
"""

import asyncio
import hashlib
import os
import sys
from pathlib import Path
from random import Random
from typing import Any

import httpx
import msgspec

from cars.model_structs import ModelFacts
from tests.cars.model_samples import model_archive
from tests.faults import oracle
from tests.faults.box import PASSWORD, READY_S, Box, add_user
from tests.faults.guest import DATA, Notes

SENDERS = 3
NETWORK_BYTES = 400_000
PIECE_BYTES = (10_000, 150_000)
LOOK_S = 0.05
BLOBS, UPLOADS = DATA / "models" / "blobs", DATA / "models" / "uploads"


def data_of(number: int) -> bytes:
    """A model of this number, the same at each boot."""
    return model_archive(pb_bytes=NETWORK_BYTES, seed=f"cut {number}")


def sha256(data: bytes) -> str:
    """As the box names it."""
    return hashlib.sha256(data).hexdigest()


class Phone:
    """Sends for the crew: the models are the box's own."""

    def __init__(self, http: httpx.AsyncClient, notes: Notes, chance: Random) -> None:
        self._http = http
        self._notes = notes
        self._chance = chance

    async def sign_in(self) -> None:
        """From now on as the crew."""
        answer = await self.ask("POST", "/api/session", json={"username": "crew", "password": PASSWORD})
        self._http.headers["authorization"] = f"Bearer {answer['token']}"

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """One request that must be answered well."""
        answer = await self._http.request(method, path, **more)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)
        return answer.json()

    async def send(self, number: int) -> str:
        """One model from where the box has it; the model's id."""
        data = data_of(number)
        new = {"file_name": f"model-{number}.tar.gz", "size_bytes": len(data), "racer_id": None}
        upload = await self.ask("POST", "/api/uploads", json=new)
        self._notes.add("begun", number, upload["upload_id"])
        while upload["model_id"] is None:
            piece = data[upload["offset"] :][: self._chance.randint(*PIECE_BYTES)]
            address = f"/api/uploads/{upload['upload_id']}?offset={upload['offset']}"
            upload = await self.ask("PUT", address, content=piece)
            self._notes.add("offset", number, upload["upload_id"], upload["offset"])
        self._notes.add("model", number, upload["model_id"])
        return str(upload["model_id"])

    async def until_available(self, model_id: str) -> None:
        """Until the box has looked into it."""
        model = {"status": "UPLOADED"}
        async with asyncio.timeout(READY_S):
            while model["status"] == "UPLOADED":
                await asyncio.sleep(LOOK_S)
                model = await self.ask("GET", f"/api/models/{model_id}")
        assert model["status"] == "AVAILABLE", model
        self._notes.add("available", model_id)

    async def check(self) -> None:
        """Nothing that was acknowledged is missing."""
        available = {model_id for (model_id,) in self._notes.of("available")}
        whole = {number for number, _ in self._notes.of("model")}
        for number, model_id in self._notes.of("model"):
            model = await self.ask("GET", f"/api/models/{model_id}")
            assert model["archive_sha256"] == sha256(data_of(int(str(number)))), model
            assert model["status"] in ("UPLOADED", "AVAILABLE"), model
            assert model_id not in available or model["status"] == "AVAILABLE", model
        told = self._notes.of("offset")
        furthest = {str(upload_id): int(str(offset)) for number, upload_id, offset in told if number not in whole}
        for upload_id, offset in furthest.items():
            upload = await self.ask("GET", f"/api/uploads/{upload_id}")
            assert upload["offset"] >= offset, (upload, offset)


def check_models() -> None:
    """What a row says to be whole or AVAILABLE is so on the disk, byte by byte."""
    models = oracle.read(DATA / "trackside.db", "SELECT archive_sha256, status, facts FROM model")
    for digest, status, facts in models:
        archive = BLOBS / str(digest)[:2] / str(digest)
        assert sha256(archive.read_bytes()) == digest
        if status == "AVAILABLE":
            told = msgspec.json.decode(str(facts), type=ModelFacts)
            unpacked = archive.with_name(f"{digest}.d")
            assert sha256((unpacked / "model.pb").read_bytes()) == told.pb_sha256
            assert sha256((unpacked / "model_metadata.json").read_bytes()) == told.metadata_sha256


def check_uploads() -> None:
    """The bytes that a row says are there are those that were sent."""
    sql = "SELECT upload_id, file_name, offset_bytes FROM upload WHERE model_id IS NULL"
    for upload_id, file_name, offset in oracle.read(DATA / "trackside.db", sql):
        number, end = int(str(file_name).removeprefix("model-").removesuffix(".tar.gz")), int(str(offset))
        path = UPLOADS / str(upload_id)
        kept = path.read_bytes()[:end] if path.exists() else b""
        assert kept == data_of(number)[:end], file_name


def check_nothing_else() -> None:
    """No file lies about that no row knows."""
    models = oracle.read(DATA / "trackside.db", "SELECT archive_sha256 FROM model")
    assert {path.name.removesuffix(".d") for path in BLOBS.glob("??/*")} == {digest for (digest,) in models}
    assert list(UPLOADS.iterdir()) == []
    assert list((DATA / "models" / "work").iterdir()) == []


async def send_on(phone: Phone, notes: Notes) -> None:
    """What was begun first, then new ones, for ever; the plug is pulled some time."""
    numbers = iter(unfinished(notes) + list(range(1_000 * (1 + len(notes.of("boot"))), 1_000_000)))
    notes.add("boot")

    async def sender() -> None:
        for number in numbers:
            await phone.until_available(await phone.send(number))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(SENDERS):
            tasks.create_task(sender())


async def send_the_rest(phone: Phone, notes: Notes) -> None:
    """All that was ever begun, to its end."""
    model_ids = [await phone.send(number) for number in unfinished(notes)]
    for model_id in model_ids + [str(model_id) for _, model_id in notes.of("model")]:
        await phone.until_available(model_id)
    begun = {number for number, _ in notes.of("begun")}
    assert begun
    models = oracle.read(DATA / "trackside.db", "SELECT archive_sha256, status FROM model ORDER BY 1")
    assert models == sorted((sha256(data_of(int(str(number)))), "AVAILABLE") for number in begun)


def unfinished(notes: Notes) -> list[int]:
    """Numbers of models that were begun and never acknowledged as a whole."""
    whole = {number for number, _ in notes.of("model")}
    return sorted({int(str(number)) for number, _ in notes.of("begun") if number not in whole})


async def main(share: Path, number: str) -> None:
    """Look, then send."""
    notes = Notes(share / "notes.jsonl")
    if not (DATA / "users-made").exists():
        add_user(DATA, "crew", "admin")
        (DATA / "users-made").touch()
        os.sync()
    box = Box(DATA)
    box.start()
    try:
        await box.ready()
        async with httpx.AsyncClient(base_url=box.url, trust_env=False, timeout=READY_S) as http:
            phone = Phone(http, notes, Random(number))
            await phone.sign_in()
            await phone.check()
            oracle.assert_whole(DATA)
            check_models()
            check_uploads()
            if number != "last":
                await send_on(phone, notes)
            else:
                await send_the_rest(phone, notes)
                check_models()
                check_nothing_else()
    except BaseException:
        print(box.output()[-3_000:])
        raise
    finally:
        box.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
