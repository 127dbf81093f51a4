"""Who follows a recorder by a stream client, for tests: what it was handed, and a way to wait for it."""

import asyncio

from recorder_process import DEADLINE_S

from timing.stream import Edge, Gap
from timing.stream_client import StreamClient


class Owner:
    """What a client hands on, and a way to wait for it."""

    def __init__(self, held=0):
        self.messages = []
        self.links = []
        self.hellos = []
        self.held = held
        self.heard = lambda: None
        self._news = asyncio.Event()

    def on_message(self, message):
        self.messages.append(message)
        self.heard()
        self._news.set()

    def on_link(self, up):
        self.links.append(up)
        self._news.set()

    def cursor(self, hello):
        self.hellos.append(hello)
        return self.held

    def client(self, socket):
        return StreamClient(socket, self.on_message, self.cursor, self.on_link)

    @property
    def numbers(self):
        return [message.seq for message in self.messages if isinstance(message, (Edge, Gap))]

    async def until(self, is_so):
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def edges(self, count):
        await self.until(lambda: len(self.numbers) >= count)
        return self.numbers

    async def linked(self, times=1):
        await self.until(lambda: self.links.count(True) >= times)
