"""
What `trackside install` does to a Debian or Raspberry Pi OS machine, step by step; only what is not so already.

Planning reads and changes nothing. With another root than `/` the files are written and the units enabled there, for an
image; nothing is started.
"""

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from appliance import install_files as files
from appliance import install_program as program
from appliance.errors import ApplianceError, Conflict, NotAllowed, NotReady
from appliance.gpio_chips import find_chip
from appliance.install_settings import settings_text
from appliance.listening import listen
from appliance.settings import FILE_NAME, Settings, load

COMMAND_TIMEOUT_S = 120.0
"""A recorder with a large edges.db is checked through before systemctl comes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be installed."""

    root: Path = Path("/")
    recorder_only: bool = False
    settings: Mapping[str, str | int] = field(default_factory=dict)
    """Those to be changed in trackside.toml."""
    user: str | None = None
    """Who may open the recorder's socket without being root, by SSH from another box's server too; and run races."""
    no_start: bool = False

    @property
    def is_this_machine(self) -> bool:
        """Whether it is the running one, and not an image."""
        return self.root == Path("/") and not self.no_start

    @property
    def data(self) -> Path:
        """The data directory, seen from here."""
        return files.below(self.root, files.DATA)


@dataclass(frozen=True, slots=True)
class Step:
    """One change: what it is, in words, and the doing of it."""

    says: str
    do: Callable[[], None] = field(repr=False)


def check_machine(wish: Wish) -> None:
    """
    Refuse what cannot work before anything is touched.

    Raises:
        NotAllowed: not root.
        NotReady: no systemd, no GPIO chip, no Python for the services.
        Conflict: something else has the port.
    """
    require_root("install")
    require_systemd(is_running=wish.is_this_machine)
    settings = planned_settings(wish)
    if not wish.is_this_machine:
        return
    if settings.strips == "gpio":
        find_chip(settings.gpio_chip)
    if not wish.recorder_only and not is_active(files.SERVER):
        try:
            listen(settings.host, settings.port).close()
        except Conflict as error:
            raise Conflict(error.message, "Stop that program, or choose another port with --port.") from error


def require_root(command: str) -> None:
    """
    Only root changes the machine.

    Raises:
        NotAllowed: somebody else.
    """
    if os.geteuid() != 0:
        raise NotAllowed(
            f"Only root may {command} services.",
            f'Type: sudo "$(command -v trackside || echo .venv/bin/trackside)" {command}',
        )


def require_systemd(*, is_running: bool) -> None:
    """
    The machine's first process must be systemd; for an image its tools are enough.

    Raises:
        NotReady: it is not.
    """
    if shutil.which("systemctl") is None or (is_running and not Path("/run/systemd/system").is_dir()):
        raise NotReady(
            "This machine does not run systemd.",
            "Start Trackside by hand: trackside serve. In an image of another machine: --no-start, or --root DIR.",
        )


def planned_settings(wish: Wish) -> Settings:
    """
    The settings that the box will have.

    Raises:
        InvalidInput: those that are there already are wrong.
    """
    new = {} if (wish.data / FILE_NAME).exists() else {"strips": "gpio"}
    return load(wish.data, {**new, **wish.settings}, {})


def plan(wish: Wish) -> list[Step]:
    """The steps that are still to be taken; none on a machine where all is in place."""
    settings = planned_settings(wish)
    steps = [*_program(wish), *_files(wish, settings.strips), *_users(wish), *_settings(wish)]
    if steps:
        steps.append(Step("Make the directories and give them to their users", lambda: _make_directories(wish)))
    if wish.is_this_machine and any(str(files.UDEV) in step.says for step in steps):
        steps.append(Step("Let the group gpio open the GPIO chips", _apply_udev))
    units = list(_units(wish, has_changed=bool(steps)))
    return [*steps, *_membership(wish), *units]


def _program(wish: Wish) -> Iterator[Step]:
    place = files.below(wish.root, files.PROGRAM)
    if not program.runs_from(place) and program.stamp_of(place) != program.fingerprint():
        yield Step(f"Copy the program to {files.PROGRAM}", lambda: program.make_program(wish.root))


def _files(wish: Wish, strips: str) -> Iterator[Step]:
    wanted = files.wanted(recorder_only=wish.recorder_only, strips=strips)
    if files.OF_SERVER not in wanted and files.is_in_place(wish.root, files.OF_SERVER):
        yield Step(f"Stop {files.SERVER}", lambda: disable(wish.root, files.SERVER))
    for placed in files.present(wish.root):
        if placed not in wanted:
            yield Step(f"Remove {placed.target}", files.below(wish.root, placed.target).unlink)
    for placed in wanted:
        if not files.is_in_place(wish.root, placed):
            yield Step(f"Write {placed.target}", lambda placed=placed: files.put(wish.root, placed))  # type: ignore[misc]


