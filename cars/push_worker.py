"""
The process that pushes: `python -m cars.push_worker --data DIR`, started by cars/push_process.py when there is work.

Owns the connections to the cars and their encryption, which would hold up laps on the server's event loop. Its standard
input and output are one socket: orders come in, news go out, a line of JSON each (cars/push_wire.py). It decides
nothing and keeps nothing: where the server goes away, it ends, and the cars keep what was sent.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncssh
import uvloop

from appliance.clock import mono_ns
from appliance.errors import ApplianceError
from appliance.ssh import load_key
from cars import push_words as words
from cars.push_job import CLEAN_S, Job
from cars.push_link import CALL_S, Gone, Inventory
from cars.push_links import Links
from cars.push_rate import Rate
from cars.push_rules import PushState
from cars.push_wire import (
    ORDERS,
    Cancel,
    Ended,
    ModelsRead,
    News,
    Outcome,
    Place,
    ReadModels,
    Send,
    Tidied,
    Tidy,
    Went,
)
from cars.worker_wire import Beat, line_of

NICENESS = 10
"""Laps come first where both want the same core."""
OOM_SCORE = "600"
"""When memory runs out the kernel takes this process before the server: a push goes on where it was."""
NEWS_EVERY_NS = 250_000_000
"""Bytes on the way are told four times a second; a new state at once."""
BEAT_S = 5.0
LINE_BYTES = 1 << 20

log = logging.getLogger("trackside.push")

Say = Callable[[News], None]


class Worker:
    """Takes orders until it is closed."""

    def __init__(self, key: asyncssh.SSHKey, say: Say) -> None:
        self._links = Links(key)
        self._say = say
        self._jobs: dict[str, Job] = {}
        self._cars: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, line: bytes) -> None:
        """Begin what is ordered; every order but `Cancel` is answered in the end."""
        match ORDERS.decode(line):
            case Send() as order:
                job = Job(order, self._links, _Reporter(order.push_id, self._say).tell)
                self._jobs[order.push_id] = job
                self._begin(self._send(order, job))
            case Cancel(push_id=push_id):
                if (known := self._jobs.get(push_id)) is not None:
                    known.cancel()
            case Tidy() as order:
                self._begin(self._tidy(order))
            case ReadModels() as order:
                self._begin(self._read_models(order))

    async def close(self) -> None:
        """Leave everything where it is, and go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._links.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, order: Send, job: Job) -> None:
        try:
            async with self._car(order.place):
                ended = await job.run()
        except Exception as error:  # The boundary of the task: the other cars never notice.
            log.exception("push_broke push_id=%s", order.push_id)
            gone = words.broke(order.place, error)
            ended = Ended(
                push_id=order.push_id,
                outcome=Outcome.FAILED,
                is_staged=True,
                reason=gone.message,
                remedy=gone.remedy,
            )
        finally:
            del self._jobs[order.push_id]
        self._say(ended)

    async def _tidy(self, order: Tidy) -> None:
        is_gone = False
        with contextlib.suppress(ApplianceError):
            async with self._car(order.place), self._links.to(order.place) as car:
                await car.call(Gone, "stage-close", order.token, within_s=CALL_S + CLEAN_S)
                is_gone = True
        self._say(Tidied(order_id=order.order_id, is_gone=is_gone))

    async def _read_models(self, order: ReadModels) -> None:
        try:
            async with self._links.to(order.place) as car:
                held = await car.call(Inventory, "inventory")
        except ApplianceError as error:
            self._say(ModelsRead(request_id=order.request_id, reason=error.message, remedy=error.remedy))
            return
        self._say(ModelsRead(request_id=order.request_id, models=held.models, free_bytes=held.free_bytes))

    def _car(self, place: Place) -> asyncio.Lock:
        """One change at a time on one car, also where a stage is tidied while the next model comes."""
        return self._cars[place.address, place.port]


class _Reporter:
    """Tells of one push: each new state at once, bytes on the way now and then."""

    def __init__(self, push_id: str, say: Say) -> None:
        self._push_id, self._say = push_id, say
        self._state: PushState | None = None
        self._told_ns = 0
        self._rate = Rate()

    def tell(self, state: PushState, sent_bytes: int | None) -> None:
        """Say so, if it is worth a line."""
        now_ns = mono_ns()
        if state is self._state and now_ns - self._told_ns < NEWS_EVERY_NS:
            return
        self._state, self._told_ns = state, now_ns
        is_sending = state is PushState.SENDING and sent_bytes is not None
        rate = self._rate.add(now_ns, sent_bytes or 0) if is_sending else 0
        self._say(Went(push_id=self._push_id, state=state, sent_bytes=sent_bytes, bytes_per_s=rate))


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
    parser = argparse.ArgumentParser(prog="cars.push_worker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the box's data directory, for its SSH key")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    try:
        uvloop.run(serve(socket.socket(fileno=os.dup(0)), load_key(options.data)))
    except ApplianceError as error:
        log.error("push_worker_cannot_start %s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
