"""A real server on a real port around a real house, and people of every role signed in to it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock, patch

import httpx
import pytest
import uvicorn
from litestar import Litestar

from appliance.people import NewRacer
from appliance.permissions import Role
from appliance.serve import opened_house
from appliance.settings import load
from timing.structs import Event, NewEvent, NewTrack
from web.app import bare_app, end_streams, move_in
from web.house import House
from web.patience import PatientProtocol

PASSWORD = "correct-horse-battery"
ANONYMOUS = "anonymous"


class TestServer(uvicorn.Server):
    """uvicorn inside the test's own loop; leaves the signals to pytest."""

    __test__ = False

    async def main_loop(self) -> None:
        """Until it is told to end; uvicorn's own looks ten times a second only, for each of a thousand tests."""
        await self.on_tick(0)
        while not self.should_exit:  # noqa: ASYNC110  uvicorn is told by a flag
            await asyncio.sleep(0.01)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing to capture."""
        yield


class Site:
    """The running application: where it is, and who is signed in."""

    def __init__(self, house: House, app: Litestar, port: int, server: uvicorn.Server) -> None:
        self.house = house
        self.app = app
        self.port = port
        self.server = server
        self.url = f"http://127.0.0.1:{port}"
        self.tokens: dict[str, str] = {}
        self.person_ids: dict[str, str] = {}

    async def add(self, role: Role) -> None:
        """Sign in somebody with this role."""
        people, name = self.house.people, f"the-{role.value}"
        if role is Role.RACER:
            person = await people.register(NewRacer(username=name), "test")
        else:
            person = await people.add_staff(name, [role], PASSWORD, "test")
        self.tokens[role.value], _ = await self.house.sessions.start(person.person_id)
        self.person_ids[role.value] = person.person_id

    def client(self, role: str = ANONYMOUS) -> httpx.AsyncClient:
        """A program of this role."""
        headers = {} if role == ANONYMOUS else {"authorization": f"Bearer {self.tokens[role]}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=30, trust_env=False)

    async def send(self, role: str, method: str, path: str, **arguments: Any) -> httpx.Response:
        """One request of this role."""
        async with self.client(role) as client:
            return await client.request(method, path, **arguments)

    def browser(self, role: str = ANONYMOUS) -> httpx.AsyncClient:
        """A browser of this role: the session in a cookie."""
        cookies = {} if role == ANONYMOUS else {"trackside": self.tokens[role]}
        return httpx.AsyncClient(base_url=self.url, cookies=cookies, timeout=30, trust_env=False)


_EMPTY: list[Litestar] = []
"""Applications that nobody lives in: making one takes a quarter of a second, and there are a thousand tests."""


_HASHED: list[str] = []
"""What `PASSWORD` is stored as: it is made slow on purpose, and so made once."""


@contextlib.contextmanager
def application(house: House) -> Iterator[Litestar]:
    """The application around `house`; the next test moves in where this one moved out."""
    app = _EMPTY.pop() if _EMPTY else bare_app()
    move_in(app, house)
    yield app
    _EMPTY.append(app)


@contextlib.asynccontextmanager
async def serving(house: House) -> AsyncIterator[Site]:
    """A server around `house` for as long as the block lasts."""
    with application(house) as app, socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, http=PatientProtocol, ws="none", lifespan="on", log_config=None, timeout_graceful_shutdown=2
        )
        server = TestServer(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            assert not task.done(), task.exception()
            await asyncio.sleep(0.001)
        try:
            yield Site(house, app, listener.getsockname()[1], server)
        finally:
            end_streams(app)
            server.should_exit = True
            await task


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house of its own, as a box builds it; no recorder listens."""
    settings = load(tmp_path, environment={})
    async with opened_house(settings, settings.recorder_socket) as opened:
        yield opened


@pytest.fixture
async def site(house: House) -> AsyncIterator[Site]:
    """A server with one signed-in person of each role."""
    if not _HASHED:
        _HASHED.append(await house.people.passwords.hash(PASSWORD))
    async with serving(house) as running:
        with patch.object(house.people.passwords, "hash", AsyncMock(return_value=_HASHED[0])):
            await asyncio.gather(*(running.add(role) for role in Role))
        yield running


@pytest.fixture
async def event(house: House) -> Event:
    """An event with two tracks."""
    tracks = [NewTrack(name="Left"), NewTrack(name="Right")]
    return await house.events.create(NewEvent(name="Rehearsal", tracks=tracks), "test")
