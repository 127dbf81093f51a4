"""
HTTP to one box, over TCP or its Unix socket: sends, waits no longer than it should, and says in words what went wrong.

Owns what an answer means: done, refused, signed out, or none of a box's at all. The calls have their names in
tui/box.py. Nothing is repeated here: whoever sends knows whether that is safe.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import httpx
import msgspec

from tui.errors import BoxAway, BoxError, NotABox, Refused, SignedOut
from tui.wire import UNREADABLE, Problem

T = TypeVar("T")

ANSWER_S = 4.0
"""For the whole of a request; a box that is there answers in some milliseconds, on bad Wi-Fi within a second or two."""
CONNECT_S = 2.0
"""Two tries of TCP, which repeats itself after one second."""
UNIX = "unix:"
AGAIN = frozenset({408, 425, 429})
"""Refusals that say "later", not "no"."""


class Connection:
    """A box at an address: "http://host:8080" or "unix:/path/api.sock"."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address
        self.token = token
        self._http = _client(address)
        self._streams = _client(address)
        self._left: set[asyncio.Task[None]] = set()

    def move_to(self, address: str) -> None:
        """The same box at another address; what is under way at the old one fails."""
        self.address = address
        self._leave(self._streams)
        self._streams = _client(address)
        self.forget()

    def forget(self) -> None:
        """
        Leave all connections but the streams: they may lead nowhere after the network was away.

        What is under way on them fails at once, instead of in some seconds.
        """
        self._leave(self._http)
        self._http = _client(self.address)

    async def close(self) -> None:
        """Leave for good."""
        await asyncio.gather(self._http.aclose(), self._streams.aclose(), *self._left, return_exceptions=True)

    async def send(
        self,
        method: str,
        path: str,
        wanted: type[T],
        *,
        body: object = None,
        query: dict[str, str] | None = None,
        patience_s: float = ANSWER_S,
        also: frozenset[int] = frozenset(),
    ) -> T:
        """
        One request and its answer.

        Args:
            query: Names and values of the address.
            patience_s: For all of it.
            also: Statuses that carry an answer too, as 503 of the health report does.

        Raises:
            BoxAway: no answer in time, or "not now".
            NotABox: an answer that is none of a box's.
            SignedOut: 401.
            Refused: any other no.
        """
        content = None if body is None else msgspec.json.encode(body)
        try:
            async with asyncio.timeout(patience_s):
                answer = await self._http.request(
                    method, path, content=content, params=query, headers=self._headers(content)
                )
        except (TimeoutError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, RuntimeError) as error:
            raise self._away(error) from error
        if answer.status_code >= 300 and answer.status_code not in also:
            raise self._refusal(answer.status_code, answer.content)
        return self._decoded(answer.content, wanted)

    async def pieces(self, path: str, silence_s: float) -> AsyncIterator[bytes]:
        """
        The bytes of a stream as they come.

        Ends with an error of `send` when the box is silent for `silence_s`, and plainly when it ends the stream.
        """
        timeout = httpx.Timeout(silence_s, connect=min(CONNECT_S, silence_s))
        try:
            async with self._streams.stream("GET", path, headers=self._headers(None), timeout=timeout) as answer:
                if answer.status_code >= 300:
                    raise self._refusal(answer.status_code, await answer.aread())
                if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                    raise NotABox(self.address)
                async for piece in answer.aiter_raw():
                    yield piece
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, RuntimeError) as error:
            raise self._away(error) from error

    def _leave(self, client: httpx.AsyncClient) -> None:
        task = asyncio.ensure_future(client.aclose())
        self._left.add(task)
        task.add_done_callback(self._left.discard)

    def _headers(self, content: bytes | None) -> dict[str, str]:
        headers = {"accept-encoding": "identity"}
        if self.token is not None:
            headers["authorization"] = f"Bearer {self.token}"
        if content is not None:
            headers["content-type"] = "application/json"
        return headers

    def _decoded(self, content: bytes, wanted: type[T]) -> T:
        if not content and wanted is not type(None) and wanted is not Any:
            raise NotABox(self.address)
        try:
            return msgspec.json.decode(content or b"null", type=wanted)
        except msgspec.ValidationError as error:
            raise BoxError(
                f"The box answers something that this terminal does not understand ({error}).",
                "Install the same version of Trackside here as on the box.",
            ) from error
        except UNREADABLE as error:
            raise NotABox(self.address) from error

    def _refusal(self, status: int, content: bytes) -> BoxError:
        """What a status means; only a box's own words are a refusal: a guest network says 403 too."""
        try:
            problem = msgspec.json.decode(content, type=Problem)
        except UNREADABLE:
            return self._away(None) if status >= 500 else NotABox(self.address)
        if status >= 500 or status in AGAIN:
            return BoxAway(problem.message, problem.remedy)
        if status == 401:
            return SignedOut(problem.message, problem.remedy)
        return Refused(problem.message, problem.remedy, status=status, field=problem.field)

    def _away(self, error: Exception | None) -> BoxAway:
        if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL | UnicodeError) or "illegal" in str(error):
            return NotABox(self.address)  # as h11 says of another protocol
        return BoxAway(
            f"The box at {self.address} does not answer.", "Check that it is on and that you are in its network."
        )


def _client(address: str) -> httpx.AsyncClient:
    path = address.removeprefix(UNIX) if address.startswith(UNIX) else None
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=path, limits=httpx.Limits(max_connections=20, keepalive_expiry=20)),
        base_url="http://box" if path is not None else address,
        headers=_host_without_zone(address),
        timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        follow_redirects=False,
        trust_env=False,
    )


def _host_without_zone(address: str) -> dict[str, str]:
    """Which of our networks a link-local address is on concerns nobody else (RFC 6874, 4); a box refuses it."""
    host, zone, port = address.removeprefix("http://").partition("%")
    return {"host": f"{host}{port[port.find(']') :]}"} if zone and host.startswith("[") else {}
