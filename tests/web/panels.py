"""The live stream of a track's panels as a page of the crew gets it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from tests.web.conftest import Site
from tests.web.streams import DEADLINE_S
from timing.structs import Event


@asynccontextmanager
async def stream(
    site: Site, event: Event, role: str = "operator", parts: str = "race,queue"
) -> AsyncIterator["Panels"]:
    """The stream as a page gets it."""
    async with (
        site.browser(role) as browser,
        browser.stream("GET", f"/staff/events/{event.event_id}/tracks/1/stream?parts={parts}") as answer,
    ):
        yield Panels(answer)


class Panels:
    """Reads one message after the other; beats are passed over."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def next(self) -> str:
        """The next message's HTML."""
        data: list[str] = []
        async with asyncio.timeout(DEADLINE_S):
            async for text in self._lines:
                if text.startswith("data: ") and text != "data: {}":
                    data.append(text.removeprefix("data: "))
                elif not text and data:
                    return "\n".join(data)
        raise EOFError

    async def until(self, words_: str) -> str:
        """Messages up to the first with these words in it."""
        while words_ not in (message := await self.next()):
            pass
        return message
