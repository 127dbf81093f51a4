"""A recorder inside the test's own process, with strips whose edges the test makes."""

import asyncio

from timing.recorder import Recorder
from timing.stream import Line, StripsKind


class HandStrips:
    """Strips whose edges are made by the test."""

    kind = StripsKind.GPIO
    note = None
    problem = None

    def __init__(self, at_start=()):
        self.lines = (Line(line=4, name="hand"), Line(line=5, name="other hand"))
        self._at_start = at_start

    async def start(self, sink):
        self.sink = sink
        for raw in self._at_start:
            sink(raw)

    async def stop(self):
        self.sink = None


class Running:
    """A recorder in this process."""

    def __init__(self, directory, boot="boot-a", strips=None, panel=None):
        self.strips = strips or HandStrips()
        self.socket = directory / "timing.sock"
        self.recorder = Recorder(directory, self.strips, boot, panel)
        self.stop = asyncio.Event()

    async def __aenter__(self):
        ready = asyncio.Event()
        self.task = asyncio.create_task(self.recorder.run(self.socket, self.stop, ready))
        async with asyncio.timeout(20):
            await ready.wait()
        return self

    async def __aexit__(self, *_):
        self.stop.set()
        await self.task
