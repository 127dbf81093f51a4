"""
The process that pairs or releases one car (cars/car_worker.py), as the server has it. Event loop only.

It is started and collected in threads; what it says is read line by line. It never outlives the wait for it.
"""

import asyncio
import contextlib
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator

import msgspec

from cars.enrol_wire import NEWS, News, Order, line_of

SILENT_S = 120.0
"""No step is silent for longer: each has its own timeouts."""
LINE_BYTES = 1 << 20

log = logging.getLogger("trackside.cars")


async def news_of(order: Order) -> AsyncGenerator[News, None]:
    """What the process says, to its end."""
    ours, theirs = socket.socketpair()
    try:
        process = await asyncio.to_thread(_start, theirs)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_BYTES)
    try:
        writer.write(line_of(order))
        with contextlib.suppress(TimeoutError, ConnectionError, ValueError, msgspec.DecodeError):
            while True:
                async with asyncio.timeout(SILENT_S):
                    line = await reader.readline()
                if not line.endswith(b"\n"):
                    return
                yield NEWS.decode(line)
    finally:
        writer.close()
        await asyncio.shield(asyncio.to_thread(_end, process))


def _start(wire: socket.socket) -> "subprocess.Popen[bytes]":
    # A group of its own: Ctrl-C in a terminal is for the supervisor.
    command = [sys.executable, "-m", "cars.car_worker"]
    return subprocess.Popen(command, stdin=wire.fileno(), stdout=wire.fileno(), process_group=0)  # noqa: S603  our own command


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Collect it; one that is still there has nobody to tell anything."""
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
