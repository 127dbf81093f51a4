"""web/turnstile.py: a hall that reloads at once, and the crew beside it."""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tests.web.conftest import ANONYMOUS, Site
from timing.structs import Board, Event
from web import turnstile
from web.turnstile import PLACES, Turnstile, new_turnstile


async def test_a_hall_that_reloads_at_once_does_not_stand_before_the_crew(
    site: Site, event: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = await site.house.boards.board(event.event_id)
    entered, go_on = 0, asyncio.Event()

    async def slow(*_: object) -> Board:
        nonlocal entered
        entered += 1
        await go_on.wait()
        return board

    monkeypatch.setattr(site.house.boards, "board", slow)
    hall = [asyncio.create_task(site.send(ANONYMOUS, "GET", f"/events/{event.event_id}/board")) for _ in range(20)]
    async with asyncio.timeout(10):
        while entered < PLACES:
            await site.send("operator", "GET", "/api/session")
        assert (await site.send("operator", "GET", "/staff")).status_code == 200
        joined = await site.send(
            "operator",
            "POST",
            f"/api/events/{event.event_id}/tracks/1/queue",
            json={"racer_id": site.person_ids["racer"]},
        )
        assert joined.status_code == 201
        assert entered == PLACES
        go_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*hall)} == {200}


async def test_pages_that_never_wait_take_turns_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "_is_crew", lambda _: False)
    rounds, made = 0, Counter[int]()

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    async def page(*_: Any) -> None:
        made[rounds] += 1

    counting, door = asyncio.create_task(count()), Turnstile()
    app = SimpleNamespace(state=SimpleNamespace(turnstile=new_turnstile()))
    scope: Any = {"type": "http", "method": "GET", "litestar_app": app}
    nothing: Any = None
    await asyncio.gather(*(door.handle(scope, nothing, nothing, page) for _ in range(50)))
    counting.cancel()
    assert made.total() == 50
    assert max(made.values()) <= PLACES
