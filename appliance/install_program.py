"""
The services' own copy of the program: a virtual environment made from the one that runs, without any network.

What is copied is Trackside and what it needs to run, nothing that is there for tests. The copy is made beside its
place and swapped in, so that a power cut leaves the old program or the new one.
"""

import errno
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from appliance.errors import NotReady
from appliance.install_files import PACKAGED, PROGRAM, below, source_folder

ROOMS = ("appliance", "timing", "cars", "sync", "web", "tui")
"""Our own packages, as in pyproject.toml."""
FALL_BACKS = ("lgpio",)
"""Not required; taken along where they are."""
STAMP = ".trackside-program"
NOBODY = 65_534
PYTHON_LIB = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
LAUNCHER = """#!{python}
import sys

from appliance.cli import main

sys.exit(main(prog_name="trackside"))
"""


def runs_from(place: Path) -> bool:
    """Whether this very process runs from the program at `place`."""
    return Path(sys.prefix).resolve() == place.resolve()


def fingerprint() -> str:
    """A hash of everything that would be copied: the same program needs no second copy."""
    found = hashlib.sha256(f"{sys.version}\n".encode())
    for name, distribution in sorted(needed().items()):
        found.update(f"{name}=={distribution.version}\n".encode())
    for source, target in sorted(own_files(), key=lambda pair: pair[1]):
        found.update(f"{target}\n".encode() + source.read_bytes())
    return found.hexdigest()


def stamp_of(place: Path) -> str | None:
    """The fingerprint of the program that is at `place`."""
    try:
        return (place / STAMP).read_text()
    except OSError:
        return None


def needed() -> dict[str, importlib.metadata.Distribution]:
    """
    What Trackside needs to run, by normalised name; without Trackside.

    A requirement that is not installed is one whose marker does not fit this machine.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    to_look_at = ["trackside", *FALL_BACKS]
    while to_look_at:
        name = re.sub(r"[-_.]+", "-", to_look_at.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for requirement in found[name].requires or []:
            match = re.match(r"[\w.-]+", requirement)
            if match and not re.search(r"\bextra\s*==", requirement):
                to_look_at.append(match.group())
    found.pop("trackside", None)
    return found


def own_files() -> Iterator[tuple[Path, str]]:
    """Every file of ours and its place below site-packages, wherever it is now: a clone or an installed package."""
    base = Path(__file__).resolve().parent.parent
    for room in ROOMS:
        for path in (base / room).rglob("*"):
            inside = path.relative_to(base)
            if path.is_file() and "__pycache__" not in inside.parts and PACKAGED not in inside.parts:
                yield path, str(inside)
    for path in source_folder().iterdir():
        yield path, f"appliance/{PACKAGED}/{path.name}"
    distribution = importlib.metadata.distribution("trackside")
    for name in ("METADATA", "entry_points.txt", "WHEEL"):
        for found in distribution.files or []:
            if found.name == name and found.parent.suffix == ".dist-info":
                yield Path(str(found.locate())), str(found)


def make_program(root: Path) -> None:
    """
    Put a copy of the running program at `PROGRAM` below `root`.

    Raises:
        NotReady: no Python that the services may run, or no space; the old program is as it was.
    """
    place = below(root, PROGRAM)
    fresh, old = place.with_name("venv.new"), place.with_name("venv.old")
    python = python_for_services()
    try:
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        _make_venv(python, fresh)
        _fill(fresh)
        (fresh / STAMP).write_text(fingerprint())
        os.sync()
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            _set_aside(place, old)
        os.rename(fresh, place)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        if old.exists() and not place.exists():
            os.rename(old, place)
        raise NotReady(
            f"Could not copy the program to {place}: {error}.", "Free some space (100 MB), then try again."
        ) from error


def python_for_services() -> Path:
    """
    A Python of the running one's version that other users may run too.

    Raises:
        NotReady: there is none.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    own = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for candidate in (own, Path(f"/usr/bin/python{version}"), Path(f"/usr/local/bin/python{version}")):
        if _others_can_run(candidate):
            return candidate
    raise NotReady(
        f"Python {version} is at {own}, where the services' users may not look.",
        f"Type: sudo apt install python3 python3-venv, then make the environment anew with it (rm -rf .venv; make run),"
        f" or give them a Python {version} in /usr/local/bin.",
    )


def _set_aside(place: Path, old: Path) -> None:
    try:
        os.rename(place, old)
    except OSError as error:
        if error.errno != errno.EXDEV:  # On an overlay, a folder of the lower layer cannot be renamed.
            raise
        shutil.rmtree(place)


def _others_can_run(python: Path) -> bool:
    """Tried as nobody; extension modules fit only the same ABI."""
    question = "import sqlite3, ssl, sysconfig, venv; print(sysconfig.get_config_var('SOABI'))"
    if not python.exists():
        return False
    as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        answer = subprocess.run(  # noqa: S603  our own question
            [python, "-I", "-c", question],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **as_nobody,  # type: ignore[call-overload]
        )
    except OSError:
        return False
    return bool(answer.stdout.strip() == sysconfig.get_config_var("SOABI"))


def _make_venv(python: Path, fresh: Path) -> None:
    command = [str(python), "-I", "-m", "venv", "--without-pip", "--symlinks", str(fresh)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own command
    for script in (fresh / "bin").glob("[aA]ctivate*"):
        script.unlink()  # They name a place that is left in a moment.


def _fill(fresh: Path) -> None:
    site = fresh / PYTHON_LIB
    for distribution in needed().values():
        for name in distribution.files or []:
            if ".." not in name.parts:
                _copy(Path(str(name.locate())), site / name)
    for source, target in own_files():
        _copy(source, site / target)
    launcher = fresh / "bin/trackside"
    launcher.write_text(LAUNCHER.format(python=PROGRAM / "bin/python"))
    launcher.chmod(0o755)
    compiling = [str(fresh / "bin/python"), "-m", "compileall", "-q", "-j", "0"]
    compiling += ["-s", str(fresh), "-p", str(PROGRAM), str(site)]
    # Templates of other people's that are no Python are not our failure; the services may not write this themselves.
    subprocess.run(compiling, check=False, capture_output=True)  # noqa: S603  our own command


def _copy(source: Path, target: Path) -> None:
    """With rights for everybody whatever the source's are, and with its time, which compiled files are checked by."""
    if not source.is_file():
        return
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
    times = source.stat()
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))
