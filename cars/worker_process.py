"""
A process that does the server's work with cars, as the server has it: started when there is work, ended when there is
none, started again when it dies.

Owns the process and the socket to it; orders go out and news come in, a line of JSON each. What is to be done, and
again, is its owner's (cars/push_line.py, cars/lines.py). Event loop only; the process is started and collected in
threads.
"""

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from cars.worker_wire import Beat, line_of

IDLE_S = 20.0
"""Its memory (45 MB) is given back; the next racer at the same table still finds it there."""
SILENT_S = 60.0
"""It beats every 5 s: one that is silent for so long hangs."""
AGAIN_S = 1.0
LINE_BYTES = 4 << 20
"""A car with thousands of folders still fits."""

log = logging.getLogger("trackside.cars")

NewsT = TypeVar("NewsT", bound=Struct)


class WorkerProcess(Generic[NewsT]):
    """`send` at any time; `await stop()` at the end."""

    def __init__(
        self,
        command: Sequence[str],
        news: "msgspec.json.Decoder[NewsT | Beat]",
        take: Callable[[NewsT], None],
        died: Callable[[], None],
        *,
        idle_s: float = IDLE_S,
    ) -> None:
        """
        Args:
            command: The module to run and its arguments; the worker's end of the wire is its standard input and output.
            news: Reads a line of what it says.
            take: Told all news but the beats, on the loop.
            died: Told that the process ended with work to do; all that was ordered and not answered is lost.
            idle_s: How long it is kept without anything to do.
        """
        self._module = command[0]
        self._command = [sys.executable, "-m", *command]
        self._news = news
        self._take = take
        self._died = died
        self._idle_s = idle_s
        self._orders: list[bytes] = []
        self._wanted = asyncio.Event()
        self._is_let_go = False
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs, None without."""
        return None if self._process is None else self._process.pid

    def send(self, order: Struct) -> None:
        """Give an order; starts the process if there is none."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._writer is not None:
            self._writer.write(line_of(order))
            return
        self._orders.append(line_of(order))
        self._wanted.set()
        if self._task is None:
            self._task = asyncio.create_task(self._keep_running(), name=self._module)

    def rest(self) -> None:
        """Nothing is to be done: unless that changes, the process ends soon."""
        if self._idle is None and self._writer is not None:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._let_go)

    async def stop(self) -> None:
        """End it now; what was sent so far stays on the cars."""
        if self._idle is not None:
            self._idle.cancel()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def _let_go(self) -> None:
        self._idle = None
        self._is_let_go = True
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    async def _keep_running(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._is_let_go = False
            try:
                await self._one_life()
            except OSError as error:
                log.warning("car_worker_not_started module=%s error=%s", self._module, error)
                await asyncio.sleep(AGAIN_S)
            except Exception:  # The boundary of the task: the worker is started again.
                log.exception("car_worker_failed module=%s", self._module)
            if not self._is_let_go:
                # Also what was ordered since: whoever ordered it is told that it is lost.
                self._orders.clear()
                self._wanted.clear()
                self._died()

    async def _one_life(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.to_thread(_start, self._command, theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._process = process
        log.info("car_worker_started module=%s pid=%d", self._module, process.pid)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_BYTES)
        try:
            writer.writelines(self._orders)
            self._orders.clear()
            self._writer = writer
            await self._listen(reader)
        finally:
            self._writer, self._process = None, None
            writer.close()
            await asyncio.shield(asyncio.to_thread(_end, process))
            log.info("car_worker_ended module=%s pid=%d status=%s", self._module, process.pid, process.returncode)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """Until it ends, hangs, or is let go."""
        try:
            while True:
                async with asyncio.timeout(SILENT_S):
                    line = await reader.readline()
                if not line.endswith(b"\n"):
                    return
                news = self._news.decode(line)
                if not isinstance(news, Beat):
                    self._take(news)
        except (TimeoutError, ConnectionError, ValueError, msgspec.DecodeError) as error:
            log.warning("car_worker_lost module=%s error=%s", self._module, error or type(error).__name__)


def _start(command: list[str], wire: socket.socket) -> "subprocess.Popen[bytes]":
    # A group of its own: Ctrl-C in a terminal is for the supervisor.
    return subprocess.Popen(command, stdin=wire.fileno(), stdout=wire.fileno(), process_group=0)  # noqa: S603  our own command


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
