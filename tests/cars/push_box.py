"""
A box that pushes to small cars: real database, real worker process, real files; nothing of the web.

Models come in through the real store; only the looking into archives is short: an archive here is a model.pb.
"""

import asyncio
import hashlib
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from appliance.clock import mono_ns, now_iso
from appliance.database import Database
from appliance.facts import Facts
from appliance.ids import new_id
from appliance.people import NewRacer, People
from appliance.serve import DATABASE, MIGRATIONS
from cars.blobs import METADATA, PB
from cars.car_structs import Platform
from cars.cars import Cars
from cars.facts import ModelChanged, PushesChanged
from cars.inspection import Fit, Inspection
from cars.model_structs import ActionSpace, ModelFacts, ModelStatus
from cars.models import Models
from cars.models_store import NewModel, insert
from cars.push_open import OpenPush
from cars.push_rules import ENDED, PushState
from cars.push_structs import NewPushes, PushView
from cars.pushes import Pushes
from tests.cars.small_car import SmallCar

METADATA_BYTES = b'{"sensor": ["FRONT_FACING_CAMERA"], "action_space": []}'
MODEL_BYTES = 8_000_000
SETTLED_S = 60


def digest(kind: str, data: bytes) -> str:
    """As the car compares it."""
    return hashlib.new(kind, data).hexdigest()


class TrustingInspector:
    """Takes the whole archive for a model.pb."""

    async def inspect(self, archive: Path, into: Path) -> Inspection:
        return Fit(facts=await asyncio.to_thread(_unpack, archive, into))


def _unpack(archive: Path, into: Path) -> ModelFacts:
    shutil.copy(archive, into / PB)
    (into / METADATA).write_bytes(METADATA_BYTES)
    pb = archive.read_bytes()
    return ModelFacts(
        pb_md5=digest("md5", pb),
        pb_sha256=digest("sha256", pb),
        pb_bytes=len(pb),
        metadata_md5=digest("md5", METADATA_BYTES),
        metadata_sha256=digest("sha256", METADATA_BYTES),
        metadata_bytes=len(METADATA_BYTES),
        sensors=("FRONT_FACING_CAMERA",),
        action_space=ActionSpace.DISCRETE,
        actions=5,
        algorithm="clipped_ppo",
        has_premade=False,
    )


class PushBox:
    """The part of a box that pushes, with what tests do to it."""

    def __init__(self, directory: Path, db: Database, facts: Facts, people: People) -> None:
        self.directory, self.db, self.facts, self.people = directory, db, facts, people
        self.cars = Cars(db, facts)
        self.models = Models(db, facts, people, directory / "models", TrustingInspector())
        self.later_ns = 0
        self.pushes = Pushes(
            db,
            facts,
            models=self.models,
            cars=self.cars,
            data_dir=directory,
            now_ns=lambda: mono_ns() + self.later_ns,
        )

    async def model(self, name: str, pb: bytes, username: str = "ann") -> str:
        """A model that a car may get."""
        racer_id = await self._racer(username)
        archive = self.directory / f"{name}.tar.gz"
        await asyncio.to_thread(archive.write_bytes, pb)
        new = NewModel(
            model_id=new_id(),
            racer_id=racer_id,
            name=name,
            file_name=archive.name,
            size_bytes=len(pb),
            archive_sha256=digest("sha256", pb),
            uploaded_at=now_iso(),
            actor=racer_id,
        )
        changed = asyncio.Event()
        end = self.facts.subscribe(ModelChanged, lambda _: changed.set())
        model_id = await self.models.add(archive, new.archive_sha256, lambda connection: insert(connection, new))
        async with asyncio.timeout(SETTLED_S):
            while (await self.models.get(model_id)).status is not ModelStatus.AVAILABLE:
                await changed.wait()
                changed.clear()
        end()
        return model_id

    async def _racer(self, username: str) -> str:
        for racer in self.people.racers():
            if racer.username == username:
                return racer.racer_id
        return (await self.people.sign_up(NewRacer(username=username))).person_id

    async def car(
        self, car: SmallCar, name: str = "blue-1", *, host_key: str | None = None, serial: str | None = None
    ) -> str:
        """A small car, enrolled."""
        enrolled = await self.cars.add_enrolled(
            serial=serial or car.serial,
            name=name,
            platform=Platform.STOCK_20,
            username=car.user,
            host_key=host_key or car.pin,
            address=car.host,
            port=car.port,
            actor="test",
        )
        return enrolled.car_id

    async def push(self, car_id: str, *model_ids: str) -> list[str]:
        """Ask for it; answers the ids."""
        new = NewPushes(car_ids=[car_id], model_ids=list(model_ids))
        return [push.push_id for push in await self.pushes.add(new, "crew")]

    async def until(self, push_id: str, is_it: Callable[[PushView], bool]) -> PushView:
        """Wait for something to become true of a push."""
        changed = asyncio.Event()
        end = self.facts.subscribe(PushesChanged, lambda fact: changed.set() if push_id in fact.push_ids else None)
        try:
            async with asyncio.timeout(SETTLED_S):
                while not is_it(view := await self.pushes.get(push_id)):
                    await changed.wait()
                    changed.clear()
                return view
        except TimeoutError:
            raise AssertionError(await self.pushes.get(push_id)) from None
        finally:
            end()

    async def ended(self, push_id: str) -> PushView:
        """Wait for its end."""
        return await self.until(push_id, lambda view: view.state in ENDED)

    def at_first(self, is_it: Callable[[OpenPush], bool], do: Callable[[], None]) -> asyncio.Event:
        """Do something in the very moment in which something becomes true of any open push; answers when that was."""
        done = asyncio.Event()

        def look(fact: PushesChanged) -> None:
            now = [push for push_id in fact.push_ids if (push := self.pushes.now(push_id)) is not None]
            if not done.is_set() and any(map(is_it, now)):
                done.set()
                # In a thread, for it blocks; waited for, so that nothing happens meanwhile.
                doing = threading.Thread(target=do)
                doing.start()
                doing.join()

        self.facts.subscribe(PushesChanged, look)
        return done


def sending(push: OpenPush) -> bool:
    """In the middle of the bytes of the model itself, which come after its metadata."""
    return push.state is PushState.SENDING and len(METADATA_BYTES) < push.sent_bytes < push.row.size_bytes


@asynccontextmanager
async def push_box(directory: Path, key: asyncssh.SSHKey) -> AsyncIterator[PushBox]:
    """A box in `directory`; may be opened again after it was closed."""
    key_file = directory / "ssh.key"
    if not key_file.exists():
        key_file.write_bytes(key.export_private_key())
    facts = Facts()
    db = await Database.open(directory / DATABASE, MIGRATIONS)
    try:
        people = People(db, facts, b"0" * 32)
        await people.load()
        box = PushBox(directory, db, facts, people)
        await box.cars.load()
        await box.models.load()
        await box.pushes.load()
        box.models.start()
        box.pushes.start()
        yield box
        await box.pushes.stop()
        await box.models.stop()
        await people.settle()
    finally:
        await db.close()
