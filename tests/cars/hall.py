"""
A hall with stand-in cars: each with a network, files, users and services of its own, and a cable to the hall's bridge.

`async with Hall() as hall: car = await hall.car("stock_20")`. The test's own process is at `hall.address`, in the same
network; real OpenSSH with PAM answers at `car.address`, port 22. A car's files are at `car.path("/opt/…")`.
Everything is gone when the block ends, or the test is killed: the hall and each car live as long as a pipe to them.

What it does not prove: real Wi-Fi, the Atom's speed, ROS and DDS, which packages the real images hold. The clock is not
the kernel's: only `date`, `timedatectl` and `hwclock` know the car's. What is to set or read a car's clock runs `date`:
time.time() on the car is this machine's, and so are the times of files. Tools that are no stand-ins are this machine's.
"""

import asyncio
import contextlib
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
from asyncio.subprocess import PIPE, Process
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from cars.standin.machine import host_name_of
from cars.standin.profiles import PROFILES
from tests.cars.hall_car import Car, started_car

MISSING = [tool for tool in ("sshd", "ip", "nft", "tc", "avahi-daemon", "sudo", "nsenter", "unshare", "openssl")
           if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None]  # fmt: skip
needs_hall = pytest.mark.skipif(
    (os.geteuid() != 0 or bool(MISSING)) and not os.environ.get("CI"),
    reason=f"only root builds a hall (missing: {MISSING}): apt install openssh-server nftables sudo openssl",
)
OPT_BYTES = 200_000_000
FIRST_NET = 120
"""Halls are in 10.120.0.0 to 10.199.255.255."""
_numbers = itertools.count(1)


class Hall:
    """The bridge between the test and the cars, in a name space of its own; /24, the test's end is .1."""

    def __init__(self) -> None:
        self.cars: list[Car] = []
        self.name = ""
        self.net = ""
        self._process: Process | None = None
        self.numbers = itertools.count(10)

    @property
    def address(self) -> str:
        """The box's end: this process is there."""
        return f"{self.net}.1"

    @property
    def subnet(self) -> str:
        return f"{self.net}.0/24"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def enter(self) -> list[str]:
        """What to put before a command that is to run at the bridge."""
        return ["nsenter", "-t", str(self.pid), "-n"]

    def entering(self, pid: int) -> list[str]:
        """The same, in the network of this process: a car's `pid`."""
        return ["nsenter", "-t", str(pid), "-n"]

    async def ip(self, *arguments: str) -> None:
        """Change something at the bridge."""
        await self.tell(*self.enter, "ip", *arguments)

    async def tell(self, *command: str, check: bool = True) -> None:
        """A command of this machine."""
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=asyncio.subprocess.STDOUT)
        said, _ = await process.communicate()
        assert process.returncode == 0 or not check, f"{command}: {said.decode()}"

    def tell_all(self, pid: int, number: signal.Signals) -> None:
        """A signal to every process of a car but its first, `pid`."""
        space = os.readlink(f"/proc/{pid}/ns/pid")
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != pid and os.readlink(entry / "ns/pid") == space:
                    os.kill(int(entry.name), number)

    async def __aenter__(self) -> Self:
        bridge = "ip link add hall type bridge && ip link set hall up && ip link set lo up && echo there && exec cat"
        self._process = await asyncio.create_subprocess_exec(
            "unshare", "--net", "sh", "-c", bridge, stdin=PIPE, stdout=PIPE
        )
        assert self._process.stdout is not None
        try:
            assert await self._process.stdout.readline() == b"there\n"
            self._claim()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(car.end() for car in self.cars), return_exceptions=True)
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
        # The name space and with it the cable go a moment after its last process.
        run_ip_quietly("link", "delete", self.name)

    async def car(
        self,
        profile: str = "stock_20",
        *,
        name: str | None = None,
        serial: str | None = None,
        password: str | None = None,
        password_expired: bool | None = None,
        ssh_on: bool | None = None,
        authorized_keys: tuple[str, ...] = (),
        host_key: str | None = None,
        address: str | None = None,
        opt_bytes: int = OPT_BYTES,
        clock_off_s: float = 0,
        boot_s: float = 0.2,
    ) -> Car:
        """
        A car that has started.

        Args:
            profile: A name of cars/standin/profiles.py.
            name: Its host name; else what its kind has.
            serial: AMSS-…; else the next one.
            password: Of its Linux user; else what its kind has.
            ssh_on: Somebody turned it on in the console, or it is as its kind comes.
            authorized_keys: Lines that are there already, as after enrolment.
            host_key: A private key that another car already has: a cloned image.
            opt_bytes: All that /opt holds.
            boot_s: How long a reboot keeps it away.
        """
        changes: dict[str, Any] = (
            {} if ssh_on is None else {"ssh_on": ssh_on, "open_ports": ("Nginx Full", *("ssh",) * ssh_on)}
        )
        kind, number = replace(PROFILES[profile], **changes), next(self.numbers)
        serial = serial or self._serial(number, has_dmi=kind.has_dmi)
        ordinary = "deepracer" if kind.is_community else host_name_of(serial)
        settings = {
            "profile": profile,
            "changes": changes,
            "serial": serial,
            "asset_tag": hashlib.sha256(serial.encode()).hexdigest()[:8],
            "host_name": name or ordinary,
            "password": kind.password if password is None else password,
            "password_expired": kind.password_expired if password_expired is None else password_expired,
            "authorized_keys": authorized_keys,
            "host_key": host_key,
            "address": address or f"{self.net}.{number}",
            "mac": f"02:dc:{int(self.net.split('.')[1]):02x}:{int(self.net.split('.')[2]):02x}:00:{number:02x}",
            "port": f"car{number}",
            "hall_pid": self.pid,
            "opt_bytes": opt_bytes,
            "clock_off_s": clock_off_s,
            "boot_s": boot_s,
        }
        car = Car(self, kind, settings, await started_car())
        self.cars.append(car)
        await car.begin()
        return car

    def _serial(self, number: int, *, has_dmi: bool) -> str:
        """No other hall of this machine has it: multicast of one is heard by who listens to another."""
        _, second, third = map(int, self.net.split("."))
        code = ((second - FIRST_NET) * 256 + third) * 64 + number % 64
        return f"AMSS-{base36(code)}" if has_dmi else f"10000000{code:08x}"

    def _claim(self) -> None:
        """A network nobody has: the name of the cable is the claim, for the kernel gives each name once."""
        start = os.getpid() * 7 + next(_numbers)
        for at in range(start, start + 20_000):
            second, third = FIRST_NET + at % 80, at // 80 % 256
            self.name, self.net = f"hall{second}-{third}", f"10.{second}.{third}"
            peer = ["type", "veth", "peer", "name", "box", "netns", str(self.pid)]
            if run_ip_quietly("link", "add", self.name, *peer):
                break
        inside = ["nsenter", "-t", str(self.pid), "-n", "ip", "link", "set", "box", "master", "hall", "up"]
        subprocess.run(inside, check=True, capture_output=True)
        assert run_ip_quietly("address", "add", f"{self.address}/24", "dev", self.name)
        assert run_ip_quietly("link", "set", self.name, "up")


def base36(number: int) -> str:
    """Four of 0-9A-Z, as on a sticker."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(digits[number // 36**place % 36] for place in (3, 2, 1, 0))


def run_ip_quietly(*arguments: str) -> bool:
    """Ask iproute2; whether it did."""
    return subprocess.run(["ip", *arguments], check=False, capture_output=True).returncode == 0
