"""
Logs of races: what a car recorded, brought to the box at low priority, kept there for a while, and given to its racer.

Owns the rows of fetched logs and their files (cars/log_files.py). Fetches nothing itself: a process of its own does
(cars/log_worker.py), from one car at a time, and never from one that races or gets a model. A car's archive is never
unpacked here. What has not ended goes on after a restart. Event loop only.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from appliance.clock import mono_ns, now_iso
from appliance.database import Database
from appliance.errors import Conflict, NotFound
from appliance.facts import Facts
from appliance.ids import new_id
from appliance.people import ACTOR_BOX, People, RacerForgotten, RacersMerged
from cars import log_schema
from cars.cars import Cars
from cars.facts import CarFound, CarsChanged, LogsChanged, PushesChanged
from cars.folder_names import folder_of_bag
from cars.log_files import LogFiles
from cars.log_line import LogLine
from cars.log_open import Hindrance
from cars.log_rules import too_many
from cars.log_schema import LogRow, row_of
from cars.log_structs import CarRecordings, LogState, LogView
from cars.log_views import recordings, view_of

NO_ROOM_ANY_MORE = "It was the oldest, and all logs together took more than the setting logs_mb allows."

log = logging.getLogger("trackside.logs")


class Logs:
    """All of them. `await load()`, `start()`, and `await stop()` at the end."""

    def __init__(
        self,
        db: Database,
        facts: Facts,
        *,
        people: People,
        cars: Cars,
        data_dir: Path,
        keep_bytes: int,
        hindrance: Hindrance,
        now_ns: Callable[[], int] = mono_ns,
    ) -> None:
        """
        Args:
            data_dir: Has the box's private SSH key, which only the worker reads.
            hindrance: Why nothing may be fetched from a car now; asked again after `look`.
        """
        self._db, self._facts, self._people, self._cars = db, facts, people, cars
        self._keep_bytes = keep_bytes
        self._tasks: set[asyncio.Task[None]] = set()
        self.files = LogFiles(data_dir)
        self.line = LogLine(
            db,
            cars=cars,
            files=self.files,
            data_dir=data_dir,
            keep_bytes=keep_bytes,
            hindrance=hindrance,
            now_ns=now_ns,
            tell=self._tell,
            stored=self._keep_to_size,
        )
        facts.subscribe(CarFound, lambda fact: self.line.found(fact.car_id))
        facts.subscribe(CarsChanged, lambda _: self.line.look())
        facts.subscribe(PushesChanged, lambda _: self.line.look())
        facts.subscribe(RacersMerged, self._racers_merged)
        facts.subscribe(RacerForgotten, self._racer_forgotten)

    async def load(self) -> None:
        """Read what has not ended, catch up with people who were merged or forgotten; once, at start."""
        await self._catch_up_with_people()
        coming = [row_of(record) for record in await self._db.fetch_all(log_schema.OPEN)]
        stored = {record["log_id"] for record in await self._db.fetch_all(log_schema.STORED)}
        await asyncio.to_thread(self.files.prepare, stored, {row.log_id for row in coming})
        for row in coming:
            self.line.join(row)

    def start(self) -> None:
        """Go on with what has not ended."""
        self.line.start()

    async def stop(self) -> None:
        """End the worker; what was fetched so far stays, to go on from after the next start."""
        await self.line.stop()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    # reads

    async def get(self, log_id: str) -> LogView:
        """One. Raises NotFound."""
        return self._view(await self._row(log_id))

    async def find(
        self,
        *,
        car_id: str | None = None,
        race_id: str | None = None,
        racer_id: str | None = None,
        with_deleted: bool = False,
        before: str | None = None,
        limit: int = 200,
    ) -> list[LogView]:
        """Those that fit, newest first; `before` is the id that ended the page before."""
        wanted = {
            "car_id": car_id,
            "race_id": race_id,
            "racer_id": racer_id,
            "with_deleted": with_deleted,
            "before": before,
            "limit": limit,
        }
        return [self._view(row_of(record)) for record in await self._db.fetch_all(log_schema.NEWEST, wanted)]

    async def file(self, log_id: str) -> Path:
        """The tar as the car packed it. Raises Conflict when it is not here, and NotFound."""
        row = await self._row(log_id)
        if row.state is not LogState.STORED:
            raise Conflict("These logs are not on the box.", "Fetch them from the car.")
        return self.files.stored(log_id)

    async def on_car(self, car_id: str) -> CarRecordings:
        """
        What a car has recorded, read from its disk now.

        Raises:
            NotFound: there is no such car.
            NotReady: it cannot be reached, or does not let the box in; says what to do.
        """
        read = await self.line.read(self._cars.enrolled(car_id))
        known = {name: one.log_id for one in await self.find(car_id=car_id, limit=1_000) for name in one.names}
        return recordings(car_id, read, known, now_iso())

    # changes: durable when they return

    async def ask_race(
        self, *, race_id: str, racer_id: str, car_id: str, model_id: str | None, span: tuple[str, str], actor: str
    ) -> LogView:
        """
        Fetch what a car recorded of a race, once it is free. What is under way or stored is not fetched twice.

        Args:
            span: From when to when the race was, ISO 8601 on the box's clock.

        Raises:
            NotFound: there is no such car.
        """
        row = _new_row(car_id, span, actor)
        return await self._add(replace(row, race_id=race_id, racer_id=racer_id, model_id=model_id))

    async def ask_recording(self, car_id: str, name: str, actor: str) -> LogView:
        """Fetch one recording of a car, once it is free. Raises NotFound."""
        at = now_iso()
        row = replace(_new_row(car_id, (at, at), actor), recording=name)
        known = await self._db.fetch_one(log_schema.MODEL, (folder_of_bag(name) or "",))
        if known is not None:
            row = replace(row, model_id=known["model_id"], racer_id=known["racer_id"])
        return await self._add(row)

    async def delete(self, log_id: str, actor: str) -> LogView:
        """Take it away, or do not fetch it any more. A second time changes nothing. Raises NotFound."""
        await asyncio.shield(self._follow(self._deleted(log_id, "Deleted.", actor)))
        return await self.get(log_id)

    async def give_to(self, race_id: str, racer_id: str) -> None:
        """A race is another racer's now, and its logs with it."""
        if await self._db.write(lambda connection: log_schema.give_to(connection, race_id, racer_id)):
            self._tell([view.log_id for view in await self.find(race_id=race_id)])

    # what the changes are made of

    async def _add(self, row: LogRow) -> LogView:
        self._cars.enrolled(row.car_id)
        log_id = await self._db.write(lambda connection: log_schema.insert(connection, row))
        stored = await self._row(log_id)
        if stored.state is LogState.WAITING:
            self.line.join(stored)
        self._tell([log_id])
        return await self.get(log_id)

    async def _deleted(self, log_id: str, why: str, actor: str) -> None:
        row = await self._row(log_id)
        gone = replace(row, state=LogState.DELETED, names=(), reason=why, remedy=None, ended_at=now_iso())
        await self._db.write(lambda connection: log_schema.end(connection, gone))
        self.line.leave(log_id)
        await asyncio.to_thread(self.files.drop, log_id)
        log.info("logs_deleted log_id=%s actor=%s", log_id, actor)
        self._tell([log_id])

    async def _keep_to_size(self) -> None:
        """The oldest go, until the others fit."""
        stored = [(record["log_id"], record["size_bytes"]) for record in await self._db.fetch_all(log_schema.STORED)]
        for log_id in too_many(stored, self._keep_bytes):
            await self._deleted(log_id, NO_ROOM_ANY_MORE, ACTOR_BOX)

    async def _row(self, log_id: str) -> LogRow:
        record = await self._db.fetch_one(log_schema.ONE, (log_id,))
        if record is None:
            raise NotFound("There are no such logs.", "Look at the list of logs.")
        return row_of(record)

    def _view(self, row: LogRow) -> LogView:
        try:
            car_name = self._cars.get(row.car_id).name
        except NotFound:
            car_name = "a car"
        one = self.line.open(row.log_id) if row.state is LogState.WAITING else None
        return view_of(row, one, car_name)

    def _tell(self, log_ids: list[str]) -> None:
        if log_ids:
            self._facts.publish(LogsChanged(log_ids=tuple(log_ids)))

    def _follow(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run to the end even when the caller goes away."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # people

    def _racers_merged(self, fact: RacersMerged) -> None:
        self._follow(self._merged(fact.keep_id, fact.duplicate_id))

    def _racer_forgotten(self, fact: RacerForgotten) -> None:
        self._follow(self._forgotten(fact.person_id))

    async def _merged(self, keep_id: str, duplicate_id: str) -> None:
        job = "UPDATE car_logs SET racer_id = ? WHERE racer_id = ?"
        await self._db.write(lambda connection: connection.execute(job, (keep_id, duplicate_id)) and None)

    async def _forgotten(self, racer_id: str) -> None:
        """Recordings are called after models, and these after their racers: files and names go."""
        for record in await self._db.fetch_all(log_schema.OF_RACER, (racer_id,)):
            await self._deleted(record["log_id"], "Its racer was forgotten.", ACTOR_BOX)
        await self._db.write(lambda connection: log_schema.forget(connection, racer_id))
        await self._db.scrub()

    async def _catch_up_with_people(self) -> None:
        """The box may have died between a merge or a forgetting and what follows from it."""
        for record in await self._db.fetch_all(log_schema.OWNERS):
            racer_id = record["racer_id"]
            try:
                person = self._people.get(racer_id)
            except NotFound:
                continue
            if person.merged_into is not None:
                await self._merged(person.merged_into, racer_id)
            if person.neutral:
                await self._forgotten(person.merged_into or racer_id)


def _new_row(car_id: str, span: tuple[str, str], actor: str) -> LogRow:
    return LogRow(
        log_id=new_id(),
        car_id=car_id,
        race_id=None,
        racer_id=None,
        model_id=None,
        from_at=span[0],
        to_at=span[1],
        recording=None,
        state=LogState.WAITING,
        names=(),
        size_bytes=0,
        reason=None,
        remedy=None,
        actor=actor,
        asked_at=now_iso(),
        ended_at=None,
    )
