"""Connections over the box's own Unix socket, in one process; tests/appliance/test_local_box.py has other users."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.web.conftest import Site
from web import local_peer, patience
from web.local_peer import Credentials, Door, LocalPeer, credentials_of, local_peer_of, name_of_user, serve_locally

ME, CREW = 45_001, 45_678


class Directory:
    """A user directory that answers when it is told to, and counts the questions."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def look_up(self, uid: int) -> str:
        self.asked += 1
        assert self.may_answer.wait(20)
        return f"user-{uid}"


@pytest.fixture
def directory() -> Directory:
    return Directory()


@contextlib.asynccontextmanager
async def listening(site: Site, path: Path, door: Door) -> AsyncIterator[None]:
    """The site on a Unix socket too."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    await serve_locally(site.server, listener, door)
    yield
    site.server.servers.pop().close()


@pytest.fixture
async def line(site: Site, tmp_path: Path, directory: Directory) -> AsyncIterator[Callable[[], httpx.AsyncClient]]:
    """Makes clients that come over the socket."""
    path = tmp_path / "api.sock"
    async with listening(site, path, Door(os.geteuid(), None, directory.look_up)):
        yield lambda: httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(path)), base_url="http://box", timeout=30
        )


@pytest.mark.parametrize(
    ("uid", "groups", "is_let_in"),
    [
        (0, {0}, True),
        (ME, {ME}, True),
        (7, {7, CREW}, True),
        (7, {CREW}, True),
        (7, {7}, False),
        (7, {0}, False),
        (CREW, {7}, False),
        (65_534, {65_534}, False),
    ],
)
def test_root_ourselves_and_the_group_are_let_in(uid: int, groups: set[int], is_let_in: bool) -> None:
    assert Door(ME, CREW).lets_in(Credentials(uid, frozenset(groups))) == is_let_in


@pytest.mark.parametrize("groups", [{7}, {0}, {CREW}])
def test_a_socket_of_ones_own_lets_in_no_group(groups: set[int]) -> None:
    assert not Door(ME, None).lets_in(Credentials(7, frozenset(groups)))


def test_the_kernel_says_who_is_at_the_other_end() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        seen = credentials_of(here)
    assert seen.uid == os.geteuid()
    assert seen.groups == {os.getegid(), *os.getgroups()}


def test_a_user_without_a_name_goes_by_the_number() -> None:
    assert name_of_user(0) == "root"
    assert name_of_user(45_001) == "#45001"


async def test_a_question_to_the_user_directory_holds_up_nobody_else(
    site: Site, line: Callable[[], httpx.AsyncClient], directory: Directory
) -> None:
    directory.may_answer.clear()
    async with line() as first, line() as second:
        waiting = [asyncio.create_task(client.get("/api/session")) for client in (first, second)]
        while not directory.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        assert (await site.send("operator", "GET", "/api/session")).json()["username"] == "the-operator"
        assert not any(task.done() for task in waiting)
        directory.may_answer.set()
        names = {(await task).json()["username"] for task in waiting}
    assert names == {f"user-{os.geteuid()} (on the box)"}
    assert directory.asked == 1, "two connections of one user ask once"


async def test_a_user_directory_that_never_answers_costs_the_name_and_not_the_race(
    line: Callable[[], httpx.AsyncClient], directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_peer, "LOOK_UP_S", 0.05)
    directory.may_answer.clear()
    async with line() as client:
        answer = await client.get("/api/session")
    directory.may_answer.set()
    assert answer.json()["person_id"] == f"unix:#{os.geteuid()}"


async def test_what_is_sent_before_the_peer_is_known_arrives_whole(
    line: Callable[[], httpx.AsyncClient], directory: Directory
) -> None:
    directory.may_answer.clear()
    body = {"name": "Cup", "sponsor": "x" * 60_000}
    async with line() as client:
        sending = asyncio.create_task(client.post("/api/events", json=body))
        while not directory.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        directory.may_answer.set()
        answer = await sending
        assert answer.status_code == 400, "refused for its length, so it was read to the end"
        assert answer.json()["field"] == "sponsor"
        assert (await client.post("/api/events", json={"name": "Cup"})).status_code == 201, (
            "the same connection goes on"
        )


async def test_somebody_who_leaves_before_being_known_leaves_nothing_behind(
    line: Callable[[], httpx.AsyncClient], directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    directory.may_answer.clear()
    async with line() as client:
        sending = asyncio.create_task(client.get("/api/session"))
        while not directory.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        sending.cancel()
        await asyncio.wait([sending])
    directory.may_answer.set()
    async with line() as client:
        assert (await client.get("/api/session")).status_code == 200
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_who_connects_and_says_nothing_is_let_go(
    site: Site, tmp_path: Path, line: Callable[[], httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "REQUEST_S", 0.2)
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "api.sock"))
    writer.write(b"GET / HT")
    async with asyncio.timeout(10):
        while await reader.read(1024):
            pass
    writer.close()


async def test_many_requests_sent_at_once_are_all_the_peers(
    line: Callable[[], httpx.AsyncClient], tmp_path: Path
) -> None:
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "api.sock"))
    one = b"GET /api/session HTTP/1.1\r\nhost: box\r\n\r\n"
    writer.write(one * 4 + one.replace(b"host: box", b"host: box\r\nconnection: close"))
    async with asyncio.timeout(10):
        said = await reader.read(-1)
    writer.close()
    assert said.count(json.dumps(f"unix:user-{os.geteuid()}").encode()) == 5


def test_a_request_that_came_otherwise_has_no_peer() -> None:
    assert local_peer_of({"type": "http", "headers": [(b"trackside.local_peer", b"root")]}) is None
    peer = LocalPeer(0, None)
    assert local_peer_of({local_peer.LOCAL_PEER: peer}) is peer
