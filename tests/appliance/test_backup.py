"""Backup beside a running writer, and restore."""

import asyncio
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from appliance.backup import back_up, restore
from appliance.database import Database
from appliance.errors import InvalidInput, NotFound, NotReady
from appliance.facts import Facts
from appliance.file_lock import FileInUse
from appliance.people import ACTOR_BOX, NewRacer, People
from appliance.people_schema import MIGRATIONS
from appliance.permissions import Role
from appliance.secret_key import load_secret
from appliance.sessions import Sessions

PASSWORD = "seven brave hedgehogs"


class Box:
    """The people of a data directory."""

    def __init__(self, data: Path, db: Database) -> None:
        self.db = db
        facts = Facts()
        self.people = People(db, facts, load_secret(data))
        self.sessions = Sessions(db, facts, self.people)

    @classmethod
    async def open(cls, data: Path) -> "Box":
        box = cls(data, await Database.open(data / "trackside.db", [MIGRATIONS]))
        await box.people.load()
        await box.sessions.load()
        return box

    def names(self) -> list[str]:
        return [racer.username for racer in self.people.racers()]


def make_edges(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            f"PRAGMA journal_mode = WAL; CREATE TABLE edge (text); INSERT INTO edge VALUES ('{text}')"
        )


def edges(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM edge")]


async def filled(data: Path) -> Box:
    box = await Box.open(data)
    await box.people.add_staff("Chief", [Role.ADMIN], PASSWORD, ACTOR_BOX)
    await box.people.register(NewRacer(username="Anna"), ACTOR_BOX)
    return box


async def test_a_backup_made_while_writing_is_whole_and_of_one_moment(tmp_path: Path) -> None:
    data = tmp_path / "data"
    box = await filled(data)
    stop, busy = asyncio.Event(), asyncio.Event()

    async def write() -> int:
        number = 0
        while not stop.is_set():
            number += 1
            if number == 20:
                busy.set()
            await box.people.register(NewRacer(username=f"Racer{number}"), ACTOR_BOX)
        return number

    writing = asyncio.create_task(write())
    await busy.wait()
    folder = await asyncio.to_thread(back_up, data)
    stop.set()
    assert await writing >= 20
    await box.db.close()
    with closing(sqlite3.connect(folder / "trackside.db")) as copy:
        names = {row[0] for row in copy.execute("SELECT username FROM person")}
        trail = copy.execute("SELECT count(*) FROM people_trail").fetchone()[0]
    assert {"Chief", "Anna", "Racer1"} <= names
    assert trail == len(names)
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "secret.key", "trackside.db"]
    assert folder.stat().st_mode & 0o077 == 0
    assert json.loads((folder / "manifest.json").read_text())["format"] == 1


async def test_a_restored_box_has_people_and_badges_again_but_no_sessions(tmp_path: Path) -> None:
    box = await filled(tmp_path / "data")
    anna = box.people.find("Anna")
    assert anna is not None
    badge = box.people.badge_code(anna.person_id)
    token, _ = await box.sessions.sign_in("Chief", PASSWORD, "here")
    make_edges(tmp_path / "data" / "edges.db", "first")
    folder = back_up(tmp_path / "data", tmp_path / "stick")
    await box.db.close()

    done = restore(folder, tmp_path / "new")

    assert done.files == ["edges.db", "secret.key", "trackside.db"]
    assert done.replaced is None
    assert edges(tmp_path / "new" / "edges.db") == ["first"]
    again = await Box.open(tmp_path / "new")
    found = again.people.find_by_badge(badge)
    assert found == anna
    assert again.sessions.viewer(token) is None
    await again.sessions.sign_in("Chief", PASSWORD, "here")
    await again.db.close()


async def test_what_is_replaced_is_kept_and_edges_are_never_replaced(tmp_path: Path) -> None:
    data = tmp_path / "data"
    box = await filled(data)
    make_edges(data / "edges.db", "first")
    folder = back_up(data, tmp_path / "stick")
    await box.people.register(NewRacer(username="Later"), ACTOR_BOX)
    await box.db.close()
    (data / "edges.db").unlink()
    make_edges(data / "edges.db", "second")

    done = restore(folder, data)

    assert done.kept == ["edges.db"]
    assert edges(data / "edges.db") == ["second"]
    assert done.replaced is not None
    again = await Box.open(data)
    assert again.names() == ["Anna", "Chief"]
    await again.db.close()
    shutil.copytree(done.replaced, tmp_path / "before")
    before = await Box.open(tmp_path / "before")
    assert before.names() == ["Anna", "Chief", "Later"]
    await before.db.close()


