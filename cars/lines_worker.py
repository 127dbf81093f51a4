"""
The process that keeps a line open to every car: `python -m cars.lines_worker --data DIR`, started by cars/lines.py.

Owns the SSH connections over which commands go, so that a stop is one packet and no handshake: signing in to a car at
full load on bad Wi-Fi takes seconds. Its standard input and output are one socket: orders come in, answers go out
(cars/lines_wire.py). Where the server goes away, it ends.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncssh
import uvloop

from appliance.errors import ApplianceError, NotReady
from appliance.ssh import load_key, signed_in
from cars.car_ssh import machine_of
from cars.finder.knock import knock_console
from cars.lines_wire import ORDERS, Call, Called, Keep, Line
from cars.on_car_api import LineBroke, OnCar
from cars.worker_wire import Beat, line_of

BEAT_S = 5.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 20.0
"""Between tries to reach a car that does not answer; a call tries at once."""
OOM_SCORE = "500"
"""When memory runs out the kernel takes this process before the server, and a push before this."""
LINE_BYTES = 1 << 20

log = logging.getLogger("trackside.cars")

Say = Callable[[Called | Beat], None]


class CarLine:
    """One car: a connection that is kept open, and made anew whenever it breaks. `calls` go over it just now."""

    def __init__(self, line: Line, key: asyncssh.SSHKey) -> None:
        self.line = line
        self.calls = 0
        self._key = key
        self._car: OnCar | None = None
        self._problem: ApplianceError | None = None
        self._wanted = asyncio.Event()
        self._tried = asyncio.Condition()
        self._task = asyncio.create_task(self._keep(), name=f"car-line-{line.car_id}")

    async def close(self) -> None:
        """Let it go."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def on_car(self) -> OnCar:
        """
        The helper there, over a connection that is open.

        Raises:
            ApplianceError: the try that was under way, or the next one, failed; says why.
        """
        async with self._tried:
            if self._car is None or self._car.is_cut_off:
                self._wanted.set()
                await self._tried.wait()
        if self._car is None:
            raise self._problem or NotReady(f"{self.line.name} is out of reach.", "Look whether it is on.")
        return self._car

    async def _keep(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._wanted.clear()
            was_open = await self._once()
            pause_s = FIRST_PAUSE_S if was_open else min(2 * pause_s, LONGEST_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wanted.wait()

    async def _once(self) -> bool:
        """One connection from beginning to end: whether it ever was open."""
        line, was_open = self.line, False
        try:
            machine = machine_of(line.address, line.port, line.username)
            async with signed_in(machine, line.host_key, key=self._key) as connection:
                self._car, was_open = OnCar(connection, line.name, line.serial), True
                await self._tell_tried()
                await connection.wait_closed()
        except ApplianceError as error:
            self._problem = await self._told(error)
        except Exception:  # The boundary of the task: this car's line is tried again, the others never notice.
            log.exception("car_line_failed car_id=%s", line.car_id)
            self._problem = NotReady(f"The way to {line.name} failed in the box.", "Its log says more.")
        finally:
            self._car = None
        if not was_open:
            await self._tell_tried()
        return was_open

    async def _told(self, error: ApplianceError) -> ApplianceError:
        """The same; but where only its SSH is not there, that the car is on."""
        if isinstance(error.__cause__, OSError) and await knock_console(self.line.address):
            return NotReady(f"{self.line.name} is on, but its SSH does not answer.", _AGAIN)
        return error

    async def _tell_tried(self) -> None:
        async with self._tried:
            self._tried.notify_all()


class LinesWorker:
    """Takes orders until it is closed."""

    def __init__(self, key: asyncssh.SSHKey, say: Say) -> None:
        self._key = key
        self._say = say
        self._lines: dict[str, CarLine] = {}
        self._kept: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    def take(self, line: bytes) -> None:
        """Begin what is ordered."""
        match ORDERS.decode(line):
            case Keep(lines=lines):
                self._kept = {one.car_id for one in lines}
                for one in lines:
                    self._line(one)
                for held in list(self._lines.values()):
                    self._let_go(held)
            case Call() as call:
                self._begin(self._call(call))

    async def close(self) -> None:
        """Let all lines go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *(line.close() for line in self._lines.values()), return_exceptions=True)

    def _line(self, line: Line) -> CarLine:
        """The line to a car, anew where its place or its key has changed."""
        known = self._lines.get(line.car_id)
        if known is not None and known.line == line:
            return known
        self._lines[line.car_id] = CarLine(line, self._key)
        if known is not None:
            self._let_go(known)
        return self._lines[line.car_id]

    def _let_go(self, line: CarLine) -> None:
        """Close it unless it is kept, or a call is on it: whoever stops a car must not lose the line to it."""
        car_id = line.line.car_id
        is_current = self._lines.get(car_id) is line
        if line.calls or (is_current and car_id in self._kept):
            return
        if is_current:
            del self._lines[car_id]
        self._begin(line.close())

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call(self, call: Call) -> None:
        line = self._line(call.line)
        line.calls += 1
        try:
            async with asyncio.timeout(call.within_s):
                car = await line.on_car()
                told = await car.ask(call.verb, *call.arguments, timeout_s=call.within_s, breaks=call.breaks)
            answer = Called(request_id=call.request_id, told=told)
        except TimeoutError:
            answer = _refused(call, f"{call.line.name} did not answer within {call.within_s:.0f} s.", _LOOK)
        except ApplianceError as error:
            answer = _refused(call, error.message, error.remedy, is_broken=isinstance(error, LineBroke))
        except Exception:  # The boundary of the task.
            log.exception("car_call_failed car_id=%s verb=%s", call.line.car_id, call.verb)
            answer = _refused(call, "It failed in the box.", "Try again; the box's log says more.")
        finally:
            line.calls -= 1
            self._let_go(line)
        self._say(answer)


_AGAIN = "Ask again in a moment. If it was flashed anew, pair it again under Cars."
_LOOK = "Look whether it is on and in reach of the Wi-Fi, then ask again."


def _refused(call: Call, message: str, remedy: str, *, is_broken: bool = False) -> Called:
    return Called(request_id=call.request_id, message=message, remedy=remedy, is_broken=is_broken)


async def serve(wire: socket.socket, key: asyncssh.SSHKey) -> None:
    """Take orders from `wire` until its other end is closed."""
    reader, writer = await asyncio.open_unix_connection(sock=wire, limit=LINE_BYTES)
    worker = LinesWorker(key, lambda news: writer.write(line_of(news)))
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
    parser = argparse.ArgumentParser(prog="cars.lines_worker", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the box's data directory, for its SSH key")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    try:
        uvloop.run(serve(socket.socket(fileno=os.dup(0)), load_key(options.data)))
    except ApplianceError as error:
        log.error("lines_worker_cannot_start %s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
