"""
The console of a car over HTTPS: signing in with the password on its sticker, and the calls that pairing needs.

Reference: the console part of the car notes. It works offline. Its certificate is its own and says nothing: the first
is taken, and no other for as long as we talk (cars/console_certificate.py). It is not kept for longer: a console is
spoken to while pairing only, and a car that was flashed anew has a new one. A stock car knows one login at a time: ours
ends the crew's.
Imports httpx: not for the server.
"""

import re
from types import TracebackType
from typing import Any, Self

import httpx

from appliance.errors import ApplianceError, Conflict, InvalidInput, NotReady
from cars.console_certificate import pinned_context

DEFAULT_PORT = 443
ANSWER_S = 20.0
"""The console waits up to 10 s for the car's software."""
CONNECT_S = 6.0
TOKEN = re.compile(r'<meta\s+name="csrf-token"\s+content="([^"]+)"')
DEFAULT_PASSWORD = "deepracer"  # noqa: S105  every car's until it is changed


class NoConsole(NotReady):
    """Nothing that is a console answers there."""


class Console:
    """
    `async with Console(address) as console`, then `sign_in`.

    Every call raises Conflict when another certificate comes than the first; that machine was told nothing.
    """

    def __init__(self, address: str, port: int = DEFAULT_PORT) -> None:
        self._address = address
        self._port = port
        self._headers: dict[str, str] = {}
        self._context = pinned_context()
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._client = httpx.AsyncClient(
            base_url=f"https://{self._address}:{self._port}",
            verify=self._context,
            trust_env=False,
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def sign_in(self, password: str) -> None:
        """
        Once: five wrong tries would shut the box out.

        Raises:
            NoConsole: nothing answers, or it is no car's console.
            InvalidInput: the password is wrong.
            NotReady: the car's software is still starting.
        """
        page = await self._ask("GET", "/login")
        token = TOKEN.search(page.text)
        if token is None:
            raise self._no_console("what answers there is not the console of a car")
        self._headers = {"X-CSRFToken": token[1]}
        answer = await self._ask("POST", "/login", data={"password": password})
        if answer.text.strip() == "failure":
            raise InvalidInput(
                "The console does not take this password.",
                "Read it again from the sticker under the car; if somebody changed it, type theirs.",
                field="console_password",
            )

    async def core_version(self) -> str | None:
        """The version of the car's software."""
        told = (await self._call("GET", "/api/get_device_info")).get("software_version")
        return told if isinstance(told, str) else None

    async def is_ssh_on(self) -> bool:
        """As the stock console sees it; the community's may be wrong."""
        return (await self._call("GET", "/api/isSshEnabled")).get("isSshEnabled") is True

    async def switch_ssh_on(self) -> None:
        """And open its firewall for it. A community console says yes and does nothing."""
        await self._call("GET", "/api/enableSsh")

    async def has_default_password(self) -> bool:
        """Whether its user `deepracer` still has the password of the factory."""
        return (await self._call("GET", "/api/isSshDefaultPasswordChanged")).get("isDefaultSshPasswordChanged") is False

    async def change_password(self, old: str, new: str) -> None:
        """
        The Linux password of `deepracer`, also when it has expired.

        Raises:
            InvalidInput: the car finds the new one too weak.
        """
        body = {"oldPassword": old, "newPassword": new}
        told = await self._call("POST", "/api/resetSshPassword", body=body, must_succeed=False)
        if told.get("success") is not True:
            raise InvalidInput(
                f"The car does not take the new password: {told.get('reason') or 'no reason given'}",
                "Choose a longer one with letters and digits, and no word of a dictionary.",
                field="new_password",
            )

    async def _call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, must_succeed: bool = True
    ) -> dict[str, Any]:
        answer = await self._ask(method, path, json=body)
        try:
            told = answer.json()
        except ValueError:
            told = None
        if not isinstance(told, dict) or (must_succeed and told.get("success") is False):
            raise NotReady(
                f"The console of {self._address} refuses {path}.", "Restart the car, wait a minute, then try again."
            )
        return told

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        if self._client is None:
            raise RuntimeError("only inside `async with`")
        try:
            answer = await self._client.request(method, path, headers=self._headers, **more)
        except httpx.HTTPError as error:
            if self._context.has_changed:
                raise self._another_one() from error
            raise self._no_console(str(error) or type(error).__name__) from error
        if answer.status_code in (502, 503, 504):
            raise NotReady(f"The software of {self._address} is still starting.", "Wait half a minute, then try again.")
        if answer.status_code != 200:
            raise self._no_console(f"it answers {answer.status_code} to {path}")
        return answer

    def _another_one(self) -> ApplianceError:
        return Conflict(
            f"What answers at {self._address} is no longer the console that it was: it shows another certificate.",
            "It was told nothing more. See that no other machine has this address, restart the car, then pair again.",
        )

    def _no_console(self, why: str) -> ApplianceError:
        return NoConsole(
            f"No console of a car answers at {self._address}: {why.rstrip('.')}.",
            "Check the address, and that the car is on: it takes two minutes to start.",
        )
