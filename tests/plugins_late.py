"""
Answers of threads and of the database that come late by chance: what only works while they are quick fails.

`LATE_MS=500 pytest -p tests.plugins_late …`: one in ten is late, by up to so many milliseconds. What the database has
written is still told in the order in which it was written, for that is promised.
"""

import asyncio
import os
import random
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from appliance.database import Database, Parameters

SHARE = 0.1
APART_S = 0.001

T = TypeVar("T")

to_thread, write, fetch_all = asyncio.to_thread, Database.write, Database.fetch_all
told_at_s: dict[int, float] = {}


def late_s() -> float:
    """How late the next one is."""
    return int(os.environ["LATE_MS"]) / 1000 * random.random() if random.random() < SHARE else 0.0


async def late_to_thread(work: Callable[..., T], /, *arguments: Any, **named: Any) -> T:
    """`asyncio.to_thread` with few threads and a busy loop."""

    def begun_late() -> T:
        time.sleep(late_s())
        return work(*arguments, **named)

    try:
        return await to_thread(begun_late)
    finally:
        await asyncio.sleep(late_s())


async def late_write(database: Database, job: Callable[[sqlite3.Connection], T]) -> T:
    """`Database.write` whose caller hears late of it."""
    try:
        return await write(database, job)
    finally:
        now_s = asyncio.get_running_loop().time()
        told_at_s[id(database)] = at_s = max(now_s + late_s(), told_at_s.get(id(database), 0.0) + APART_S)
        await asyncio.sleep(at_s - now_s)


async def late_fetch_all(database: Database, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
    """`Database.fetch_all` whose rows are of yesterday."""
    rows = await fetch_all(database, sql, parameters)
    await asyncio.sleep(late_s())
    return rows


def pytest_configure(config: pytest.Config) -> None:
    """From now on."""
    if not os.environ.get("LATE_MS", "").isdecimal():
        raise pytest.UsageError("Say how late at most: LATE_MS=500 pytest -p tests.plugins_late")
    patch = pytest.MonkeyPatch()
    patch.setattr(asyncio, "to_thread", late_to_thread)
    patch.setattr(Database, "write", late_write)
    patch.setattr(Database, "fetch_all", late_fetch_all)
    config.add_cleanup(patch.undo)
