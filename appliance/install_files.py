"""
The files of an installed box: which of ours goes where on the machine. Knows no users and starts nothing.

They lie in systemd/ of the repository, and beside this module in an installed package.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import NotReady
from appliance.safe_copy import sync_directory

PROGRAM = Path("/opt/trackside/venv")
"""Where the services' own copy of the program is: a home directory is closed to them."""
DATA = Path("/var/lib/trackside")
RUNTIME = Path("/run/trackside")
SOCKET = RUNTIME / "timing.sock"
CREW_RUNTIME = Path("/run/trackside-crew")
API_SOCKET = CREW_RUNTIME / "api.sock"
SOCKETS = {"timing_socket": SOCKET, "api_socket": API_SOCKET}
"""By their settings: so that the tools of the command line find them."""
RECORDER = "trackside-recorder.service"
SERVER = "trackside.service"
UNITS = Path("/etc/systemd/system")
USERS = Path("/etc/sysusers.d/trackside.conf")
DIRECTORIES = Path("/etc/tmpfiles.d/trackside.conf")
UDEV = Path("/etc/udev/rules.d/60-trackside.rules")
POLKIT = Path("/etc/polkit-1/rules.d/50-trackside.rules")
COMMAND = Path("/usr/local/bin/trackside")
NETWORK_OF_RECORDER = UNITS / f"{RECORDER}.d" / "drem-kit.conf"
PACKAGED = "_systemd"
"""The folder's name in an installed package."""


@dataclass(frozen=True, slots=True)
class Placed:
    """One file of ours: its name in systemd/, its place on the machine."""

    name: str
    target: Path
    mode: int = 0o644


ALWAYS = (
    Placed("sysusers.conf", USERS),
    Placed("tmpfiles.conf", DIRECTORIES),
    Placed("udev.rules", UDEV),
    Placed("polkit.rules", POLKIT),
    Placed("trackside.sh", COMMAND, 0o755),
    Placed(RECORDER, UNITS / RECORDER),
)
OF_SERVER = Placed(SERVER, UNITS / SERVER)
OF_DREM_KIT = Placed("drem-kit.conf", NETWORK_OF_RECORDER)
EVERY = (*ALWAYS, OF_SERVER, OF_DREM_KIT)


def wanted(*, recorder_only: bool, strips: str) -> list[Placed]:
    """The files of one kind of box; those of `EVERY` that are not among them must not be there."""
    return [*ALWAYS, *([] if recorder_only else [OF_SERVER]), *([OF_DREM_KIT] if strips == "drem_kit" else [])]


def source_folder() -> Path:
    """
    Where our files are.

    Raises:
        NotReady: neither in the package nor beside it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / PACKAGED, here.parent / "systemd"):
        if (folder / RECORDER).is_file():
            return folder
    raise NotReady(
        "The unit files are not in this installation.", "Install Trackside anew from its repository or its wheel."
    )


def below(root: Path, path: Path) -> Path:
    """A path of the machine whose `/` is `root`."""
    return root / path.relative_to("/")


def is_in_place(root: Path, placed: Placed) -> bool:
    """Whether exactly this file is there, with its rights."""
    target = below(root, placed.target)
    try:
        return (
            target.read_bytes() == (source_folder() / placed.name).read_bytes()
            and target.stat().st_mode & 0o777 == placed.mode
        )
    except OSError:
        return False


def put(root: Path, placed: Placed) -> None:
    """Write the file in one step: a power cut leaves the old one or the new one."""
    write_file(below(root, placed.target), (source_folder() / placed.name).read_bytes(), placed.mode)


def write_file(target: Path, content: bytes, mode: int) -> None:
    """A whole file with these rights, or the one that was there."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.part")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, target)
    sync_directory(target.parent)


def present(root: Path) -> Iterator[Placed]:
    """Those of our files that are on the machine."""
    return (placed for placed in EVERY if below(root, placed.target).is_file())
