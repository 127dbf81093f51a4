"""
The line of pushes: has the worker bring what may start, follows what becomes of it, and writes each end down.

Owns what has not ended and the worker's process. Who may ask for what, cars/pushes.py knows. Event loop only.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import ApplianceError, Conflict, NotFound, NotReady
from appliance.facts import Facts
from appliance.ids import new_id
from cars import push_schema
from cars import push_words as words
from cars.car_history import CarNote
from cars.car_structs import Platform
from cars.cars import Cars
from cars.facts import PushesChanged
from cars.model_structs import ModelFacts, ModelView
from cars.models import Models
from cars.push_open import OpenPush, OpenPushes
from cars.push_process import PushProcess
from cars.push_rules import PushState
from cars.push_schema import PushRow, row_of
from cars.push_wire import (
    Cancel,
    Ended,
    ModelsRead,
    News,
    Outcome,
    Parcel,
    Place,
    ReadModels,
    Send,
    Tidied,
    Tidy,
    Went,
)

READ_S = 40.0
"""Signing in to a busy car and reading its folders."""
OUTCOMES = {
    Outcome.DONE: PushState.DONE,
    Outcome.ALREADY_THERE: PushState.ALREADY_THERE,
    Outcome.FAILED: PushState.FAILED,
    Outcome.CANCELLED: PushState.CANCELLED,
}

log = logging.getLogger("trackside.push")


class PushLine:
    """`await load()`, `start()`, and `await stop()` at the end."""

    def __init__(
        self, db: Database, facts: Facts, *, models: Models, cars: Cars, data_dir: Path, now_ns: Callable[[], int]
    ) -> None:
        self._db, self._facts, self._models, self._cars = db, facts, models, cars
        self._open = OpenPushes(now_ns)
        self._untidy: dict[str, PushRow] = {}
        self._reads: dict[str, asyncio.Future[ModelsRead]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_started = False
        self.worker = PushProcess(data_dir, self._take, self._worker_died)

    async def load(self) -> None:
        """What has not ended, and what was not tidied."""
        for record in await self._db.fetch_all(push_schema.OPEN):
            self._open.add(row_of(record))
        for record in await self._db.fetch_all(push_schema.UNTIDY):
            self._untidy[record["push_id"]] = row_of(record)

    def start(self) -> None:
        """Go on with what has not ended."""
        self._is_started = True
        for push in self._open.all():
            if push.row.cancelled_by is not None:
                self._end(push, PushState.CANCELLED)
        self._schedule()
        for car_id in {row.car_id for row in self._untidy.values()}:
            self._tidy(car_id)

    async def stop(self) -> None:
        """End the worker; what was sent so far stays on the cars, and is gone on with after the next start."""
        self._is_started = False
        if self._timer is not None:
            self._timer.cancel()
        await self.worker.stop()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def open(self, push_id: str) -> OpenPush | None:
        """One that has not ended, as it is now."""
        return self._open.get(push_id)

    def all_open(self) -> list[OpenPush]:
        """All that have not ended, oldest first."""
        return self._open.all()

    def join(self, rows: "list[PushRow]") -> None:
        """These are stored and have not ended."""
        for row in rows:
            self._open.add(row)
        self.tell(*(row.push_id for row in rows))
        self._schedule()

    def cancel(self, row: PushRow) -> None:
        """This one is not wanted any more, which is stored."""
        push = self._open.get(row.push_id)
        if push is None or push.is_ending:
            return
        push.row = row
        if push.is_ordered:
            self.worker.send(Cancel(push_id=row.push_id))
        elif not push.is_running:
            self._end(push, PushState.CANCELLED)
        self.tell(row.push_id)

    def found(self, car_id: str) -> None:
        """It answers again: nothing waits any longer."""
        self._open.reached(car_id)
        self._schedule()
        self._tidy(car_id)

    async def read_models(self, car_id: str) -> ModelsRead:
        """
        What a car holds now.

        Raises:
            NotFound: there is no such car.
            NotReady: it does not answer.
        """
        place = self._place(car_id)
        request_id = new_id()
        answer: asyncio.Future[ModelsRead] = asyncio.get_running_loop().create_future()
        self._reads[request_id] = answer
        try:
            self.worker.send(ReadModels(request_id=request_id, place=place))
            async with asyncio.timeout(READ_S):
                return await answer
        except TimeoutError as error:
            raise NotReady(f"{place.name} does not answer.", "Check that it is on and in the Wi-Fi.") from error
        finally:
            del self._reads[request_id]
            self._rest()

    async def ready(self, model_id: str) -> tuple[ModelView, ModelFacts]:
        """A model that a car may get. Raises as `Models.files`."""
        await self._models.files(model_id)
        model = await self._models.get(model_id)
        if model.facts is None:
            raise Conflict(f"{model.name} has not been looked into.", "Upload it again.")
        return model, model.facts

    # starting

    def _schedule(self) -> None:
        """Start what may start, and look again when the next car is to be tried again."""
        if not self._is_started:
            return
        for push in self._open.start_next():
            self._begin(self._order(push))
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pause_s = self._open.next_try_s()
        if pause_s is not None:
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._schedule)
        self._rest()

    def _rest(self) -> None:
        if not self._open and not self._reads:
            self.worker.rest()

    async def _order(self, push: OpenPush) -> None:
        """Have the worker bring it. The disk knows first that something may lie on the car."""
        try:
            order = await self._send_order(push)
            at = now_iso()
            await self._db.write(lambda connection: push_schema.begun(connection, push.row.push_id, at))
        except NotReady as error:
            self._pause(push, error)
            return
        except ApplianceError as error:
            self._end(push, PushState.FAILED, error)
            return
        if push.row.cancelled_by is not None:
            self._end(push, PushState.CANCELLED)
        elif self._is_started:
            push.is_ordered = push.is_staged = True
            self.worker.send(order)
            self.tell(push.row.push_id)

    async def _send_order(self, push: OpenPush) -> Send:
        model, facts = await self.ready(push.row.model_id)
        files = await self._models.files(model.model_id)
        folder = push.row.folder
        if folder is None:
            raise Conflict("The racer of this model was forgotten.", "Nothing needs to be done.")
        parcel = Parcel(
            source=str(files.pb.parent),
            folder=folder,
            token=push.row.token,
            pb_md5=facts.pb_md5,
            pb_sha256=facts.pb_sha256,
            pb_bytes=facts.pb_bytes,
            metadata_sha256=facts.metadata_sha256,
            metadata_bytes=facts.metadata_bytes,
        )
        return Send(push_id=push.row.push_id, place=self._place(push.row.car_id), parcel=parcel)

    def _place(self, car_id: str) -> Place:
        car = self._cars.enrolled(car_id)
        return Place(
            name=car.name,
            serial=car.serial,
            address=car.address,
            port=car.port,
            username=car.username,
            host_key=car.host_key,
            has_aes=car.platform is not Platform.PI,  # A Pi 4 has none.
        )

    # news of the worker

    def _take(self, news: News) -> None:
        match news:
            case Went():
                push = self._open.went(news)
                if push is not None:
                    self.tell(news.push_id)
            case Ended():
                push = self._open.stopped(news)
                if push is not None:
                    self._stopped(push, news)
            case Tidied(order_id=push_id, is_gone=True):
                if self._untidy.pop(push_id, None) is not None:
                    self._begin(self._tidied(push_id))
            case ModelsRead(request_id=request_id):
                answer = self._reads.get(request_id)
                if answer is not None and not answer.done():
                    answer.set_result(news)

    def _stopped(self, push: OpenPush, ended: Ended) -> None:
        error = NotReady(ended.reason or "", ended.remedy or "") if ended.reason else None
        if ended.outcome is Outcome.LOST:
            self._lost(push, error or words.worker_died())
        else:
            self._open.reached(push.row.car_id)
            outcome = OUTCOMES[ended.outcome]
            if outcome is PushState.ALREADY_THERE and push.sent_bytes:
                outcome = PushState.DONE  # An earlier try brought it, and its answer was lost.
            self._end(push, outcome, error)

    def _lost(self, push: OpenPush, error: ApplianceError) -> None:
        if push.row.cancelled_by is not None:
            self._end(push, PushState.CANCELLED)
            return
        if self._open.is_given_up(push):
            self._end(push, PushState.FAILED, NotReady(*words.given_up(error.message)))
        else:
            self._pause(push, error)

    def _pause(self, push: OpenPush, error: ApplianceError) -> None:
        """Everything for its car waits a while."""
        self._open.pause(push, error)
        self.tell(push.row.push_id)
        self._schedule()

    def _worker_died(self) -> None:
        for push in self._open.all():
            if push.is_ordered and not push.is_ending:
                self._lost(push, words.worker_died())
        for request_id, answer in self._reads.items():
            if not answer.done():
                died = words.worker_died()
                answer.set_result(ModelsRead(request_id=request_id, reason=died.message, remedy="Try again."))

    # ending

    def _end(self, push: OpenPush, outcome: PushState, error: ApplianceError | None = None) -> None:
        """Its car is free for the next; it is shown as ended once that is stored."""
        push.is_ending = True
        push.is_running = push.is_ordered = False
        reason, remedy = (None, None) if error is None else (error.message, error.remedy)
        self._begin(self._ended(push, push.ended_row(outcome, reason, remedy, now_iso())))
        self._schedule()

    async def _ended(self, push: OpenPush, row: PushRow) -> None:
        try:
            if row.state is PushState.DONE:
                # No name: a car's history is for ever, and a racer may be forgotten. The row of the push that ended
                # at this very moment has the model.
                words = "A model was put on it."
                await self._cars.note(row.car_id, CarNote.PUSHED, row.actor, words, at=row.ended_at)
                await self._cars.seen(row.car_id)
            await self._db.write(lambda connection: push_schema.end(connection, row))
        except NotReady as error:
            # It has not ended before that is stored: it is gone through again, and found there already.
            push.is_ending = False
            self._pause(push, error)
            return
        self._open.drop(row.push_id)
        log.info("push_ended push_id=%s state=%s tries=%d", row.push_id, row.state.value, row.tries)
        self.tell(row.push_id)
        self._rest()
        if row.state is PushState.CANCELLED and row.is_staged:
            self._untidy[row.push_id] = row
        self._tidy(row.car_id)

    # tidying: what cancelled pushes left on a car that could not be reached then

    def _tidy(self, car_id: str) -> None:
        left = [row for row in self._untidy.values() if row.car_id == car_id]
        needed = {push.row.token for push in self._open.of_car(car_id)}
        if not left or not self._is_started:
            return
        try:
            place = self._place(car_id)
        except NotFound:
            return  # Released: the helper took all stages away.
        for row in left:
            if row.token not in needed:
                self.worker.send(Tidy(order_id=row.push_id, place=place, token=row.token))
        self._rest()

    async def _tidied(self, push_id: str) -> None:
        await self._db.write(lambda connection: push_schema.tidied(connection, push_id))

    def tell(self, *push_ids: str) -> None:
        """Whoever shows pushes looks again."""
        self._facts.publish(PushesChanged(push_ids=push_ids))

    def _begin(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Runs to its end, also when the caller goes away."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
