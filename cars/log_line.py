"""
The line of logs to be fetched: one at a time, whenever their car is free, again when it was out of reach.

Owns what is open and the worker's process (cars/log_worker.py); stores what became of each. What is asked for, listed
and deleted is cars/logs.py's. Event loop only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from appliance.clock import now_iso
from appliance.database import Database
from appliance.errors import ApplianceError, NotFound, NotReady
from appliance.ids import new_id
from cars import log_schema
from cars.car_structs import Car
from cars.cars import Cars
from cars.lines import line_of
from cars.log_files import LogFiles
from cars.log_open import Hindrance, OpenLog, OpenLogs
from cars.log_schema import LogRow
from cars.log_structs import MAX_BYTES, LogState
from cars.log_wire import NEWS, Ended, Fetch, LogNews, LogsRead, Outcome, ReadLogs, Sought, Stop
from cars.worker_process import WorkerProcess

LOOK_S = 0.5
"""Facts come by the dozen; whose turn it is is asked once for all of them."""
READ_S = 45.0
"""Signing in takes up to 15 s, and the car weighs every recording."""
NOTHING = NotReady(
    "The car recorded nothing of it.",
    "Only cars with the community's software record drives, and only while that is switched on there.",
)

log = logging.getLogger("trackside.logs")

Tell = Callable[[list[str]], None]


class LogLine:
    """`start()`, and `await stop()` at the end."""

    def __init__(
        self,
        db: Database,
        *,
        cars: Cars,
        files: LogFiles,
        data_dir: Path,
        keep_bytes: int,
        hindrance: Hindrance,
        now_ns: Callable[[], int],
        tell: Tell,
        stored: Callable[[], Awaitable[None]],
    ) -> None:
        """
        Args:
            hindrance: Why nothing may be fetched from a car that is there, now; asked again after `look`.
            tell: Told the ids of those that changed.
            stored: Awaited after each that was stored.
        """
        self._db, self._cars, self._files = db, cars, files
        self._max_bytes = min(keep_bytes, MAX_BYTES)
        self._hindrance = hindrance
        self._tell, self._stored = tell, stored
        self._open = OpenLogs(now_ns, self._why_not)
        self._asked: dict[str, asyncio.Future[LogsRead]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._waking: asyncio.TimerHandle | None = None
        self._is_started = False
        self.worker = WorkerProcess[LogNews](
            ["cars.log_worker", "--data", str(data_dir)], NEWS, self._take, self._worker_died
        )

    def start(self) -> None:
        """Go on with what waits."""
        self._is_started = True
        self.look()

    async def stop(self) -> None:
        """End the worker; what was fetched so far stays."""
        self._is_started = False
        for timer in (self._looking, self._waking):
            if timer is not None:
                timer.cancel()
        await self.worker.stop()
        self._worker_died()
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def open(self, log_id: str) -> OpenLog | None:
        """One that has not ended, as it is at this moment."""
        return self._open.get(log_id)

    def join(self, row: LogRow) -> None:
        """This one waits from now on."""
        self._open.add(row)
        self.look()

    def leave(self, log_id: str) -> None:
        """Nobody wants it any more."""
        one = self._open.drop(log_id)
        if one is not None and one.is_ordered:
            self.worker.send(Stop(log_id=log_id))
        self.look()

    def found(self, car_id: str) -> None:
        """A car answers again."""
        self._open.found(car_id)
        self.look()

    async def read(self, car: Car) -> LogsRead:
        """What a car has recorded, read from it now. Raises NotReady."""
        request_id = new_id()
        future: asyncio.Future[LogsRead] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = future
        try:
            self.worker.send(ReadLogs(request_id=request_id, line=line_of(car)))
            async with asyncio.timeout(READ_S):
                read = await future
        except TimeoutError:
            raise NotReady(f"{car.name} does not answer.", "Look whether it is on, then try again.") from None
        finally:
            del self._asked[request_id]
            self._rest()
        if read.reason is not None:
            raise NotReady(read.reason, read.remedy or "")
        return read

    # whose turn it is

    def look(self) -> None:
        """Something may have changed: a race began or ended, a car came or went."""
        if self._is_started and self._looking is None and len(self._open):
            self._looking = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._looking = None
        if self._waking is not None:
            self._waking.cancel()
        if (hindered := self._open.hindered()) is not None:
            self.worker.send(Stop(log_id=hindered.row.log_id))
            return
        chosen, changed = self._open.next()
        if chosen is not None:
            chosen.is_ordered = True
            chosen.reason = chosen.remedy = None
            self._begin(self._order(chosen))
        elif (wait_s := self._open.wakes_in_s()) is not None:
            self._waking = asyncio.get_running_loop().call_later(wait_s, self.look)
        self._rest()
        if changed:
            self._tell(changed)

    def _rest(self) -> None:
        if self._open.running is None and not self._asked:
            self.worker.rest()

    def _why_not(self, car_id: str) -> ApplianceError | None:
        try:
            car = self._cars.enrolled(car_id)
        except NotFound as error:
            return error
        if not car.is_online:
            return NotReady(f"{car.name} is out of reach.", "Its logs are fetched by themselves once it is there.")
        return self._hindrance(car_id)

    async def _order(self, one: OpenLog) -> None:
        row = one.row
        known = await self._db.fetch_one(log_schema.FOLDER, (row.model_id,))
        reserve_bytes = await asyncio.to_thread(self._files.reserve_bytes)
        sought = Sought(
            from_s=_seconds(row.from_at),
            to_s=_seconds(row.to_at),
            folder=None if known is None else known["folder"],
            recording=row.recording,
        )
        if (why := self._why_not(row.car_id)) is not None:
            one.waits(why)
        if self._open.get(row.log_id) is not one or not one.is_ordered:
            return  # It was deleted, or its car was given to a race, just now.
        self.worker.send(
            Fetch(
                log_id=row.log_id,
                line=line_of(self._cars.get(row.car_id)),
                token=row.log_id.replace("-", ""),
                sought=sought,
                target=str(self._files.part(row.log_id)),
                max_bytes=self._max_bytes,
                reserve_bytes=reserve_bytes,
            )
        )

    # what the worker says

    def _take(self, news: LogNews) -> None:
        if isinstance(news, LogsRead):
            future = self._asked.get(news.request_id)
            if future is not None and not future.done():
                future.set_result(news)
        elif isinstance(news, Ended):
            self._take_end(news)
        elif self._open.went(news) is not None:
            self._tell([news.log_id])

    def _take_end(self, news: Ended) -> None:
        one = self._open.get(news.log_id)
        if one is None:  # It was deleted meanwhile, and its first bytes are here again.
            self._begin(asyncio.to_thread(self._files.drop, news.log_id))
        elif one.is_ordered:
            one.is_ordered, one.is_ending = False, True
            self._begin(self._ended(one, news))
        self.look()

    def _worker_died(self) -> None:
        gone = LogsRead(request_id="", reason="The box lost its line to the car.", remedy="Try again.")
        for future in self._asked.values():
            if not future.done():
                future.set_result(gone)
        one = self._open.running
        if self._is_started and one is not None and one.is_ordered:
            self._open.lost(one, NotReady("The box lost its line to the car.", "It is tried again."))
            self._tell([one.row.log_id])
        self.look()

    async def _ended(self, one: OpenLog, news: Ended) -> None:
        why = NotReady(news.reason or "", news.remedy or "")
        try:
            match news.outcome:
                case Outcome.GOT:
                    await self._got(one.row, news)
                case Outcome.NOTHING:
                    await self._end(one.row, LogState.NOTHING, NOTHING)
                case Outcome.STOPPED:
                    one.waits(self._why_not(one.row.car_id))
                case Outcome.LOST if self._open.lost(one, why):
                    pass
                case _:
                    await self._end(one.row, LogState.FAILED, why)
        except ApplianceError as error:  # The box's disk or database: tried again, and said meanwhile.
            log.warning("log_end_not_kept log_id=%s error=%s", one.row.log_id, error.message)
            self._open.lost(one, error)
        finally:
            one.is_ending = False
        self._tell([one.row.log_id])
        self.look()

    async def _got(self, row: LogRow, news: Ended) -> None:
        try:
            await asyncio.to_thread(self._files.keep, row.log_id, news.size_bytes)
        except NotReady as error:
            await self._end(row, LogState.FAILED, error)
            return
        await self._write(
            replace(row, state=LogState.STORED, names=news.names, size_bytes=news.size_bytes, ended_at=now_iso())
        )
        log.info("logs_stored log_id=%s car_id=%s size_bytes=%d", row.log_id, row.car_id, news.size_bytes)
        await self._stored()

    async def _end(self, row: LogRow, state: LogState, why: ApplianceError) -> None:
        await self._write(replace(row, state=state, reason=why.message, remedy=why.remedy, ended_at=now_iso()))
        await asyncio.to_thread(self._files.drop, row.log_id)

    async def _write(self, row: LogRow) -> None:
        await self._db.write(lambda connection: log_schema.end(connection, row))
        if self._open.drop(row.log_id) is None:  # It was deleted while its end was written.
            await asyncio.to_thread(self._files.drop, row.log_id)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _seconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())
