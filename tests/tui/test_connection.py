"""What an answer means, and that every wait has an end: captive portals, gateways, strangers, silence."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tui.box import Box
from tui.connection import Connection
from tui.errors import BoxAway, BoxError, NotABox, Refused, SignedOut
from tui.wire import WhoAmI

LONG_S = 30.0
"""Longer than a busy machine needs for anything here."""
PROBLEM = b'{"message":"The race is over.","remedy":"Cancel the end.","field":"kind"}'
WHO = b'{"person_id":"p","username":"ann","roles":["operator"],"since":"a newer box says more"}'


@asynccontextmanager
async def answering(answer: bytes, *, ends: bool = True) -> AsyncIterator[str]:
    """A server that says this to everybody."""

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if not ends:
                await reader.read()
        except (OSError, EOFError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer_one, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def http(status: str, body: bytes, *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def asked(answer: bytes, *, ends: bool = True) -> WhoAmI:
    """What comes of asking who we are."""
    async with answering(answer, ends=ends) as url:
        connection = Connection(url)
        try:
            return await connection.send("GET", "/api/session", WhoAmI, patience_s=LONG_S if ends else 0.5)
        finally:
            await connection.close()


async def test_an_answer_with_more_than_we_know_is_understood() -> None:
    who = await asked(http("200 OK", WHO))
    assert (who.username, who.may_run, who.may_look) == ("ann", True, True)


@pytest.mark.parametrize(
    "answer",
    [
        http("302 Found", b"", "location: http://portal.example/login"),
        http("200 OK", b"<html>Welcome to Hall Wi-Fi", "content-type: text/html"),
        http("403 Forbidden", b"<html>Please sign in", "content-type: text/html"),
        http("404 Not Found", b"<html>nginx"),
        b"220 mail.example ESMTP\r\n\r\n",
        http("204 No Content", b""),
        http("200 OK", b""),
        http("200 OK", b'{"person_id":"\xff"}'),
        http("200 OK", b'{"a":' * 100_000),
        http("403 Forbidden", b'{"message":"\xff"}'),
    ],
    ids=[
        "redirect",
        "page",
        "forbidden page",
        "web server",
        "mail server",
        "nothing",
        "empty",
        "no text",
        "deep",
        "no words",
    ],
)
async def test_another_program_s_answer_is_no_box_and_refuses_nothing(answer: bytes) -> None:
    with pytest.raises(NotABox) as failed:
        await asked(answer)
    assert failed.value.message == "That is not a Trackside box."
    assert not isinstance(failed.value, Refused)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http("401 Unauthorized", PROBLEM), SignedOut),
        (http("409 Conflict", PROBLEM), Refused),
        (http("429 Too Many Requests", PROBLEM), BoxAway),
        (http("503 Service Unavailable", PROBLEM), BoxAway),
    ],
)
async def test_a_box_s_own_words_are_told(answer: bytes, error: type[BoxError]) -> None:
    with pytest.raises(error) as failed:
        await asked(answer)
    assert (failed.value.message, failed.value.remedy) == ("The race is over.", "Cancel the end.")


@pytest.mark.parametrize(
    "answer",
    [
        http("502 Bad Gateway", b"<html>upstream"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"",
    ],
    ids=["gateway", "cut off", "hung up"],
)
async def test_half_an_answer_is_none(answer: bytes) -> None:
    with pytest.raises(BoxAway) as failed:
        await asked(answer)
    assert failed.value.message.endswith(" does not answer.")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"], ids=["silent", "stuck"])
async def test_a_box_that_says_nothing_more_is_away_after_a_while(answer: bytes) -> None:
    with pytest.raises(BoxAway):
        await asked(answer, ends=False)


async def test_a_box_of_another_version_is_told_apart() -> None:
    with pytest.raises(BoxError) as failed:
        await asked(http("200 OK", b'{"person":1}'))
    assert not isinstance(failed.value, BoxAway | Refused)
    assert failed.value.remedy == "Install the same version of Trackside here as on the box."


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1", "ftp://box", "http://box:99999", "unix:/no/such/socket", "x"]
)
async def test_a_wrong_address_is_an_error_with_words(address: str) -> None:
    box = Box(address)
    with pytest.raises(BoxAway) as failed:
        await box.who()
    assert failed.value.remedy


async def test_what_is_under_way_fails_at_once_when_connections_are_forgotten() -> None:
    async with answering(b"", ends=False) as url:
        connection = Connection(url)
        waiting = asyncio.create_task(connection.send("GET", "/api/session", WhoAmI, patience_s=2 * LONG_S))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        connection.forget()
        with pytest.raises(BoxAway):
            async with asyncio.timeout(LONG_S):  # not only when its patience ends
                await waiting
        await connection.close()


async def test_a_page_instead_of_the_stream_is_no_box() -> None:
    async with answering(http("200 OK", b"<html>", "content-type: text/html")) as url:
        box = Box(url)
        with pytest.raises(NotABox):
            async for _ in box.crew_stream("event", "1"):
                pass
        await box.close()


async def test_a_box_is_reached_over_its_unix_socket_too(tmp_path: Path) -> None:
    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http("200 OK", WHO))
        writer.close()

    server = await asyncio.start_unix_server(answer_one, tmp_path / "api.sock")
    box = Box(f"unix:{tmp_path}/api.sock")
    assert (await box.who()).username == "ann"
    await box.close()
    server.close()


async def test_what_a_stranger_says_can_do_nothing_to_the_terminal() -> None:
    problem = b'{"message":"No.\\u001b]0;mine\\u0007","remedy":"\\u202eGo \\u001b[2J","field":null}'
    with pytest.raises(Refused) as failed:
        await asked(http("400 Bad Request", problem))
    assert (failed.value.message, failed.value.remedy) == ("No. ]0;mine ", "Go  [2J")
    assert str(failed.value) == "No. ]0;mine  Go  [2J"
