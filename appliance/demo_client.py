"""
A small client of the box's own JSON API, for the demo and the tests; knows nothing of the server but the API.

Every change it asks for carries an id made here, so a retry after a lost answer changes nothing twice.
"""

import asyncio
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from appliance.ids import new_id

RETRY_S = 0.05
"""Between two tries while the server restarts; it is away for less than a second."""
GIVE_UP_S = 30.0
"""A server that stays away this long has not been killed by a test, it is gone."""


class Lap(Struct, frozen=True, kw_only=True):
    """The fields of a lap that a client needs."""

    lap: int
    lap_ms: int
    valid: bool
    source: str


class Race(Struct, frozen=True, kw_only=True):
    """The fields of a race that a client needs."""

    race_id: str
    track_id: str
    racer_id: str
    state: str
    time_up: bool
    resets: int
    laps: list[Lap]
    version: int


class Refused(Exception):
    """The box answered no: status, message and remedy as it said them."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Api:
    """One signed-in program. Use as `async with`. `patience_s`: how long to wait for a server that is away."""

    def __init__(self, base_url: str, patience_s: float = GIVE_UP_S) -> None:
        self._patience_s = patience_s
        self._http = httpx.AsyncClient(base_url=base_url, timeout=10.0, trust_env=False)

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def sign_in(self, username: str, password: str) -> None:
        """Get a token and use it from now on."""
        answer = await self.send("POST", "/api/session", {"username": username, "password": password})
        self._http.headers["authorization"] = f"Bearer {answer['token']}"

    async def send(self, method: str, path: str, body: object = None, *, content: bytes | None = None) -> Any:
        """
        One request, repeated while the server is away (503, or nobody listening) and patience lasts.

        Args:
            content: Bytes to send as they are, in place of a `body` that becomes JSON.

        Raises:
            Refused: any other answer above 399.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._patience_s
        while True:
            try:
                answer = await self._http.request(method, path, json=body, content=content)
            except httpx.TransportError:
                if loop.time() >= until:
                    raise
            else:
                if answer.status_code < 400:
                    return msgspec.json.decode(answer.content) if answer.content else None
                if answer.status_code != 503 or loop.time() >= until:
                    raise Refused(answer.status_code, answer.text)
            await asyncio.sleep(RETRY_S)

    async def create_race(self, event_id: str, track_id: str, racer_id: str, *, by_proxy: bool = False) -> Race:
        """A new race, ready to start, with what was prepared in the line; its id is made here."""
        body = {"event_id": event_id, "track_id": track_id, "racer_id": racer_id}
        body |= {"by_proxy": by_proxy, "race_id": new_id()}  # type: ignore[dict-item]
        return msgspec.convert(await self.send("POST", "/api/races", body), Race)

    async def race(self, race_id: str) -> Race:
        """The race as it is now."""
        return msgspec.convert(await self.send("GET", f"/api/races/{race_id}"), Race)

    async def act(self, race_id: str, kind: str, *, action_id: str | None = None, **fields: object) -> Race:
        """One action; the answer means it is durable."""
        body = {"action_id": action_id or new_id(), "kind": kind, **fields}
        return msgspec.convert(await self.send("POST", f"/api/races/{race_id}/actions", body), Race)
