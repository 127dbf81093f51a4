"""
The process that fetches logs: `python -m cars.log_worker --data DIR`, started by cars/logs.py when there is work.

Owns the connections to the cars meanwhile. Its standard input and output are one socket: orders come in, news go out, a
line of JSON each (cars/log_wire.py). It decides nothing: where the server goes away, it ends, and what was fetched so
far stays to go on from. Everything else comes before it, on the processor and where memory runs out.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
import uvloop

from appliance.clock import mono_ns
from appliance.errors import ApplianceError
from appliance.ssh import load_key
from cars.log_job import Job, line_to, listed
from cars.log_structs import LogState
from cars.log_wire import ORDERS, Ended, Fetch, LogsRead, News, Outcome, ReadLogs, Stop, Went
from cars.worker_wire import Beat, line_of

NICENESS = 10
OOM_SCORE = "700"
"""When memory runs out the kernel takes this process first: nobody waits for it at the track."""
NEWS_EVERY_NS = 500_000_000
BEAT_S = 5.0
LINE_BYTES = 1 << 20
SHOWN = 500
"""Recordings of a car that are listed, the newest ones."""

log = logging.getLogger("trackside.logs")

T = TypeVar("T")

Say = Callable[[News], None]


class Worker:
    """Takes orders until it is closed."""

    def __init__(self, key: asyncssh.SSHKey, say: Say) -> None:
        self._key = key
        self._say = say
        self._jobs: dict[str, asyncio.Task[Ended]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def take(self, line: bytes) -> None:
        """Begin what is ordered; every order but `Stop` is answered in the end."""
        match ORDERS.decode(line):
            case Fetch() as order:
                task = self._jobs[order.log_id] = self._begin(self._fetch(order))
                task.add_done_callback(partial(self._end, order.log_id))
            case Stop(log_id=log_id):
                if (known := self._jobs.get(log_id)) is not None:
                    known.cancel()
            case ReadLogs() as order:
                self._begin(self._read(order))

    async def close(self) -> None:
        """Leave everything where it is, and go."""
        self._say = lambda _: None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _fetch(self, order: Fetch) -> Ended:
        try:
            return await Job(order, self._key, _Reporter(order.log_id, self._say).tell).run()
        except Exception:  # The boundary of the task.
            log.exception("log_fetch_failed log_id=%s", order.log_id)
            reason, remedy = "It failed in the box.", "Fetch them again; the box's log says more."
            return Ended(log_id=order.log_id, outcome=Outcome.FAILED, reason=reason, remedy=remedy)

    def _end(self, log_id: str, task: asyncio.Task[Ended]) -> None:
        """Also of one that was stopped before it began: whoever stopped it waits for that."""
        self._jobs.pop(log_id, None)
        self._say(Ended(log_id=log_id, outcome=Outcome.STOPPED) if task.cancelled() else task.result())

    async def _read(self, order: ReadLogs) -> None:
        try:
            async with line_to(order.line, self._key) as (_, car):
                found, clock_off_s = await listed(car)
        except ApplianceError as error:
            self._say(LogsRead(request_id=order.request_id, reason=error.message, remedy=error.remedy))
            return
        newest = sorted(found, key=lambda one: (one.changed_at_s, one.name), reverse=True)[:SHOWN]
        self._say(LogsRead(request_id=order.request_id, logs=tuple(newest), clock_off_s=clock_off_s))


class _Reporter:
    """Tells of one fetch: each new state at once, bytes on the way now and then."""

    def __init__(self, log_id: str, say: Say) -> None:
        self._log_id, self._say = log_id, say
        self._state: LogState | None = None
        self._told_ns = 0

    def tell(self, state: LogState, got_bytes: int, size_bytes: int) -> None:
        """Say so, if it is worth a line."""
        now_ns = mono_ns()
        if state is self._state and now_ns - self._told_ns < NEWS_EVERY_NS:
            return
        self._state, self._told_ns = state, now_ns
        self._say(Went(log_id=self._log_id, state=state, got_bytes=got_bytes, size_bytes=size_bytes))


async def serve(wire: socket.socket, key: asyncssh.SSHKey) -> None:
    """Take orders from `wire` until its other end is closed."""
    reader, writer = await asyncio.open_unix_connection(sock=wire, limit=LINE_BYTES)
    worker = Worker(key, lambda news: writer.write(line_of(news)))
    beats = asyncio.create_task(_beat(writer))
    try:
        while (line := await reader.readline()).endswith(b"\n"):
            worker.take(line)
    except ConnectionError:
        return
    finally:
        beats.cancel()
        await worker.close()
        writer.close()


async def _beat(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(line_of(Beat()))
        await asyncio.sleep(BEAT_S)


def main(arguments: list[str] | None = None) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="cars.log_worker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the box's data directory, for its SSH key")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    try:
        uvloop.run(serve(socket.socket(fileno=os.dup(0)), load_key(options.data)))
    except ApplianceError as error:
        log.error("log_worker_cannot_start %s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
