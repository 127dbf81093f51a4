"""
A real OpenSSH server on a free port, with its own host key and its own authorized_keys: another Pi, on this machine.

It runs as whoever runs the tests. `temporary_user` makes one with a password, for root.
"""

import contextlib
import getpass
import itertools
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from tests.leftovers import clear_leftovers
from tests.ports import free_port

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
needs_sshd = pytest.mark.skipif(
    SSHD is None and not os.environ.get("CI"), reason="no OpenSSH server: apt install openssh-server"
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a user with a password")
DEADLINE_S = 20
_numbers = itertools.count(1)

CONFIG = """\
Port {port}
ListenAddress {host}
HostKey {host_key}
AuthorizedKeysFile {authorized_keys}
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication {passwords}
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 200
Subsystem sftp internal-sftp
LogLevel VERBOSE
{more}
"""


class Sshd:
    """`with Sshd(directory) as sshd`; may be killed, frozen and started again on the same port."""

    def __init__(
        self, directory: Path, *, passwords: bool = False, own_keys: bool = True, cable: "Cable | None" = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.host = "127.0.0.1" if cable is None else cable.far_address
        self.port = free_port()
        self.user = getpass.getuser()
        self.authorized_keys = directory / "authorized_keys"
        self.host_key = directory / "host_key"
        self.more = ""
        self._passwords = passwords
        self._own_keys = own_keys
        self._over_there = [] if cable is None else cable.over_there
        self._process: subprocess.Popen[bytes] | None = None
        self.new_host_key()

    @property
    def fingerprint(self) -> str:
        """What a person at the Pi reads: SHA256:…"""
        told = subprocess.run(
            ["ssh-keygen", "-lf", f"{self.host_key}.pub"], check=True, capture_output=True, text=True
        ).stdout
        return told.split()[1]

    @property
    def log(self) -> str:
        return (self.directory / "sshd.log").read_text(errors="replace")

    def new_host_key(self) -> None:
        """As a card that was flashed anew; counts from the next start."""
        self.host_key.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.host_key)], check=True)

    def authorize(self, *lines: str) -> None:
        self.authorized_keys.write_text("".join(f"{line}\n" for line in lines))

    def start(self) -> None:
        config = self.directory / "sshd_config"
        config.write_text(
            CONFIG.format(
                port=self.port,
                host_key=self.host_key,
                authorized_keys=self.authorized_keys if self._own_keys else ".ssh/authorized_keys",
                passwords="yes" if self._passwords else "no",
                host=self.host,
                more=self.more,
            )
        )
        if os.geteuid() == 0:  # Debian's unit makes it; where no unit ran it is missing.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        assert SSHD is not None
        with (self.directory / "sshd.log").open("ab") as log:
            command = [*self._over_there, SSHD, "-D", "-e", "-f", str(config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE_S
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)

    def kill(self) -> None:
        """The listener and every connection of it, at once."""
        if self._process is not None:
            _end(self._family())
            self._process.wait(DEADLINE_S)
            self._process = None

    def freeze(self) -> None:
        """Silence without an error, as when the cable is pulled: nothing answers, nothing is closed."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for pid in self._family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _family(self) -> list[int]:
        """The listener, then its descendants: each connection has two or three processes of its own."""
        assert self._process is not None
        family = [self._process.pid]
        for pid in family:
            with contextlib.suppress(OSError):
                family += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return family

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
            return True
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


@contextlib.contextmanager
def temporary_user(password: str) -> Iterator[tuple[str, Path]]:
    """A system user with this password and a home of their own, gone afterwards; answers name and home."""
    name = f"tspi{os.getpid()}x{next(_numbers)}"
    home = Path(tempfile.mkdtemp(prefix="trackside-home-"))
    made = ["useradd", "--system", "--shell", "/bin/sh", "--no-create-home", "--home-dir", str(home), name]
    subprocess.run(made, check=True, capture_output=True)
    try:
        subprocess.run(["chpasswd"], input=f"{name}:{password}\n".encode(), check=True, capture_output=True)
        shutil.chown(home, name)
        yield name, home
    finally:
        subprocess.run(["userdel", "--force", name], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


class Cable:
    """`with Cable()`: a cable to a machine with a network of its own (a network name space; only root may make one)."""

    def __init__(self) -> None:
        number = next(_numbers)
        self._here, self._there = f"ts{os.getpid()}n{number}", f"tt{os.getpid()}n{number}"
        net, first = f"10.213.{os.getpid() % 250}", 4 * (number % 60)
        self.near_address, self.far_address = f"{net}.{first + 1}", f"{net}.{first + 2}"
        self.over_there = ["ip", "netns", "exec", self._there]

    def pull(self) -> None:
        """Out of the far machine: no error reaches anybody, packets are gone."""
        self._ip("-n", self._there, "link", "set", self._there, "down")

    def plug(self) -> None:
        self._ip("-n", self._there, "link", "set", self._there, "up")

    def __enter__(self) -> Self:
        clear_leftovers()
        self._ip("netns", "add", self._there)
        self._ip("link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self._there)
        self._ip("address", "add", f"{self.near_address}/30", "dev", self._here)
        self._ip("link", "set", self._here, "up")
        self._ip("-n", self._there, "address", "add", f"{self.far_address}/30", "dev", self._there)
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["ip", "link", "delete", self._here], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", self._there], check=False, capture_output=True)

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _end(pids: list[int]) -> None:
    """Kill these, and wait until they are gone: their user may be deleted next."""
    ending = []
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            ending.append(os.pidfd_open(pid))
    for fd in ending:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, signal.SIGKILL)
    for fd in ending:
        select.select([fd], [], [], DEADLINE_S)
        os.close(fd)
