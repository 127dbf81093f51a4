"""web/patience.py on real connections: who says nothing is let go, who is slow is waited for."""

import asyncio

import pytest

from tests.web.conftest import Site
from tests.web.streams import watching
from timing.structs import Event
from web import patience

HEAD = b"POST /api/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 40\r\n\r\n"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_S", 0.2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HT", HEAD + b'{"user', b"GET /api/events HTTP/1.1\r\nhost: x\r\n\r\nGET /", b"\r\n"],
    ids=["nothing", "half a line", "half a body", "half of the next one", "an empty line"],
)
async def test_who_does_not_finish_a_request_is_let_go(site: Site, said: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(said)
    async with asyncio.timeout(10):
        while await reader.read(1024):
            pass
    writer.close()


@pytest.mark.usefixtures("short")
async def test_a_stream_stays_open(site: Site, event: Event) -> None:
    async with watching(site, event.event_id) as screen:
        await screen.next("snapshot")
        await test_who_does_not_finish_a_request_is_let_go(site, b"")  # so the time for a request is over
        await site.house.queue.add(event.event_id, "1", site.person_ids["racer"], "test")
        await screen.next("queue")


async def test_a_slow_upload_that_keeps_coming_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_S", 1.0)
    monkeypatch.setattr(patience, "LEAST_BYTES", 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(HEAD)
    for byte in b'{"username":"nobody","password":"secret"}'[:40]:
        await asyncio.sleep(0.05)  # what is tested is time itself: 2 s in all
        writer.write(bytes([byte]))
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 4")
    writer.close()


@pytest.mark.parametrize("host", ["box:99999", "box/x", "a@b", "[::1", '"><script>', "box:80:80", "bö.x"])
async def test_a_host_that_is_none_is_refused_without_a_fault(
    site: Site, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(f"POST /sign-in HTTP/1.1\r\nhost: {host}\r\ncontent-length: 1\r\n\r\n1".encode())
    assert (await reader.readline()) == b"HTTP/1.1 400 Bad Request\r\n"
    writer.close()
    assert "fault" not in caplog.text


@pytest.mark.parametrize("host", ["trackside.local", "192.168.4.1:8080", "[fe80::1]:80", "localhost", "box_1:"])
async def test_every_name_a_phone_may_use_is_taken(site: Site, host: str) -> None:
    assert (await site.send("anonymous", "GET", "/", headers={"host": host})).status_code == 200
