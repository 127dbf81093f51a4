"""
A day of uploads that ends with kill -9 before each of its steps: `python -m tests.cars.killed_uploads [EVERY]`.

A step is every touch of the disk and every transaction. After each kill the box is opened again: what was answered
must be there, nothing may be there twice or lie about, and the day can be gone on with.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.database import Database
from appliance.errors import ApplianceError
from cars.blobs import Appending, Blobs
from cars.model_structs import ModelStatus, ModelView
from cars.models_store import Sought
from cars.upload_structs import WrongOffset
from tests.cars.model_box import ModelBox, digest, model_box, noise, pieces

DATA = noise(30_000)
CHUNK = 12_000
STEPS: tuple[tuple[type, str], ...] = (
    (Appending, "__init__"),
    (Appending, "add"),
    (Appending, "sync"),
    (Appending, "close"),
    (Blobs, "keep"),
    (Blobs, "drop"),
    (Blobs, "drop_upload"),
    (Database, "write"),
)
FAR = 10_000


class Fuse:
    """Counts steps, and kills the process instead of taking step number `at`."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.taken = 0
        for kind, name in STEPS:
            setattr(kind, name, self._counted(getattr(kind, name)))

    def _counted(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self.taken += 1
            if self.taken == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(*arguments)

        return counted


def said(folder: Path | None, words: str) -> None:
    """Note down what the box has answered."""
    if folder is not None:
        with (folder / "answers").open("a") as answers:
            answers.write(f"{words}\n")


async def send(box: ModelBox, folder: Path | None, racer_id: str) -> str:
    """The data, in pieces, from where it stands."""
    upload = await box.begin(DATA, racer_id)
    while upload.model_id is None:
        chunk = DATA[upload.offset :][:CHUNK]
        try:
            upload = await box.uploads.receive(upload.upload_id, upload.offset, pieces(chunk))
        except WrongOffset as error:  # The box itself finished what had all its bytes when it died.
            upload = error.upload
        said(folder, f"offset {racer_id} {upload.offset} {upload.upload_id}")
    said(folder, f"model {upload.model_id}")
    return upload.model_id


async def day(box: ModelBox, folder: Path) -> None:
    """Two racers with the same bytes; one deletes, is merged with a third, the other is forgotten."""
    anna, berta, carla = [
        person.person_id if (person := box.people.find(name)) else await box.racer(name)
        for name in ("anna", "berta", "carla")
    ]
    said(folder, f"people {anna} {berta} {carla}")
    first = await send(box, folder, anna)
    await send(box, folder, berta)
    await box.models.delete(first, anna)
    said(folder, f"deleted {first}")
    await send(box, folder, carla)
    await box.people.merge(anna, carla, "box")
    await box.people.forget(berta, "box")


async def live(folder: Path, at: int) -> int:
    """The day, until it is over or step `at` has come; how many steps it took."""
    fuse = Fuse(FAR)
    async with model_box(folder) as box:
        fuse.at, fuse.taken = at, 0
        await day(box, folder)
    return fuse.taken


async def faults(folder: Path) -> list[str]:
    """What is wrong in a box that was killed, once it is open again."""
    answers = answered(folder)
    async with model_box(folder) as box:
        await box.until(lambda: _is_finished(box))
        shown = await box.models.find(Sought(with_deleted=True))
        return [
            *await wrong_bytes(box, shown),
            *wrong_models(box, shown, answers),
            *[fault for words in answers if words[0] == "offset" for fault in await lost_bytes(box, words)],
            *await lost_files(box),
            *[fault for words in answers[:1] for fault in await cannot_go_on(box, words[1])],
        ]


async def _is_finished(box: ModelBox) -> bool:
    """Whether the box has made models of what had all its bytes when it died."""
    whole = "SELECT 1 FROM upload WHERE model_id IS NULL AND offset_bytes = size_bytes"
    return await box.db.fetch_one(whole) is None


def answered(folder: Path) -> list[list[str]]:
    """What the box had answered before it died."""
    try:
        return [line.split() for line in (folder / "answers").read_text().splitlines()]
    except FileNotFoundError:
        return []


async def wrong_bytes(box: ModelBox, shown: list[ModelView]) -> list[str]:
    """Archives that nobody needs, or that somebody misses."""
    needed = {model.archive_sha256 for model in shown if model.status is ModelStatus.UPLOADED}
    kept = await box.kept()
    faulty = kept != needed or bool(needed - {digest(DATA)})
    return [f"kept {sorted(kept)}, needed {sorted(needed)}"] if faulty else []


def wrong_models(box: ModelBox, shown: list[ModelView], answers: list[list[str]]) -> list[str]:
    """Models that were answered and are not there, that were deleted and are, or that belong to nobody."""
    by_id = {model.model_id: model for model in shown}
    found = [f"no model {words[1]}" for words in answers if words[0] == "model" and words[1] not in by_id]
    found += [
        f"{words[1]} is back"
        for words in answers
        if words[0] == "deleted" and by_id[words[1]].status is not ModelStatus.DELETED
    ]
    for model in shown:
        person = box.people.get(model.racer_id or "")
        if person.merged_into is not None or (person.neutral and model.status is not ModelStatus.DELETED):
            found.append(f"a model of {person.username}, who is gone")
    return found


async def lost_bytes(box: ModelBox, words: list[str]) -> list[str]:
    """An offset that was answered and is not there."""
    return [
        f"{upload.offset} of {words[2]} answered bytes"
        for upload in await box.uploads.unfinished(words[1])
        if upload.upload_id == words[3] and upload.offset < int(words[2])
    ]


async def cannot_go_on(box: ModelBox, racer_id: str) -> list[str]:
    """Whether the day's first racer can send it all now."""
    try:
        model_id = await send(box, None, racer_id)
    except ApplianceError as error:
        return [f"cannot go on: {error}"]
    archive = await box.models.archive(model_id)
    return [] if await asyncio.to_thread(archive.read_bytes) == DATA else ["other bytes"]


async def lost_files(box: ModelBox) -> list[str]:
    """Files of uploads that no row knows."""
    rows = await box.db.fetch_all("SELECT upload_id FROM upload")
    lost = await box.unfinished_files() - {row["upload_id"] for row in rows}
    return [f"a lost file {name}" for name in lost]


def _live_in(folder: str, at: int) -> None:
    taken = asyncio.run(live(Path(folder), at))
    (Path(folder) / "taken").write_text(str(taken))


def killed_at(at: int) -> list[str] | None:
    """Live a day in a process of its own, killed at step `at`; what is wrong after it. None: the day was shorter."""
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("fork").Process(target=_live_in, args=(folder, at))
        process.start()
        process.join()
        if process.exitcode != -signal.SIGKILL:
            return None if (Path(folder) / "taken").exists() else [f"it ended with {process.exitcode}"]
        return asyncio.run(faults(Path(folder)))


def steps_of_a_day() -> int:
    """How many there are."""
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.get_context("fork").Process(target=_live_in, args=(folder, FAR))
        process.start()
        process.join()
        return int((Path(folder) / "taken").read_text())


def main(every: int) -> int:
    """Kill at every n-th step; how many of them went wrong."""
    count, wrong = steps_of_a_day(), 0
    for at in range(1, count + 1, every):
        found = killed_at(at)
        if found:
            wrong += 1
            sys.stdout.write(f"killed at step {at}: {found}\n")
    sys.stdout.write(f"{count} steps in a day, killed at {len(range(1, count + 1, every))}, {wrong} went wrong\n")
    return wrong


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