def _users(wish: Wish) -> Iterator[Step]:
    members = {line.split(":")[0]: line.split(":")[-1].split(",") for line in _lines_of(wish.root, "group")}
    users = {line.split(":")[0] for line in _lines_of(wish.root, "passwd")}
    there = users >= {"trackside", "trackside-recorder"} and "trackside-crew" in members
    joined = all(
        user in members.get(group, [])
        for group, user in (
            ("gpio", "trackside-recorder"),
            ("trackside", "trackside-recorder"),
            ("trackside-data", "trackside-recorder"),
            ("trackside-data", "trackside"),
        )
    )
    if not (there and joined):
        yield Step(
            "Make the users trackside and trackside-recorder and their groups",
            lambda: run("systemd-sysusers", *_root_option(wish.root), files.USERS.name),
        )


def _settings(wish: Wish) -> Iterator[Step]:
    path = wish.data / FILE_NAME
    before = path.read_text(encoding="utf-8") if path.exists() else None
    after = settings_text(before, wish.settings, files.SOCKETS)
    if after != before:
        yield Step(
            f"{'Write' if before is None else 'Change'} {files.DATA / FILE_NAME}",
            lambda: files.write_file(path, after.encode(), 0o640),
        )


def _membership(wish: Wish) -> Iterator[Step]:
    user = wish.user
    if user is None or not wish.is_this_machine:
        return
    opens = {"trackside": "open the recorder's socket"}
    if not wish.recorder_only:
        opens["trackside-crew"] = "run races on this machine without a password"
    for group, what in opens.items():
        if not _is_member(user, group):
            join = ("usermod", "-a", "-G", group, user)
            yield Step(f"Let {user} {what}", lambda join=join: run(*join))  # type: ignore[misc]


def _is_member(user: str, group: str) -> bool:
    try:
        pwd.getpwnam(user)
        return user in grp.getgrnam(group).gr_mem
    except KeyError:
        return False


def _units(wish: Wish, *, has_changed: bool) -> Iterator[Step]:
    units = [files.RECORDER] if wish.recorder_only else [files.RECORDER, files.SERVER]
    option = _root_option(wish.root)
    if not all(_is_enabled(wish.root, unit) for unit in units):
        yield Step(f"Start {' and '.join(units)} at every boot", lambda: run("systemctl", *option, "enable", *units))
    if wish.is_this_machine and (has_changed or not all(is_active(unit) for unit in units)):
        # The recorder first and alone: it is blind for the shortest time.
        yield Step(
            f"{'Restart' if is_active(files.RECORDER) else 'Start'} {' and '.join(units)}", lambda: _start(units)
        )


def _start(units: list[str]) -> None:
    run("systemctl", "daemon-reload")
    for unit in units:
        # Without waiting: what does not start is told with its own words by the check that follows.
        run("systemctl", "--no-block", "restart", unit)


def _make_directories(wish: Wish) -> None:
    run("systemd-tmpfiles", *_root_option(wish.root), "--create", files.DIRECTORIES.name)


def _apply_udev() -> None:
    run("udevadm", "control", "--reload")
    run("udevadm", "trigger", "--settle", "--subsystem-match=gpio")


def disable(root: Path, unit: str) -> None:
    """Stop a unit and never start it again."""
    run("systemctl", *_root_option(root), "disable", *(["--now"] if root == Path("/") else []), unit)


def is_active(unit: str) -> bool:
    """Whether systemd runs it or is about to."""
    done = subprocess.run(["systemctl", "is-active", unit], capture_output=True, text=True, check=False)  # noqa: S603,S607
    return done.stdout.strip() in {"active", "activating", "reloading"}


def _is_enabled(root: Path, unit: str) -> bool:
    return (files.below(root, files.UNITS) / "multi-user.target.wants" / unit).is_symlink()


def _root_option(root: Path) -> list[str]:
    return [] if root == Path("/") else [f"--root={root}"]


def _lines_of(root: Path, name: str) -> list[str]:
    path = root / "etc" / name
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def run(*command: str) -> None:
    """
    Run one of the machine's own tools.

    Raises:
        NotReady: it is not there or has failed.
    """
    try:
        done = subprocess.run(  # noqa: S603  our own command
            command, capture_output=True, text=True, check=False, timeout=COMMAND_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(command, str(error)) from error
    if done.returncode != 0:
        raise _failed(command, done.stderr.strip() or done.stdout.strip())


def _failed(command: tuple[str, ...], why: str) -> ApplianceError:
    return NotReady(
        f"{' '.join(command)} failed: {why or 'it did not say why'}.",
        "Mend that and type the same command again: it goes on where it stopped.",
    )
