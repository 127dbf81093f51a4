"""`trackside install` and `uninstall` into a file system of their own; a running systemd is tests/faults' matter."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from appliance import install
from appliance import install_files as files
from appliance import install_program as program
from appliance.errors import InvalidInput, NotReady
from appliance.install import Wish, plan
from appliance.install_check import setup_code_in, wait_for_recorder
from appliance.install_settings import settings_text

ROOT = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root installs")


def trackside(*arguments: str, status: int = 0, path: Path | None = None, given: str = "") -> str:
    """Run it, if need be from another installation; what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKSIDE_")}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-m", "appliance.cli", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=path or ROOT,
        input=given,
        check=False,
        timeout=100,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if status == 2 else done.stdout


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file system with a box installed, as the builder of an SD card would have it."""
    root = tmp_path_factory.mktemp("image")
    (root / "etc").mkdir()
    said = trackside("install", "--root", str(root))
    assert "Copy the program to /opt/trackside/venv" in said
    assert said.endswith(f"Installed in {root}; it starts at the next boot.\n")
    return root


@needs_root
def test_the_installed_program_runs_and_brings_its_own_units(image: Path) -> None:
    place = files.below(image, files.PROGRAM)
    done = subprocess.run(
        [place / "bin/python", "-I", "-m", "appliance.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"trackside, version {importlib.metadata.version('trackside')}\n"
    packaged = place / program.PYTHON_LIB / "appliance" / files.PACKAGED
    assert {path.name for path in packaged.iterdir()} == {path.name for path in (ROOT / "systemd").iterdir()}
    assert (place / "bin/trackside").read_text().startswith("#!/opt/trackside/venv/bin/python\n")
    entry_points = f"{program.PYTHON_LIB}/trackside-*.dist-info/entry_points.txt"
    assert [path.read_text() for path in place.glob(entry_points)], "gpiozero finds our pin factory there"


@needs_root
def test_every_part_of_the_installed_program_is_readable_by_the_services(image: Path) -> None:
    paths = [path for path in files.below(image, files.PROGRAM.parent).rglob("*") if not path.is_symlink()]
    assert len(paths) > 1000
    assert [path for path in paths if path.stat().st_mode & (0o005 if path.is_dir() else 0o004) == 0] == []
    python = (files.below(image, files.PROGRAM) / "bin/python").resolve()
    subprocess.run([python, "-I", "-c", ""], user=65_534, group=65_534, extra_groups=[], cwd="/", check=True)


@needs_root
def test_nothing_that_is_there_for_tests_is_installed(image: Path) -> None:
    site = files.below(image, files.PROGRAM) / program.PYTHON_LIB
    assert (site / "litestar").is_dir()
    assert (site / "gpiod").is_dir()
    assert not any((site / name).exists() for name in ("pytest", "mypy", "playwright", "tests"))


@needs_root
def test_the_units_start_at_every_boot_and_the_settings_are_there(image: Path) -> None:
    for unit in (files.RECORDER, files.SERVER):
        link = files.below(image, files.UNITS) / "multi-user.target.wants" / unit
        assert os.readlink(link) == f"/etc/systemd/system/{unit}"
    settings = files.below(image, files.DATA) / "trackside.toml"
    assert tomllib.loads(settings.read_text()) == {
        "strips": "gpio",
        "timing_socket": "/run/trackside/timing.sock",
        "api_socket": "/run/trackside-crew/api.sock",
    }
    assert settings.stat().st_mode & 0o777 == 0o640


@needs_root
def test_installing_again_does_nothing(image: Path) -> None:
    assert plan(Wish(root=image)) == []
    assert trackside("install", "--root", str(image)).startswith("Nothing to do.\n")


@needs_root
def test_an_upgrade_writes_only_what_has_changed(image: Path) -> None:
    (files.below(image, files.UNITS) / files.SERVER).write_text("[Unit]\nDescription=of the version before\n")
    (files.below(image, files.PROGRAM) / program.STAMP).write_text("of the version before")
    said = [step.says for step in plan(Wish(root=image))]
    assert said == [
        "Copy the program to /opt/trackside/venv",
        "Write /etc/systemd/system/trackside.service",
        "Make the directories and give them to their users",
    ]
    trackside("install", "--root", str(image))
    assert plan(Wish(root=image)) == []
    assert [path.name for path in files.below(image, files.PROGRAM.parent).iterdir()] == ["venv"]


@needs_root
def test_a_box_becomes_a_recorder_of_a_drem_kit_and_a_box_again(image: Path) -> None:
    unit, network = files.below(image, files.UNITS / files.SERVER), files.below(image, files.NETWORK_OF_RECORDER)
    kit = ("--strips", "drem_kit", "--drem-kit-url", "ws://192.168.1.20:8080")
    trackside("install", "--root", str(image), "--recorder-only", *kit)
    assert not unit.exists()
    assert network.is_file()
    assert 'strips = "drem_kit"' in (files.below(image, files.DATA) / "trackside.toml").read_text()
    trackside("install", "--root", str(image), "--strips", "gpio")
    assert unit.is_file()
    assert not network.exists()


@needs_root
def test_only_a_change_starts_anything_anew(image: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wish, "is_this_machine", True)
    monkeypatch.setattr(install, "is_active", lambda _unit: True)
    monkeypatch.setattr(install, "_membership", lambda _wish: [install.Step("Let pi open the socket", list)])
    assert [step.says for step in plan(Wish(root=image))] == ["Let pi open the socket"]
    (files.below(image, files.UNITS) / files.SERVER).write_text("of the version before")
    said = [step.says for step in plan(Wish(root=image))]
    assert said[-1] == "Restart trackside-recorder.service and trackside.service"
    files.put(image, files.OF_SERVER)


@needs_root
def test_a_dry_run_touches_nothing(tmp_path: Path) -> None:
    said = trackside("install", "--root", str(tmp_path), "--dry-run")
    assert "would do: Write /etc/systemd/system/trackside-recorder.service\n" in said
    assert list(tmp_path.iterdir()) == []


@needs_root
def test_a_built_wheel_installs_the_same(tmp_path: Path) -> None:
    wheels, place, root = tmp_path / "wheels", tmp_path / "site", tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = wheels.glob("trackside-*.whl")
    shutil.unpack_archive(wheel, place, "zip")
    assert trackside("install", "--root", str(root), path=place).startswith("Copy the program")
    for placed in files.ALWAYS:
        assert files.below(root, placed.target).read_bytes() == (ROOT / "systemd" / placed.name).read_bytes()
    site = files.below(root, files.PROGRAM) / program.PYTHON_LIB
    assert (site / "web/templates").is_dir()
    assert (site / "appliance/_systemd" / files.RECORDER).is_file()


@needs_root
def test_uninstalling_leaves_the_data_and_purging_asks(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for placed in files.EVERY:
        files.put(tmp_path, placed)
    data = files.below(tmp_path, files.DATA)
    data.mkdir(parents=True)
    (data / "edges.db").touch()
    shutil.copytree(files.source_folder(), files.below(tmp_path, files.PROGRAM))
    said = trackside("uninstall", "--root", str(tmp_path))
    assert said.endswith("The data stays in /var/lib/trackside.\n")
    assert list(files.present(tmp_path)) == []
    assert not files.below(tmp_path, files.PROGRAM.parent).exists()
    said = trackside("uninstall", "--root", str(tmp_path), "--purge", status=2, given="n\n")
    assert said.endswith("Nothing was removed.\nTo delete the data without being asked: --purge --yes.\n")
    assert (data / "edges.db").exists()
    trackside("uninstall", "--root", str(tmp_path), "--purge", "--yes")
    assert not data.exists()
    assert trackside("uninstall", "--root", str(tmp_path)) == "Nothing to do.\n"


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="this machine runs systemd")
@needs_root
def test_a_machine_without_systemd_is_told_what_to_do(tmp_path: Path) -> None:
    said = trackside("install", status=2)
    assert said == (
        "This machine does not run systemd.\n"
        "Start Trackside by hand: trackside serve. In an image of another machine: --no-start, or --root DIR.\n"
    )


@needs_root
def test_only_root_installs() -> None:
    code = "import os; from appliance.install import require_root; os.setuid(65534); require_root('install')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "Only root may install services. Type: sudo " in done.stderr


@needs_root
def test_who_may_not_read_the_settings_is_told_to_use_sudo() -> None:
    code = (
        "import os, pathlib, tempfile; from appliance.settings import load; folder = pathlib.Path(tempfile.mkdtemp());"
        "folder.chmod(0o700); (folder / 'trackside.toml').touch(); os.setuid(65534); load(folder, {}, {})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert "trackside.toml may not be read by you. Type the same command with sudo before it." in done.stderr


@pytest.mark.parametrize(
    ("recorder_only", "groups", "wanted"),
    [
        (False, (), ["open the recorder's socket", "run races on this machine without a password"]),
        (False, ("trackside",), ["run races on this machine without a password"]),
        (False, ("trackside", "trackside-crew"), []),
        (True, (), ["open the recorder's socket"]),
    ],
)
def test_who_typed_sudo_joins_the_groups_of_what_is_installed(
    recorder_only: bool, groups: tuple[str, ...], wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(install, "_is_member", lambda _user, group: group in groups)
    monkeypatch.setattr(install, "run", lambda *command: ran.append(command))
    steps = list(install._membership(Wish(user="pi", recorder_only=recorder_only)))
    assert [step.says for step in steps] == [f"Let pi {what}" for what in wanted]
    for step in steps:
        step.do()
    assert [command[3] for command in ran] == [
        group
        for group in ("trackside", "trackside-crew")
        if group not in groups and (group == "trackside" or not recorder_only)
    ]


def test_the_settings_that_are_there_are_kept() -> None:
    sockets = 'timing_socket = "/run/other.sock"\napi_socket = "/run/api.sock"\n'
    before = '# mine\nport = 80\nstrips = "simulated" # for now\n' + sockets
    assert settings_text(before, {}, files.SOCKETS) == before
    after = settings_text(before, {"strips": "gpio", "port": 81}, files.SOCKETS)
    assert after == '# mine\nport = 81\nstrips = "gpio"\n' + sockets
    with pytest.raises(InvalidInput, match=r"trackside\.toml cannot be read"):
        settings_text("port = ", {}, files.SOCKETS)


def test_the_rooms_that_are_copied_are_those_of_the_package() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert list(program.ROOMS) == packages["packages"]


def test_everything_required_is_copied() -> None:
    requirements = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", requirement).group() for requirement in requirements}  # type: ignore[union-attr]
    assert len(names) > 10
    assert names <= program.needed().keys()


def test_a_recorder_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"trackside-recorder\.service is installed but does not answer"):
        wait_for_recorder(tmp_path / "timing.sock", patience_s=0.0)


def test_the_newest_set_up_code_is_told() -> None:
    journal = "Trackside is ready\nSet-up code: AAAA-BBBB\nserver ended\nSet-up code: CCCC-DDDD\nCtrl-C stops it.\n"
    assert setup_code_in(journal) == "CCCC-DDDD"
    assert setup_code_in("Trackside is ready\n") is None
