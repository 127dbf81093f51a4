"""The house is in order: vendored files are what they say, and nothing of one machine is committed."""

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "web/static/vendor"

REGISTRY = re.compile(r"https?://[^\s\"'<>]*/simple\b|--(extra-)?index-url|--find-links|^\s*\"resolved\"", re.MULTILINE)
"""An address that a package came from: another machine may not reach it."""
MACHINE_PATH = re.compile(r"(?<![\w.~$}/-])/(?:root|home|work|Users|opt)/\w[\w./-]*")
"""A path that exists on the machine where it was typed."""
PATHS_OF_THE_BOX = ("/opt/aws/deepracer", "/home/deepracer", "/opt/trackside")
"""Paths that the cars have, and where a box is installed."""
LOCK_FILES = ("requirements.txt", "requirements-build.txt", "requirements-dev.txt")
MAX_MODULE_LINES = 400


def committed(*patterns: str) -> list[Path]:
    """Files that are in the repository or about to be."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listing.splitlines() if (ROOT / name).is_file()]


def text_of(path: Path) -> str:
    """The file as text; empty for a picture or a font."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


def vendored() -> dict[str, str]:
    """The sha256 of every vendored file as the note has it, by path below web/static/vendor."""
    packages = tomllib.loads((VENDOR / "vendor.toml").read_text())["package"]
    return {f"{package['folder']}/{name}": digest for package in packages for name, digest in package["sha256"].items()}


def test_vendored_files_are_exactly_what_the_note_says() -> None:
    present = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendor.toml"
    }
    assert present
    assert present == vendored()


def test_no_registry_address_is_committed() -> None:
    files = [path for path in committed() if path != Path(__file__)]
    assert len(files) > 20
    found = {str(path.relative_to(ROOT)): match.group() for path in files if (match := REGISTRY.search(text_of(path)))}
    assert found == {}


def test_no_path_of_one_machine_is_committed() -> None:
    files = [path for path in committed() if path != Path(__file__)]
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in files
        for match in MACHINE_PATH.finditer(text_of(path))
        if not match.group().startswith(PATHS_OF_THE_BOX)
    ]
    assert found == []


@pytest.mark.parametrize("name", LOCK_FILES)
def test_every_locked_package_has_its_hashes(name: str) -> None:
    text = (ROOT / name).read_text()
    packages = re.split(r"\n(?=[a-z0-9])", text.strip(), flags=re.IGNORECASE)
    assert len(packages) > 3
    assert [package.splitlines()[0] for package in packages if "--hash=sha256:" not in package] == []


def test_all_lock_files_agree() -> None:
    versions: dict[str, set[str]] = {}
    for name in LOCK_FILES:
        for package, version in re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / name).read_text(), flags=re.MULTILINE):
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_no_module_is_past_the_hard_limit() -> None:
    rooms = committed(*(f"{room}/*.py" for room in ("appliance", "timing", "cars", "sync", "web", "tui")))
    assert len(rooms) > 50
    assert [path for path in rooms if len(path.read_text().splitlines()) > MAX_MODULE_LINES] == []


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in committed("*.py")
        if path.stat().st_size and not re.match(r'(#!.*\n)?r?"""', path.read_text())
    ]
    assert silent == []


def test_no_two_test_modules_have_one_name() -> None:
    """Where pytest imports them by: in a folder that is no package, the bare name."""
    names: dict[str, list[str]] = {}
    for path in committed("tests/test_*.py", "tests/**/test_*.py"):
        is_packed = (path.parent / "__init__.py").exists()
        names.setdefault(str(path.relative_to(ROOT)) if is_packed else path.name, []).append(str(path))
    assert len(names) > 100
    assert [found for found in names.values() if len(found) > 1] == []


def test_python_units_are_not_in_the_systemd_folder() -> None:
    assert committed("systemd/**/*.py", "systemd/*.py") == []
