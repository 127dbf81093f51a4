"""Pushes without cars: what the process that sends would tell of one, told by the test."""

import asyncio
from collections.abc import Callable

import pytest

from cars.facts import PushesChanged
from cars.push_process import PushProcess
from cars.push_rules import PushState
from cars.push_wire import Ended, Outcome, Went
from web.house import House

PATIENCE_S = 20


class Worker:
    """What the process that sends would tell of a push; no process is started."""

    def __init__(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(PushProcess, "send", lambda *_: None)
        self._pushes = house.pushes
        self._changed = asyncio.Event()
        house.facts.subscribe(PushesChanged, lambda _: self._changed.set())

    async def went(self, push_id: str, *states: PushState, sent_bytes: int = 0) -> None:
        """It went on, through these states."""
        await self._until(lambda: (push := self._pushes.now(push_id)) is not None and push.is_ordered)
        for state in states:
            self._tell(Went(push_id=push_id, state=state, sent_bytes=sent_bytes, bytes_per_s=3_000_000))

    async def ended(self, push_id: str, outcome: Outcome, reason: str | None = None, remedy: str | None = None) -> None:
        """It ended so as soon as the car had been looked at."""
        await self.went(push_id, PushState.CONNECTING, PushState.CHECKING)
        await self.end(push_id, outcome, reason, remedy)

    async def end(self, push_id: str, outcome: Outcome, reason: str | None = None, remedy: str | None = None) -> None:
        """It ended so, from wherever it was; that is stored."""
        self._tell(Ended(push_id=push_id, outcome=outcome, is_staged=False, reason=reason, remedy=remedy))
        await self._until(lambda: self._pushes.now(push_id) is None)

    def _tell(self, news: Went | Ended) -> None:
        self._pushes._line._take(news)

    async def _until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds():
                self._changed.clear()
                await self._changed.wait()
