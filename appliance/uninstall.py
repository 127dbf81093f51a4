"""What `trackside uninstall` takes away again; the data only when asked for."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from appliance import install_files as files
from appliance.install import Step, disable, run

USERS = ("trackside-recorder", "trackside")
GROUPS = ("trackside-data", "trackside-crew", "trackside-recorder", "trackside")
"""`gpio` stays: it is not only ours."""


def plan(root: Path, *, purge: bool) -> list[Step]:
    """The steps, in order; none on a machine where nothing is left."""
    return [*_services(root), *_placed(root), *_program(root), *(_everything_else(root) if purge else ())]


def _services(root: Path) -> Iterator[Step]:
    for unit in (files.SERVER, files.RECORDER):
        if files.below(root, files.UNITS / unit).is_file():
            yield Step(f"Stop {unit}", lambda unit=unit: disable(root, unit))  # type: ignore[misc]


def _placed(root: Path) -> Iterator[Step]:
    is_there = list(files.present(root))
    for placed in is_there:
        yield Step(f"Remove {placed.target}", lambda placed=placed: _remove(root, placed.target))  # type: ignore[misc]
    if is_there and root == Path("/"):
        yield Step("Tell systemd and udev", _tell)


def _program(root: Path) -> Iterator[Step]:
    if files.below(root, files.PROGRAM.parent).exists():
        yield Step(f"Remove {files.PROGRAM.parent}", lambda: shutil.rmtree(files.below(root, files.PROGRAM.parent)))
    for place in (files.RUNTIME, files.CREW_RUNTIME):
        if files.below(root, place).exists():
            yield Step(f"Remove {place}", lambda place=place: shutil.rmtree(files.below(root, place)))  # type: ignore[misc]


def _everything_else(root: Path) -> Iterator[Step]:
    """Data, then the users it belonged to."""
    if files.below(root, files.DATA).exists():
        yield Step(f"Delete {files.DATA} with all its races", lambda: shutil.rmtree(files.below(root, files.DATA)))
    option = [] if root == Path("/") else ["--prefix", str(root)]
    for name in _names(root, "passwd", USERS):
        yield Step(f"Remove the user {name}", lambda name=name: run("userdel", *option, name))  # type: ignore[misc]
    for name in _names(root, "group", GROUPS):
        yield Step(f"Remove the group {name}", lambda name=name: _remove_group(root, option, name))  # type: ignore[misc]


def _names(root: Path, file: str, ours: tuple[str, ...]) -> list[str]:
    path = root / "etc" / file
    there = {line.split(":")[0] for line in path.read_text(encoding="utf-8").splitlines()} if path.exists() else set()
    return [name for name in ours if name in there]


def _remove_group(root: Path, option: list[str], name: str) -> None:
    if _names(root, "group", (name,)):  # userdel takes the group of the same name along.
        run("groupdel", *option, name)


def _remove(root: Path, target: Path) -> None:
    path = files.below(root, target)
    path.unlink(missing_ok=True)
    if path.parent.name.endswith(".service.d") and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _tell() -> None:
    run("systemctl", "daemon-reload")
    run("udevadm", "control", "--reload")
