"""
The folder a light stand-in lives in: the car's tree, its tools, a host key, and a copy of the helper that stays inside.

The copy differs from the helper of a real car in where its root and its programs are, and in that it changes no owner:
whoever runs the demo is the car's root.
"""

import os
import shutil
from pathlib import Path

import asyncssh

from cars.standin.machine import Machine
from cars.standin.tools import place_tools
from cars.standin.tree import firmware, lay_out

HELPER = "/usr/local/sbin/trackside-car"
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"
SOURCE = Path(__file__).resolve().parents[1] / "on_car/trackside-car"
PROGRAMS = ("bash", "sh", "cat", "df", "du", "env", "ls", "sleep", "stat", "tail", "tar", "timeout", "uname")
"""All of this machine that the helper may start; none of them changes anything outside the folder by itself."""
FOLDERS = ("usr/local/sbin", "usr/sbin", "usr/bin", "opt/ros/bin", "programs")
EMPTY = (
    "run",
    "root/.ros/log",
    "etc/ssh",
    "etc/sudoers.d",
    "etc/avahi/services",
    "etc/NetworkManager/conf.d",
    "usr/local/sbin",
    "lib/systemd/systemd-timesyncd",
    "programs",
)
"""What pairing looks for on a car, and where it leaves things."""
INSIDE = """\
import os
os.chown = os.fchown = lambda *_, **__: None
"""


class LightTreeOutdated(Exception):
    """The helper has changed so that its copy would not stay inside its folder."""


def grow(machine: Machine, socket: Path, interpreter: str) -> None:
    """
    Everything the car needs that is not there yet, but the helper; its models and its host key stay.

    Args:
        interpreter: Runs the tools; its path has no blank in it, for it goes into their first line.
    """
    root = machine.root
    if not (root / "opt/aws/deepracer/artifacts").exists():
        lay_out(machine)
        firmware(machine, root / "sys")
    for folder in (*EMPTY, f"sys/class/net/{machine.profile.interface}"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    place_tools(root, socket, interpreter=interpreter)
    _link_programs(root / "programs")
    _make_host_key(root / HOST_KEY)


def put_helper(root: Path, console_port: int) -> None:
    """The helper's copy, as pairing leaves it."""
    helper = root / HELPER.lstrip("/")
    helper.write_text(copied(SOURCE.read_text(), root, console_port))
    helper.chmod(0o755)


def tool_path(root: Path) -> str:
    """Where the helper looks for programs."""
    return ":".join(str(root / folder) for folder in FOLDERS)


def copied(helper: str, root: Path, console_port: int) -> str:
    """
    The helper's text for a car in this folder.

    Raises:
        LightTreeOutdated: what must be changed in it is not there.
    """
    changes = {
        '\nROOT = ""\n': f'\nROOT = "{root}"\n',
        '\nPATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n': f'\nPATH = "{tool_path(root)}"\n',
        "\nCONSOLE_PORT = 5001\n": f"\nCONSOLE_PORT = {console_port}\n",
        "\n    if os.geteuid() != 0:\n": "\n    if False:\n",
        "\nimport contextlib\n": f"\n{INSIDE}import contextlib\n",
    }
    for old, new in changes.items():
        if helper.count(old) != 1:
            raise LightTreeOutdated(f"cars/on_car/trackside-car has no single {old.strip()!r}")
        helper = helper.replace(old, new)
    return helper


def _link_programs(folder: Path) -> None:
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is not None and not (folder / name).exists():
            (folder / name).symlink_to(found)


def _make_host_key(path: Path) -> None:
    if path.exists():
        return
    key = asyncssh.generate_private_key("ssh-ed25519")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.export_private_key())
    path.with_suffix(".pub").write_bytes(key.export_public_key())
