"""
Pushes: any number of models to any number of cars, each followed until it has ended and that is stored.

Owns the rows of pushes and the models' folders on the cars. Sends nothing itself: cars/push_line.py has a process of
its own do it, so that the event loop never feels it. What has not ended goes on after a restart of the server, the
worker or the car. Event loop only.
"""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path

import msgspec

from appliance.clock import mono_ns, now_iso
from appliance.database import Database
from appliance.errors import Conflict, InvalidInput, NotFound, NotReady, named_in
from appliance.facts import Facts
from appliance.ids import new_id
from appliance.people import RacerForgotten
from cars import push_schema
from cars.cars import Cars
from cars.facts import CarFound
from cars.model_structs import ModelFacts, ModelView
from cars.models import Models
from cars.push_line import PushLine
from cars.push_open import OpenPush
from cars.push_process import PushProcess
from cars.push_rules import PushState
from cars.push_schema import PushRow, row_of
from cars.push_structs import MAX_AT_ONCE, CarModel, CarModels, NewPushes, PushView
from cars.push_wire import ModelOnCar

SAID = {PushState.DONE: "done", PushState.ALREADY_THERE: "done: the model was there", PushState.FAILED: "over"}


class Which(StrEnum):
    """Which pushes are listed."""

    ALL = "all"
    OPEN = "open"
    ENDED = "ended"


