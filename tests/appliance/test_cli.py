"""The command line as a person meets it: real processes, exact words."""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click
import pytest

from appliance.cli import main
from appliance.file_lock import FileLock

PASSWORD = "seven brave hedgehogs"


def trackside(*arguments: str, given: str = "", status: int = 0) -> str:
    """Run it; the output, or for a refusal what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKSIDE_")}
    command = [sys.executable, "-m", "appliance.cli", *arguments]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if status == 2 else done.stdout


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found += commands(command, (*path, name))
    return found


@pytest.mark.parametrize(("path", "command"), [pytest.param(*one, id=" ".join(one[0])) for one in commands(main)])
def test_every_command_teaches_by_an_example(path: tuple[str, ...], command: click.Command) -> None:
    if not isinstance(command, click.Group):
        assert f"trackside {' '.join(path)}" in (command.help or "")


def test_help_is_quick_and_names_the_first_steps() -> None:
    text = trackside("--help")
    assert "trackside serve" in text
    assert "trackside doctor" in text
    assert "pages, API and strips" in trackside("serve", "--help")
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "appliance.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    for heavy in ("litestar", "aiosqlite", "argon2", "asyncio", "segno"):
        assert not re.search(rf"\| +{heavy}$", loaded, re.MULTILINE), heavy


def test_an_admin_is_added_before_the_first_start_and_nothing_is_asked(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    added = trackside(
        "user", "add", "Ada", "--role", "admin", "--password-stdin", "--data", data, given=PASSWORD + "\n"
    )
    assert added == "Added Ada (admin, racer).\n"
    trackside("user", "add", "Lin", "--role", "racer", "--country", "SE", "--data", data)
    listed = trackside("user", "list", "--data", data)
    assert [line.split() for line in listed.splitlines()] == [["Ada", "admin", "racer", "--"], ["Lin", "racer", "SE"]]
    with closing(sqlite3.connect(tmp_path / "data" / "trackside.db")) as connection:
        (stored,) = connection.execute("SELECT password_hash FROM person WHERE username = 'Ada'").fetchone()
    assert stored.startswith("$argon2id$")


def test_a_password_can_be_set_anew(tmp_path: Path) -> None:
    data = str(tmp_path)
    trackside("user", "add", "Ada", "--role", "admin", "--password-stdin", "--data", data, given=PASSWORD)
    done = trackside("user", "password", "ada", "--password-stdin", "--data", data, given="eight brave hedgehogs")
    assert done == "ada has a new password and is signed out everywhere.\n"


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (["user", "add", "Ada", "--role", "admin"], "", "Staff need a password."),
        (
            ["user", "add", "Ada", "--role", "admin", "--password-stdin"],
            "short\n",
            "A password has 8 to 128 characters.",
        ),
        (["user", "add", "no way", "--role", "racer"], "", "A name cannot contain a space."),
        (["user", "add", "Ada", "--role", "racer", "--country", "XX"], "", "There is no country XX."),
        (["user", "password", "Ada", "--password-stdin"], PASSWORD, "There is no trackside.db in "),
        (["user", "list"], "", "There is no trackside.db in "),
        (["migrate"], "", "There is no trackside.db in "),
        (["backup"], "", "There is no trackside.db in "),
        (["restore", "/nowhere/backup"], "", "There is no backup at /nowhere/backup."),
        (
            ["serve", "--public-url", "cup.example"],
            "",
            "The setting public_url = cup.example (command line) is not right",
        ),
        (["user", "add", "Ada", "--role", "boss"], "", "Usage: "),
        (["serve", "--prot", "1"], "", "Usage: "),
    ],
)
def test_a_refusal_is_a_message_and_status_2(tmp_path: Path, arguments: list[str], given: str, message: str) -> None:
    said = trackside(*arguments, "--data", str(tmp_path / "data"), given=given, status=2)
    assert said.startswith(message)
    assert len(said.splitlines()) >= 2, "there is no remedy"
    assert given == "" or given.strip() not in said


def test_while_the_box_runs_people_are_listed_but_not_added(tmp_path: Path) -> None:
    trackside("user", "add", "Lin", "--role", "racer", "--data", str(tmp_path))
    lock = FileLock(tmp_path / "trackside.db")
    assert "Lin" in trackside("user", "list", "--data", str(tmp_path))
    said = trackside("user", "add", "Bo", "--role", "racer", "--data", str(tmp_path), status=2)
    assert said.startswith(f"A Trackside runs on {tmp_path} (process {os.getpid()}).\nDo it on its pages")
    lock.release()


def test_backup_and_restore_through_the_shell(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    trackside("user", "add", "Lin", "--role", "racer", "--data", data)
    folder = trackside("backup", "--to", str(tmp_path / "stick"), "--data", data).strip()
    trackside("user", "add", "Later", "--role", "racer", "--data", data)
    said = trackside("restore", folder, "--data", data)
    assert said.startswith(
        f"Restored secret.key, trackside.db in {data}.\nWhat was there before is in {data}/replaced/"
    )
    assert "Later" not in trackside("user", "list", "--data", data)


def test_migrate_lists_then_applies_every_room(tmp_path: Path) -> None:
    data = str(tmp_path)
    trackside("user", "add", "Lin", "--role", "racer", "--data", data)
    listed = trackside("migrate", "--list", "--data", data)
    assert "would apply timing/0001_events\n" in listed
    assert trackside("migrate", "--data", data).endswith("Done.\n")
    assert trackside("migrate", "--data", data) == "Nothing to do: the database is of this version.\n"
    assert len(list((tmp_path / "backups").iterdir())) == 1


def test_the_doctor_tells_settings_with_their_origin_and_finds_damage(tmp_path: Path) -> None:
    data = str(tmp_path)
    (tmp_path / "trackside.toml").write_text("port = 1\n")
    trackside("user", "add", "Lin", "--role", "racer", "--data", data)
    said = trackside("doctor", "--data", data)
    assert f"setting port: 1   from {data}/trackside.toml" in said
    assert "setting host: 0.0.0.0   from default" in said
    assert re.search(r"ok +trackside\.db: sound", said)
    assert "PROBLEM" not in said
    (tmp_path / "trackside.db").write_text("damage" * 1000)
    said = trackside("doctor", "--data", data, status=1)
    assert "PROBLEM trackside.db: damaged" in said
    assert "trackside restore DIRECTORY" in said


def test_the_doctor_names_a_misspelt_setting(tmp_path: Path) -> None:
    (tmp_path / "trackside.toml").write_text("prot = 1\n")
    said = trackside("doctor", "--data", str(tmp_path), status=1)
    assert "Did you mean port?" in said


def test_the_recorder_command_becomes_the_recorder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "appliance.cli", "recorder", "--data", str(tmp_path), "--lines", "5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("recorder ready ")
        words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        assert b"timing.recorder" in words
        assert b"appliance.cli" not in words
        process.terminate()
        assert process.wait(20) == 0
    assert (tmp_path / "edges.db").exists()


def test_the_version_is_the_packages() -> None:
    assert re.fullmatch(r"trackside, version \d+\.\d+\.\d+\n", trackside("--version"))
