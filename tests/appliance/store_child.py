"""
A process with an open Database, for what a test cannot do to its own: python -m tests.appliance.store_child CASE DIR

full_disk: DIR is a small file system of its own; prints what happened as JSON.
write_for_ever: prints the number of each row once its write was acknowledged, until it is killed.
slow_writes: 20 tasks write and one reads; prints how many fsyncs each waited for as JSON.
"""

import asyncio
import itertools
import json
import os
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from appliance import store_writer
from appliance.database import Database
from appliance.errors import NotReady
from appliance.migrations import Migrations, SchemaDatabase

ROWS = Migrations("rows")


@ROWS(name="0001_row")
def row_table(db: SchemaDatabase) -> None:
    db.execute("CREATE TABLE row (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT")


def insert(number: int, size_bytes: int = 50) -> Callable[[sqlite3.Connection], None]:
    def job(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO row VALUES (?, ?)", [number, "x" * size_bytes])

    return job


async def numbers(db: Database) -> list[int]:
    return [row["number"] for row in await db.fetch_all("SELECT number FROM row ORDER BY number")]


async def full_disk(folder: Path) -> None:
    db = await Database.open(folder / "data" / "trackside.db", [ROWS])
    await db.write(insert(0))
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        file.write(bytes(os.statvfs(folder).f_bavail * os.statvfs(folder).f_bsize - 300_000))
    acknowledged = [0]
    for number in itertools.count(1):
        try:
            await db.write(insert(number, 20_000))
        except NotReady as error:
            message, remedy = error.message, error.remedy
            break
        acknowledged.append(number)
    together = await asyncio.gather(
        *[db.write(insert(1_000 + n, 50_000 if n == 2 else 50)) for n in range(5)], return_exceptions=True
    )
    during, trouble = await numbers(db), db.trouble is not None
    ballast.unlink()
    await db.write(insert(5_000))
    acknowledged += [1_000 + n for n, answer in enumerate(together) if answer is None] + [5_000]
    after, healed = await numbers(db), db.trouble is None
    await db.close()
    again = await Database.open(folder / "data" / "trackside.db", [ROWS])
    reopened = await numbers(again)
    await again.close()
    report = {
        "acknowledged": acknowledged,
        "during": during,
        "after": after,
        "reopened": reopened,
        "kinds": [type(answer).__name__ for answer in together],
        "message": message,
        "remedy": remedy,
        "trouble": trouble,
        "healed": healed,
    }
    print(json.dumps(report))


async def write_for_ever(folder: Path) -> None:
    db = await Database.open(folder / "trackside.db", [ROWS])
    count = itertools.count(max(await numbers(db), default=0) + 1)

    async def write() -> None:
        while True:
            number = next(count)
            await db.write(insert(number))
            os.write(1, b"%d\n" % number)

    await asyncio.gather(*[write() for _ in range(8)])


async def slow_writes(folder: Path) -> None:
    store_writer.CHECKPOINT_COMMITS = 10  # So that some fall into these few seconds.
    db = await Database.open(folder / "trackside.db", [ROWS])
    count = itertools.count(1)
    alone = await fsyncs_during(db.write(insert(next(count))))
    reads: list[int] = []
    done = asyncio.Event()

    async def write(times: int) -> list[int]:
        return [await fsyncs_during(db.write(insert(next(count)))) for _ in range(times)]

    async def read() -> None:
        while not done.is_set():
            reads.append(await fsyncs_during(db.fetch_all("SELECT count(*) FROM row")))

    reading = asyncio.create_task(read())
    writes = [one for times in await asyncio.gather(*[write(20) for _ in range(20)]) for one in times]
    done.set()
    await reading
    await db.close()
    print(json.dumps({"alone": alone, "writes": writes, "reads": reads}))


async def fsyncs_during(work: Awaitable[object]) -> int:
    before = fsyncs()
    await work
    return fsyncs() - before


def fsyncs() -> int:
    """So far; the slow disk of tests/faults/slow_fsync.c adds a byte for each."""
    return os.stat(os.environ["SLOW_FSYNC_COUNT"]).st_size


if __name__ == "__main__":
    case = {"full_disk": full_disk, "write_for_ever": write_for_ever, "slow_writes": slow_writes}[sys.argv[1]]
    asyncio.run(case(Path(sys.argv[2])))