class Pushes:
    """All of them. `await load()`, `start()`, and `await stop()` at the end."""

    def __init__(
        self,
        db: Database,
        facts: Facts,
        *,
        models: Models,
        cars: Cars,
        data_dir: Path,
        now_ns: Callable[[], int] = mono_ns,
    ) -> None:
        """`data_dir` has the box's private SSH key, which only the worker reads."""
        self._db, self._cars = db, cars
        self._line = PushLine(db, facts, models=models, cars=cars, data_dir=data_dir, now_ns=now_ns)
        facts.subscribe(CarFound, lambda fact: self._line.found(fact.car_id))
        facts.subscribe(RacerForgotten, lambda fact: self._follow(fact.person_id))
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self) -> None:
        """Read what has not ended; once, at start. Folders of models that look forgotten go: the box may have died."""
        await self._db.write(push_schema.forget)
        await self._line.load()

    def start(self) -> None:
        """Go on with what has not ended."""
        self._line.start()

    async def stop(self) -> None:
        """End the worker; what was sent so far stays on the cars, and is gone on with after the next start."""
        await self._line.stop()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    @property
    def worker(self) -> PushProcess:
        """The process that sends."""
        return self._line.worker

    # reads

    async def get(self, push_id: str) -> PushView:
        """One push. Raises NotFound."""
        return self._view(await self._row(push_id))

    async def find(
        self,
        *,
        car_id: str | None = None,
        model_id: str | None = None,
        which: Which = Which.ALL,
        before: str | None = None,
        limit: int = 200,
    ) -> list[PushView]:
        """Pushes that fit, newest first; `before` is the id that ended the page before."""
        wanted = {
            "car_id": car_id,
            "model_id": model_id,
            "which": which.value,
            "before": before,
            "limit": limit,
        }
        return [self._view(row_of(record)) for record in await self._db.fetch_all(push_schema.NEWEST, wanted)]

    async def put_on(self, car_id: str, first_at: str, last_at: str) -> dict[str, PushView]:
        """What was put on a car between these moments, both included, by when; its history has the same moments."""
        rows = await self._db.fetch_all(push_schema.PUT_ON, (car_id, first_at, last_at))
        return {row["ended_at"]: self._view(row_of(row)) for row in rows}

    async def models_on(self, car_id: str) -> CarModels:
        """
        What a car holds, read from its disk now.

        Raises:
            NotFound: there is no such car.
            NotReady: it cannot be reached, or does not let the box in; says what to do.
        """
        read = await self._line.read_models(car_id)
        if read.reason is not None:
            raise NotReady(read.reason, read.remedy or "")
        folders = {row["folder"]: row["model_id"] for row in await self._db.fetch_all(push_schema.FOLDERS)}
        models = [_on_car(found, folders.get(found.folder)) for found in read.models]
        at = now_iso()
        self._cars.readings.listed(car_id, models=len(models), free_bytes=read.free_bytes, at=at)
        return CarModels(car_id=car_id, models=models, free_bytes=read.free_bytes, read_at=at)

    def all_open(self) -> list[PushView]:
        """Those that have not ended, as they are at this moment, oldest first; from memory."""
        return [self._view(push.row) for push in self._line.all_open()]

    def now(self, push_id: str) -> OpenPush | None:
        """One that has not ended, as it is at this moment."""
        return self._line.open(push_id)

    # changes: durable when they return

    async def add(self, new: NewPushes, actor: str) -> list[PushView]:
        """
        Every model to every car, first each car's first. What is on its way already is not asked for twice.

        Raises:
            InvalidInput: too many at once, or there is no such car or model.
            Conflict: a model is not AVAILABLE.
        """
        car_ids, model_ids = list(dict.fromkeys(new.car_ids)), list(dict.fromkeys(new.model_ids))
        if len(car_ids) * len(model_ids) > MAX_AT_ONCE:
            raise InvalidInput(
                f"More than {MAX_AT_ONCE} pushes at once.", "Choose fewer models or cars.", field="car_ids"
            )
        with named_in("car_ids"):
            for car_id in car_ids:
                self._cars.enrolled(car_id)
        with named_in("model_ids"):
            models = [await self._line.ready(model_id) for model_id in model_ids]
        at = now_iso()

        def write(connection: sqlite3.Connection) -> Sequence[str]:
            for model, _ in models:
                push_schema.folder_for(connection, model.model_id, model.username, model.name)
            rows = [_new_row(car_id, model, facts, actor, at) for model, facts in models for car_id in car_ids]
            return [push_schema.insert(connection, row) for row in rows]

        push_ids = await asyncio.shield(asyncio.create_task(self._add(write)))
        return [await self.get(push_id) for push_id in push_ids]

    async def cancel(self, push_id: str, actor: str) -> PushView:
        """
        Do not bring it any more; what lies half-sent on the car is taken away. A second time changes nothing.

        Raises:
            NotFound: there is no such push.
            Conflict: it has ended otherwise.
        """
        row = await self._row(push_id)
        if row.ended_at is not None and row.state is not PushState.CANCELLED:
            raise Conflict(f"This push is {SAID[row.state]} already.", "Delete the model on the car instead.")
        if row.cancelled_by is None:
            await asyncio.shield(asyncio.create_task(self._cancel(push_id, actor)))
        return await self.get(push_id)

    # what the changes are made of

    async def _add(self, write: Callable[[sqlite3.Connection], Sequence[str]]) -> Sequence[str]:
        push_ids = await self._db.write(write)
        rows = [await self._row(push_id) for push_id in push_ids]
        self._line.join([row for row in rows if row.ended_at is None])
        return push_ids

    async def _cancel(self, push_id: str, actor: str) -> None:
        await self._db.write(lambda connection: push_schema.cancel(connection, push_id, actor))
        self._line.cancel(await self._row(push_id))

    async def _row(self, push_id: str) -> PushRow:
        record = await self._db.fetch_one(push_schema.ONE, (push_id,))
        if record is None:
            raise NotFound("There is no such push.", "Look at the list of pushes.")
        return row_of(record)

    def _follow(self, forgotten_id: str) -> None:
        task = asyncio.create_task(self._forget(forgotten_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forget(self, racer_id: str) -> None:
        """No folder keeps the name of a racer who was forgotten; their pushes fail for want of the model."""
        await self._db.write(lambda connection: push_schema.forget(connection, racer_id))
        await self._db.scrub()

    def _view(self, row: PushRow) -> PushView:
        push = self._line.open(row.push_id)
        live = push if push is not None and row.ended_at is None else None
        return PushView(
            push_id=row.push_id,
            car_id=row.car_id,
            car_name=self._car_name(row.car_id),
            model_id=row.model_id,
            model_name=row.model_name or "model",
            racer_id=row.racer_id,
            folder=row.folder,
            state=row.state if live is None else live.state,
            size_bytes=row.size_bytes,
            sent_bytes=row.sent_bytes if live is None else live.sent_bytes,
            bytes_per_s=0 if live is None else live.bytes_per_s,
            tries=row.tries if live is None else live.tries,
            reason=row.reason if live is None else live.reason,
            remedy=row.remedy if live is None else live.remedy,
            actor=row.actor,
            created_at=row.created_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            is_cancelling=row.cancelled_by is not None and row.ended_at is None,
        )

    def _car_name(self, car_id: str) -> str:
        try:
            return self._cars.get(car_id).name
        except NotFound:
            return "a car"


@asynccontextmanager
async def opened_pushes(
    db: Database, facts: Facts, *, models: Models, cars: Cars, data_dir: Path
) -> AsyncIterator[Pushes]:
    """The pushes of a box, for as long as the block lasts."""
    pushes = Pushes(db, facts, models=models, cars=cars, data_dir=data_dir)
    await pushes.load()
    pushes.start()
    try:
        yield pushes
    finally:
        await pushes.stop()


def _new_row(car_id: str, model: ModelView, facts: ModelFacts, actor: str, at: str) -> PushRow:
    content = hashlib.sha256(f"{facts.pb_sha256}{facts.metadata_sha256}".encode()).hexdigest()
    return PushRow(
        push_id=new_id(),
        car_id=car_id,
        model_id=model.model_id,
        token=content[:32],
        size_bytes=facts.pb_bytes + facts.metadata_bytes,
        state=PushState.WAITING,
        is_staged=False,
        sent_bytes=0,
        tries=0,
        reason=None,
        remedy=None,
        actor=actor,
        created_at=at,
        started_at=None,
        cancelled_by=None,
        ended_at=None,
        folder=None,
        model_name=model.name,
        racer_id=model.racer_id,
    )


def _on_car(found: ModelOnCar, model_id: str | None) -> CarModel:
    return CarModel(**msgspec.structs.asdict(found), model_id=model_id)
