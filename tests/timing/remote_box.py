"""A box that follows recorders on other machines through real SSH servers, and ways to wait for what it sees."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from appliance.database import Database
from appliance.facts import Facts
from appliance.serve import DATABASE, MIGRATIONS
from tests.timing.recorder_process import RecorderProcess, connected
from tests.timing.sshd import Sshd
from timing.facts import RemotesChanged
from timing.remotes import NewRemote, RemoteLink, RemoteRecorders
from timing.stream import Edge, Gap
from timing.stream_client import StreamClient, StreamMessage

DEADLINE_S = 30


class RemoteBox:
    """`remotes`, and what was told of them."""

    def __init__(self, remotes: RemoteRecorders, facts: Facts) -> None:
        self.remotes = remotes
        self._news = asyncio.Event()
        facts.subscribe(RemotesChanged, lambda _: self._news.set())

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def open(self, remote_id: str) -> RemoteLink:
        await self.until(lambda: self.remotes.link(remote_id).is_open)
        return self.remotes.link(remote_id)

    async def shut(self, remote_id: str) -> RemoteLink:
        await self.until(lambda: not self.remotes.link(remote_id).is_open)
        return self.remotes.link(remote_id)

    async def problem(self, remote_id: str, words: str) -> str:
        """Wait until the problem contains these words; answers all of it."""
        await self.until(lambda: words in (self.remotes.link(remote_id).problem or ""))
        return self.remotes.link(remote_id).problem or ""

    async def added(self, sshd: Sshd, recorder: RecorderProcess, name: str = "Left track") -> RemoteLink:
        """Added, its host key seen, and not yet trusted."""
        link = await self.remotes.add(place(sshd, recorder, name), "test")
        await self.until(lambda: self.remotes.link(link.remote_id).seen_fingerprint is not None)
        return self.remotes.link(link.remote_id)

    async def paired(self, sshd: Sshd, recorder: RecorderProcess, name: str = "Left track") -> RemoteLink:
        """Added, with its key pasted over there and its host key agreed to by a person who compared it."""
        link = await self.added(sshd, recorder, name)
        sshd.authorize(await self.remotes.authorized_line(link.remote_id))
        await self.remotes.trust(link.remote_id, sshd.fingerprint, "test")
        return await self.open(link.remote_id)


def place(sshd: Sshd, recorder: RecorderProcess, name: str = "Left track") -> NewRemote:
    return NewRemote(name=name, host=sshd.host, port=sshd.port, username=sshd.user, remote_socket=str(recorder.socket))


@asynccontextmanager
async def remote_box(directory: Path) -> AsyncIterator[RemoteBox]:
    """The remotes of the box in `directory`; may be opened again after it was closed."""
    facts = Facts()
    await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
    db = await Database.open(directory / DATABASE, MIGRATIONS)
    remotes = RemoteRecorders(db, facts, directory)
    try:
        await remotes.load()
        remotes.start()
        yield RemoteBox(remotes, facts)
    finally:
        await remotes.stop()
        await db.close()


class Following:
    """What a stream client is handed through a link: `async with Following(link) as seen`."""

    def __init__(self, link: RemoteLink) -> None:
        self.numbers: list[int] = []
        self.link_ups = 0
        self._news = asyncio.Event()
        self._client = StreamClient(link.socket_path, self._take, lambda _: 0, self._link)

    def _take(self, message: StreamMessage) -> None:
        if isinstance(message, Edge | Gap):
            self.numbers.append(message.seq)
        self._news.set()

    def _link(self, up: bool) -> None:
        self.link_ups += up
        self._news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def edges(self, count: int) -> list[int]:
        """Every number so far, once there are `count`."""
        await self.until(lambda: len(self.numbers) >= count)
        return self.numbers

    async def __aenter__(self) -> "Following":
        await self._client.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()


async def press(recorder: RecorderProcess, hits: int = 1, line: int = 17) -> None:
    """Hits at the track, two edges each; durable when this returns, whether or not anybody far away hears of them."""
    async with connected(recorder.socket) as client:
        client.hello(None)
        await client.until("caught_up")
        for _ in range(hits):
            client.hit(line)
            await client.edges(2)
