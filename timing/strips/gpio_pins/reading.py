"""
Who reads when a file of events has something: the event loop when there is one, else a thread of our own.

Strips are read on the loop, which is quickest and needs no thread. Buttons of gpiozero may be used without a loop; they
share one daemon thread, which sleeps until one is pressed.
"""

import asyncio
import os
import select
import threading
from collections.abc import Callable
from typing import Protocol

Read = Callable[[], None]
"""Reads all there is; never blocks, never raises, and bears being called once more after its removal."""


class Reading(Protocol):
    """Calls back while a file has something to read."""

    def add(self, fd: int, read: Read) -> None:
        """Call `read` whenever `fd` has something."""
        ...

    def remove(self, fd: int) -> None:
        """Stop calling back."""
        ...


class LoopReading:
    """On the event loop that was running when this was made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def add(self, fd: int, read: Read) -> None:
        """Call `read` on the loop."""
        self._loop.add_reader(fd, read)

    def remove(self, fd: int) -> None:
        """Stop calling back."""
        if not self._loop.is_closed():
            self._loop.remove_reader(fd)


class ThreadReading:
    """On one daemon thread, started with the first file and ended after the last."""

    def __init__(self) -> None:
        self._reads: dict[int, Read] = {}
        self._lock = threading.Lock()
        self._wake: int | None = None

    def add(self, fd: int, read: Read) -> None:
        """Call `read` on the thread."""
        with self._lock:
            self._reads[fd] = read
            if self._wake is None:
                self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
                threading.Thread(target=self._run, args=(self._wake,), name="gpio-edges", daemon=True).start()
            os.eventfd_write(self._wake, 1)

    def remove(self, fd: int) -> None:
        """Stop calling back; a call under way goes on."""
        with self._lock:
            self._reads.pop(fd, None)
            if self._wake is not None:
                os.eventfd_write(self._wake, 1)
                if not self._reads:
                    self._wake = None

    def _run(self, wake: int) -> None:
        try:
            while self._wake == wake:
                poll = select.poll()
                poll.register(wake, select.POLLIN)
                with self._lock:
                    for fd in self._reads:
                        poll.register(fd, select.POLLIN)
                self._read({fd for fd, _ in poll.poll()}, wake)
        finally:
            os.close(wake)

    def _read(self, ready: set[int], wake: int) -> None:
        if wake in ready:
            os.eventfd_read(wake)
        with self._lock:
            reads = [read for fd, read in self._reads.items() if fd in ready and self._wake == wake]
        for read in reads:
            read()
