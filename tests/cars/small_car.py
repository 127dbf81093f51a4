"""
A small car: a real OpenSSH server behind a cable of its own, a disk of its own at /opt, and the real helper under sudo.

Quick to make, for everything about pushing that has nothing to do with what a car is besides. It has no accounts, no
firewall, no console and no mDNS: tests/cars/hall.py has those. Only root may make one.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

import asyncssh

from tests.leftovers import MOUNT, clear_leftovers
from tests.timing.sshd import DEADLINE_S, Cable, Sshd

HELPER = Path(__file__).resolve().parents[2] / "cars/on_car/trackside-car"
DISK_BYTES = 400_000_000
"""Room for a model or two beside the 200 MB that must stay free."""
GOOD_WIFI = "50mbit"
"""Without a limit a model is there before anybody can do something in the middle."""
BAD_WIFI = "10mbit"
"""8 MB take 7 s: there is a middle on a busy machine too."""

INSIDE = """
mount --bind "$1" /opt && mount --bind "$2" /usr/local/sbin || exit 1
mount -t tmpfs tmpfs /sys/class && mkdir -p /sys/class/dmi/id && echo "$3" > /sys/class/dmi/id/chassis_serial || exit 1
shift 3; exec "$@"
"""


class SmallCar(Sshd):
    """`with SmallCar(directory, key)`: a car with room for models, which the box may sign in to with its key."""

    def __init__(
        self, directory: Path, key: asyncssh.SSHKey, *, disk_bytes: int = DISK_BYTES, serial: str = "AMSS-TEST"
    ) -> None:
        self.serial = serial
        self.cable = Cable()
        super().__init__(directory, cable=self.cable)
        self._disk, self._programs = directory / "opt", directory / "sbin"
        self._disk_bytes = disk_bytes
        inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh"]
        self._over_there = [*self.cable.over_there, *inside, str(self._disk), str(self._programs), serial]
        self.authorize(" ".join(key.export_public_key().decode().split()[:2]))
        self.more = "MaxSessions 10"

    @property
    def artifacts(self) -> Path:
        """The car's models."""
        return self._disk / "aws/deepracer/artifacts"

    @property
    def stages(self) -> Path:
        """Where half-sent models lie."""
        return self._disk / "aws/deepracer/.trackside"

    def staged(self) -> dict[str, int]:
        """The bytes of every file that lies half-sent on the car."""
        return {
            file.name: file.stat().st_size for file in self.stages.glob("[0-9a-f]*/*") if not file.name.startswith(".")
        }

    def held(self, folder: str) -> dict[str, bytes] | None:
        """What a model's folder holds; None where there is none."""
        path = self.artifacts / folder
        return {file.name: file.read_bytes() for file in path.iterdir()} if path.is_dir() else None

    @property
    def pin(self) -> str:
        """The host key that it shows."""
        return " ".join(Path(f"{self.host_key}.pub").read_text().split()[:2])

    @property
    def helper(self) -> Path:
        """The car's own copy of the helper."""
        return self._programs / HELPER.name

    def hold_installs(self) -> Path:
        """From now on nothing is put in place while the file that is answered is there."""
        held, text = self._disk / "held", self.helper.read_text()
        begin, found, rest = text.partition("def install(token, folder, md5, sha256, metadata_sha256):\n")
        assert found
        wait = f"    while os.path.exists('/opt/{held.name}'):\n        time.sleep(0.01)\n"
        self.helper.write_text(f"{begin}{found}{wait}{rest}")
        held.touch()
        return held

    def fill_disk(self, free_bytes: int) -> None:
        """Bags and logs, until only this is left."""
        room = os.statvfs(self._disk)
        with (self._disk / "bag").open("wb") as bag:
            os.posix_fallocate(bag.fileno(), 0, room.f_bavail * room.f_frsize - free_bytes)

    def empty_disk(self) -> None:
        """The bags are gone again."""
        (self._disk / "bag").unlink()

    def limit(self, rate: str) -> None:
        """What the box sends comes no faster than this, from now on."""
        slow = ["tc", "qdisc", "replace", "dev", self.cable._here, "root", "tbf"]
        subprocess.run([*slow, "rate", rate, "burst", "64kb", "latency", "400ms"], check=True)

    def freeze(self) -> None:
        """
        Silence. Each process stands still before those it started are stopped, and goes on after them.

        sudo must never see its command stopped: it would stop itself too, for the shell that started it to wake it up.
        Here is no such shell, and it would stay for ever.
        """
        deadline = time.monotonic() + DEADLINE_S
        for pid in self._family():
            _tell(pid, signal.SIGSTOP)
            while not _stands_still(pid):
                assert time.monotonic() < deadline, pid
                time.sleep(0.001)

    def thaw(self) -> None:
        """It goes on."""
        for pid in reversed(self._family()):
            _tell(pid, signal.SIGCONT)

    def all_pids(self) -> list[int]:
        """Every process that runs on it, also those that lost their sshd."""
        told = subprocess.run(["ip", "netns", "pids", self.cable.over_there[-1]], check=True, capture_output=True)
        return [int(pid) for pid in told.stdout.split()]

    def __enter__(self) -> Self:
        self._disk.mkdir()
        self._programs.mkdir()
        clear_leftovers()
        size, source = f"size={self._disk_bytes}", MOUNT.format(pid=os.getpid())
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, source, str(self._disk)], check=True)
        self.artifacts.mkdir(parents=True)
        shutil.copy(HELPER, self.helper)
        self.cable.__enter__()
        self.limit(GOOD_WIFI)
        return super().__enter__()

    def __exit__(self, *of: object) -> None:
        super().__exit__(*of)
        for pid in self.all_pids():
            _tell(pid, signal.SIGKILL)
        self.cable.__exit__(*of)
        subprocess.run(["umount", "--lazy", str(self._disk)], check=False, capture_output=True)


def _tell(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _stands_still(pid: int) -> bool:
    """Stopped, or gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TtZX"
    except (FileNotFoundError, ProcessLookupError):
        return True
