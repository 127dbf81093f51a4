"""appliance/database.py and its writer, on real files."""
# ruff: noqa: ASYNC240  a test may read its own small files

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from appliance.database import Database
from appliance.errors import Conflict, NotReady
from appliance.file_lock import FileInUse
from appliance.migrate import NewerSchema
from appliance.migrations import Migrations, SchemaDatabase
from appliance.store_opening import DamagedDatabase

NOTES = Migrations("notes")


@NOTES(name="0001_note")
def note(db: SchemaDatabase) -> None:
    db.execute("CREATE TABLE note (note_id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "trackside.db"


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    database = await Database.open(path, [NOTES])
    yield database
    await database.close()


def insert(text: str) -> Callable[[sqlite3.Connection], int | None]:
    return lambda connection: connection.execute("INSERT INTO note (text) VALUES (?)", [text]).lastrowid


async def texts(db: Database) -> list[str]:
    return [row["text"] for row in await db.fetch_all("SELECT text FROM note ORDER BY note_id")]


async def test_a_write_is_seen_by_the_next_read(db: Database) -> None:
    assert await db.write(insert("one")) == 1
    assert await texts(db) == ["one"]
    row = await db.fetch_one("SELECT text FROM note WHERE note_id = :id", {"id": 1})
    assert row is not None
    assert row["text"] == "one"
    assert await db.fetch_one("SELECT 1 FROM note WHERE note_id = 2") is None


async def test_the_connection_commits_with_full_sync_in_wal_mode(db: Database) -> None:
    def pragmas(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await db.write(pragmas) == ["wal", 2, 1, 16_000]


async def test_readers_cannot_write(db: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await db.fetch_all("INSERT INTO note (text) VALUES ('no')")


def hold_the_writer(db: Database) -> tuple["asyncio.Task[None]", threading.Event]:
    """Keep the writer thread busy until the event is set."""
    gate = threading.Event()
    return asyncio.create_task(db.write(lambda _: gate.wait(20) or None)), gate  # type: ignore[arg-type,return-value]


async def test_jobs_that_wait_share_one_transaction(db: Database) -> None:
    commits = 0

    def count(connection: sqlite3.Connection) -> None:
        def on_statement(sql: str) -> None:
            nonlocal commits
            commits += sql.startswith("COMMIT")

        connection.set_trace_callback(on_statement)

    await db.write(count)
    busy, gate = hold_the_writer(db)
    await asyncio.sleep(0)
    writes = [asyncio.create_task(db.write(insert(f"n{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(busy, *writes)
    await db.write(lambda connection: connection.set_trace_callback(None))
    assert await texts(db) == [f"n{n}" for n in range(50)]
    # The counting job's own commit, the busy job's, and at most two for the 50 that waited.
    assert 2 <= commits <= 4


async def test_a_failing_job_does_not_hurt_the_others(db: Database) -> None:
    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note (text) VALUES ('half done')")
        raise Conflict("No.", "Do something else.")

    busy, gate = hold_the_writer(db)
    await asyncio.sleep(0)
    jobs = [insert("a"), half, insert("a"), insert("b")]
    writes = asyncio.gather(*[db.write(job) for job in jobs], return_exceptions=True)
    await asyncio.sleep(0)
    gate.set()
    answers = await writes
    await busy
    assert answers[0] == 1
    assert isinstance(answers[1], Conflict)
    assert isinstance(answers[2], sqlite3.IntegrityError)
    assert answers[3] == 2
    assert await texts(db) == ["a", "b"]


async def test_a_cancelled_write_still_happens_and_the_writer_lives(db: Database) -> None:
    busy, gate = hold_the_writer(db)
    await asyncio.sleep(0)
    write = asyncio.create_task(db.write(insert("cancelled")))
    await asyncio.sleep(0)
    write.cancel()
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await write
    await busy
    await db.write(insert("after"))
    assert await texts(db) == ["cancelled", "after"]


async def test_a_job_that_commits_is_refused_and_the_next_one_works(db: Database) -> None:
    with pytest.raises(NotReady, match="must never COMMIT"):
        await db.write(lambda connection: connection.execute("COMMIT"))
    assert db.trouble is not None
    await db.write(insert("fine"))
    assert db.trouble is None


async def test_a_second_opener_is_refused_with_the_owner_named(db: Database, path: Path) -> None:
    with pytest.raises(FileInUse, match=f"in use by process {os.getpid()}") as refused:
        await Database.open(path, [NOTES])
    assert "--data" in refused.value.remedy


async def test_close_finishes_what_was_handed_in_and_refuses_the_rest(path: Path) -> None:
    db = await Database.open(path, [NOTES])
    busy, gate = hold_the_writer(db)
    await asyncio.sleep(0)
    writes = [asyncio.create_task(db.write(insert(f"n{n}"))) for n in range(5)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(db.close())
    await asyncio.sleep(0)
    with pytest.raises(NotReady, match="shutting down"):
        await db.fetch_all("SELECT 1")
    gate.set()
    await asyncio.gather(busy, closing, *writes)
    with pytest.raises(NotReady, match="shutting down"):
        await db.write(insert("late"))
    again = await Database.open(path, [NOTES])
    assert await texts(again) == [f"n{n}" for n in range(5)]
    await again.close()


async def test_no_log_is_left_beside_a_closed_file(path: Path) -> None:
    db = await Database.open(path, [NOTES])
    await db.write(insert("one"))
    assert path.with_name("trackside.db-wal").exists()
    await db.close()
    assert not path.with_name("trackside.db-wal").exists()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("writer")]


async def test_the_log_is_folded_in_when_the_writer_is_idle(db: Database, path: Path) -> None:
    for n in range(1000):
        await db.write(insert(f"n{n}"))
    # Each commit logs about three pages of 4 KiB; unfolded, 1,000 of them would be 12 MB.
    assert path.with_name("trackside.db-wal").stat().st_size < 6_000_000


async def test_only_the_owner_can_read_the_file(db: Database, path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


# Upgrades


def notes_with(*later: str) -> Migrations:
    group = Migrations("notes")
    group(name="0001_note")(note)
    for sql in later:

        def step(db: SchemaDatabase, sql: str = sql) -> None:
            for statement in sql.split(";"):
                db.execute(statement)

        group(name=f"000{len(group.all) + 1}_later")(step)
    return group


async def test_an_upgrade_keeps_a_backup_of_the_file_before(path: Path) -> None:
    db = await Database.open(path, [NOTES])
    await db.write(insert("old"))
    await db.close()
    assert not (path.parent / "backups").exists()
    db = await Database.open(path, [notes_with("ALTER TABLE note ADD COLUMN colour TEXT")])
    assert [row["colour"] for row in await db.fetch_all("SELECT colour FROM note")] == [None]
    await db.close()
    (backup,) = (path.parent / "backups").iterdir()
    with sqlite3.connect(backup) as old:
        assert old.execute("SELECT * FROM note").fetchall() == [(1, "old")]
    old.close()


async def test_a_failing_upgrade_changes_nothing_at_all(path: Path) -> None:
    db = await Database.open(path, [NOTES])
    await db.write(insert("old"))
    await db.close()
    with pytest.raises(NotReady, match="The file is as it was"):
        await Database.open(path, [notes_with("ALTER TABLE note ADD COLUMN colour TEXT", "CREATE TABLE note (x)")])
    db = await Database.open(path, [NOTES])
    assert list(dict(await db.fetch_one("SELECT * FROM note") or {})) == ["note_id", "text"]
    await db.close()


async def test_an_upgrade_that_breaks_a_reference_is_undone(path: Path) -> None:
    parent = "CREATE TABLE child (note_id INTEGER REFERENCES note); INSERT INTO child VALUES (99)"
    with pytest.raises(NotReady, match="a row of child points at a row of note"):
        await Database.open(path, [notes_with(parent)])


async def test_a_file_of_a_newer_version_is_refused_untouched(path: Path) -> None:
    newer = notes_with("ALTER TABLE note ADD COLUMN colour TEXT")
    db = await Database.open(path, [newer])
    await db.close()
    before = path.read_bytes()
    with pytest.raises(NewerSchema, match=r"newer Trackside .*notes/0002_later"):
        await Database.open(path, [NOTES])
    assert path.read_bytes() == before


async def test_a_room_of_a_newer_version_is_refused_unless_only_some_rooms_are_asked_for(path: Path) -> None:
    other = Migrations("cars")
    other(name="0001_car")(lambda db: db.execute("CREATE TABLE car (car_id TEXT)"))  # type: ignore[arg-type,return-value]
    db = await Database.open(path, [NOTES, other])
    await db.close()
    with pytest.raises(NewerSchema, match="cars/0001_car"):
        await Database.open(path, [NOTES])
    db = await Database.open(path, [NOTES], partial=True)
    await db.close()


STARTS = """
import asyncio, sys
from pathlib import Path
from appliance.database import Database
from appliance.serve import MIGRATIONS

async def start():
    await (await Database.open(Path(sys.argv[1]), MIGRATIONS)).close()

asyncio.run(start())
print("sqlite_utils" in sys.modules)
"""


def test_only_a_start_that_has_something_to_migrate_loads_what_migrates(path: Path) -> None:
    starts = [
        subprocess.run([sys.executable, "-c", STARTS, str(path)], capture_output=True, check=True, text=True).stdout
        for _ in range(2)
    ]
    assert starts == ["True\n", "False\n"]


# Damage


async def test_a_damaged_file_is_refused_untouched(path: Path) -> None:
    db = await Database.open(path, [NOTES])
    for n in range(200):
        await db.write(insert(f"{n:0400d}"))
    await db.close()
    content = bytearray(path.read_bytes())
    assert len(content) > 20 * 4096
    content[5 * 4096 : 6 * 4096] = os.urandom(4096)
    path.write_bytes(content)
    with pytest.raises(DamagedDatabase, match="is damaged") as refused:
        await Database.open(path, [NOTES])
    assert "trackside restore" in refused.value.remedy
    assert path.read_bytes() == bytes(content)
    with pytest.raises(DamagedDatabase):  # Not "in use": a refused opening lets go of the lock.
        await Database.open(path, [NOTES])


async def test_a_file_that_is_no_database_is_refused_untouched(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("a letter to the timekeeper, " * 100)
    with pytest.raises(DamagedDatabase):
        await Database.open(path, [NOTES])
    assert path.read_text().startswith("a letter")


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReady, match=r"Cannot write in .*/file/data"):
        await Database.open(tmp_path / "file" / "data" / "trackside.db", [NOTES])