async def test_a_log_of_a_killed_server_is_not_read_into_the_restored_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    box = await filled(data)
    folder = back_up(data, tmp_path / "stick")
    await box.people.register(NewRacer(username="Later"), ACTOR_BOX)
    # As kill -9 leaves it: database and log side by side, nobody holding them.
    shutil.copytree(data, tmp_path / "killed")
    await box.db.close()
    assert (tmp_path / "killed" / "trackside.db-wal").stat().st_size > 0
    done = restore(folder, tmp_path / "killed")
    again = await Box.open(tmp_path / "killed")
    assert again.names() == ["Anna", "Chief"]
    await again.db.close()
    assert done.replaced is not None
    with closing(sqlite3.connect(done.replaced / "trackside.db")) as replaced:
        assert ("Later",) in replaced.execute("SELECT username FROM person").fetchall()


async def test_a_damaged_box_can_be_restored_and_its_files_are_kept(tmp_path: Path) -> None:
    data = tmp_path / "data"
    box = await filled(data)
    folder = back_up(data, tmp_path / "stick")
    await box.db.close()
    (data / "trackside.db").write_bytes(b"damage" * 1000)
    (data / "trackside.db-wal").write_bytes(b"damage")
    done = restore(folder, data)
    assert done.replaced is not None
    assert (done.replaced / "trackside.db").read_bytes().startswith(b"damage")
    assert (done.replaced / "trackside.db-wal").exists()
    again = await Box.open(data)
    assert again.names() == ["Anna", "Chief"]
    await again.db.close()


async def test_a_single_file_can_be_restored(tmp_path: Path) -> None:
    box = await filled(tmp_path / "data")
    await box.db.close()
    done = restore(tmp_path / "data" / "trackside.db", tmp_path / "new")
    assert done.files == ["trackside.db"]


async def test_restoring_into_a_running_box_is_refused(tmp_path: Path) -> None:
    box = await filled(tmp_path / "data")
    folder = back_up(tmp_path / "data")
    with pytest.raises(FileInUse):
        restore(folder, tmp_path / "data")
    await box.people.register(NewRacer(username="Later"), ACTOR_BOX)
    await box.db.close()


@pytest.mark.parametrize("harm", ["flipped", "missing", "no_manifest", "other_format"])
async def test_a_backup_that_is_not_whole_is_refused_and_nothing_changes(tmp_path: Path, harm: str) -> None:
    box = await filled(tmp_path / "data")
    folder = back_up(tmp_path / "data", tmp_path / "stick")
    await box.db.close()
    before = (tmp_path / "data" / "trackside.db").read_bytes()
    match harm:
        case "flipped":
            content = bytearray((folder / "trackside.db").read_bytes())
            content[-1] ^= 1
            (folder / "trackside.db").write_bytes(content)
        case "missing":
            (folder / "secret.key").unlink()
        case "no_manifest":
            (folder / "manifest.json").unlink()
        case _:
            manifest = folder / "manifest.json"
            manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(InvalidInput):
        restore(folder, tmp_path / "data")
    assert (tmp_path / "data" / "trackside.db").read_bytes() == before
    assert not (tmp_path / "data" / "replaced").exists()


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="There is no backup at"):
        restore(tmp_path / "nothing", tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE recipe (text)")
    with pytest.raises(InvalidInput, match="is not a Trackside database"):
        restore(tmp_path / "other.db", tmp_path / "data")
    (tmp_path / "trackside.db").write_text("letter " * 999)
    with pytest.raises(InvalidInput, match="is not a sound database"):
        restore(tmp_path / "trackside.db", tmp_path / "data")
    with pytest.raises(NotFound, match=r"There is no trackside\.db"):
        back_up(tmp_path / "empty")


async def test_a_backup_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    box = await filled(tmp_path / "data")
    await box.db.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(NotReady, match="Could not write"):
        back_up(tmp_path / "data", tmp_path / "file" / "stick")
    assert os.listdir(tmp_path / "data") == os.listdir(tmp_path / "data")
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]
