"""Lock, secret, addresses, welcome, and the docs of the command line."""

import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import addresses
from appliance.addresses import local_addresses, page_addresses
from appliance.database import Database
from appliance.errors import ApplianceError, NotReady
from appliance.facts import Facts
from appliance.file_lock import FileInUse, FileLock
from appliance.people import ACTOR_BOX, NewRacer, People, RacerPatch
from appliance.people_schema import MIGRATIONS
from appliance.secret_key import load_secret
from appliance.settings import Settings
from appliance.usernames import username_key
from appliance.welcome import welcome_text
from tests.appliance.command_line_docs import page


def test_a_lock_has_one_owner_and_is_free_again_after_release(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "x.db")
    with pytest.raises(FileInUse) as refused:
        FileLock(tmp_path / "x.db")
    assert refused.value.pid == os.getpid()
    lock.release()
    lock.release()
    FileLock(tmp_path / "x.db").release()


def test_a_lock_ends_with_its_process_however_it_ends(tmp_path: Path) -> None:
    hold = (
        "import sys, time, pathlib; from appliance.file_lock import FileLock; l = FileLock(pathlib.Path(sys.argv[1]));"
    )
    command = [sys.executable, "-c", f"{hold} print('held', flush=True); time.sleep(60)", str(tmp_path / "x.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(FileInUse, match=f"process {child.pid}"):
            FileLock(tmp_path / "x.db")
        child.kill()
    FileLock(tmp_path / "x.db").release()


def test_the_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    secret = load_secret(tmp_path / "data")
    assert len(secret) == 32
    assert load_secret(tmp_path / "data") == secret
    assert load_secret(tmp_path / "other") != secret
    assert (tmp_path / "data" / "secret.key").stat().st_mode & 0o077 == 0
    assert os.listdir(tmp_path / "data") == ["secret.key"]


def test_a_secret_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("short")
    with pytest.raises(NotReady, match="is not a secret of 32 bytes"):
        load_secret(tmp_path)


def test_loopback_is_no_address_for_phones() -> None:
    assert not [address for address in local_addresses() if address.startswith("127.")]


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("0.0.0.0", 8080, ["http://192.0.2.7:8080", "http://localhost:8080"]),
        ("0.0.0.0", 80, ["http://192.0.2.7", "http://localhost"]),
        ("127.0.0.1", 8081, ["http://127.0.0.1:8081"]),
        ("2001:db8::1", 8080, ["http://[2001:db8::1]:8080"]),
    ],
)
def test_the_address_for_phones_comes_first(
    monkeypatch: pytest.MonkeyPatch, host: str, port: int, expected: list[str]
) -> None:
    monkeypatch.setattr(addresses, "local_addresses", lambda: ["192.0.2.7"])
    assert page_addresses(host, port) == expected


def test_the_welcome_has_a_qr_for_phones_and_the_set_up_code_only_while_it_is_needed(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, public_url="http://cup.example")
    first = welcome_text(settings, "ABCD-EFGH")
    assert "Trackside is ready: http://cup.example\n" in first
    assert "Make the first admin: http://cup.example/setup\nSet-up code: ABCD-EFGH\n" in first
    assert "█" in first
    later = welcome_text(settings, None)
    assert "Set-up" not in later
    local = welcome_text(Settings(data_dir=tmp_path, host="127.0.0.1"), None)
    assert "█" not in local
    assert "--host 0.0.0.0" in local


def test_the_page_of_commands_says_what_the_help_says() -> None:
    written = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
    assert written == page(), "python -m tests.appliance.command_line_docs > docs/command-line.md"


# The directory in memory and the tables never differ


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "trackside.db", [MIGRATIONS])
    yield database
    await database.close()


@pytest.mark.parametrize("seed", range(8))
async def test_after_any_changes_a_restart_knows_the_same_people(db: Database, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"Name{n}" for n in range(12)]
    people = People(db, Facts(), bytes(32))
    await people.load()
    ids: list[str] = []
    refused = 0
    for _ in range(120):
        somebody = chance.choice(ids) if ids else ""
        try:
            match chance.choice(["add", "add", "rename", "merge", "forget", "badge"]):
                case "add":
                    ids.append((await people.register(NewRacer(username=chance.choice(names)), ACTOR_BOX)).person_id)
                case "rename":
                    await people.update(somebody, RacerPatch(username=chance.choice(names).swapcase()), ACTOR_BOX)
                case "merge":
                    await people.merge(somebody, chance.choice(ids), ACTOR_BOX)
                case "forget":
                    await people.forget(somebody, ACTOR_BOX)
                case _:
                    await people.renew_badge(somebody, ACTOR_BOX)
        except (ApplianceError, IndexError):
            refused += 1
    assert 10 < refused < 110
    again = People(db, Facts(), bytes(32))
    await again.load()
    assert again.racers() == people.racers()
    assert [again.get(person_id) for person_id in ids] == [people.get(person_id) for person_id in ids]
    keys = [username_key(racer.username) for racer in people.racers()]
    assert len(keys) == len(set(keys))
    for racer in people.racers():
        code = people.badge_code(racer.racer_id)
        for directory in (people, again):
            found = directory.find_by_badge(code)
            assert found is not None
            assert found.person_id == racer.racer_id
    for person_id in ids:
        person = people.get(person_id)
        if person.merged_into is not None:
            assert people.get(person.merged_into).merged_into is None
