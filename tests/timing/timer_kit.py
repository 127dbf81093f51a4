"""A DREM timer kit as a network sees it: a real WebSocket server that says what it says, with a clock of its own."""

import asyncio
import json
import time
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, serve


class TimerKit:
    """Use as `async with`; `stop` and `start` again is a kit that was switched off and on."""

    def __init__(self, *, greets: bool = True) -> None:
        self._greets = greets
        self._server: Server | None = None
        self._clients: set[ServerConnection] = set()
        self._news = asyncio.Condition()
        self.port = 0
        self.laps = 0
        self.greeted = 0
        self.ahead_ms = 0
        """How far the kit's wall clock is ahead of this machine's."""

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def now_ms(self) -> int:
        """Date.now() of the kit."""
        return time.time_ns() // 1_000_000 + self.ahead_ms

    async def start(self) -> None:
        self._server = await serve(self._talk, "127.0.0.1", self.port, ping_interval=None)
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self.laps = 0

    async def stop(self) -> None:
        """Gone without a word, as by a pulled plug."""
        assert self._server is not None
        for client in self._clients:
            client.transport.abort()
        self._server.close()
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def connected(self, greetings: int = 1) -> None:
        """Until so many clients have been greeted since the kit was made."""
        async with self._news, asyncio.timeout(20):
            await self._news.wait_for(lambda: self.greeted >= greetings)

    async def cross(self, gpio: int = 17, at_ms: int | None = None) -> int:
        """A car over a sensor; the moment by the kit's clock in ms."""
        at_ms = self.now_ms() if at_ms is None else at_ms
        self.laps += 1
        lap = {"event": "lap", "timestamp": at_ms, "gpio": gpio, "lapNumber": self.laps, "sensorLapCount": self.laps}
        await self.say(json.dumps(lap))
        return at_ms

    async def say(self, *messages: str | bytes) -> None:
        """The same words to every client."""
        for client in list(self._clients):
            for message in messages:
                await client.send(message)

    async def _talk(self, client: ServerConnection) -> None:
        if self._greets:
            config = {"dremUrl": "https://example.invalid", "port": 8080, "gpio": {"sensor1": 17, "sensor2": 27}}
            info = {"gpioLibrary": "node-libgpiod", "config": config}
            await client.send(json.dumps({"event": "connected", "timestamp": self.now_ms(), "serverInfo": info}))
        self._clients.add(client)
        async with self._news:
            self.greeted += 1
            self._news.notify_all()
        try:
            await client.wait_closed()
        finally:
            self._clients.discard(client)
