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
import json
import os
import select
import shutil
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pytest

from cars.standin.machine import host_name_of
from cars.standin.profiles import PROFILES, Profile
from tests.cars.hall_faults import Faults

MISSING = [tool for tool in ("sshd", "ip", "nft", "tc", "avahi-daemon", "sudo", "nsenter", "unshare", "openssl")
           if shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is None]  # fmt: skip
needs_hall = pytest.mark.skipif(
    (os.geteuid() != 0 or bool(MISSING)) and not os.environ.get("CI"),
    reason=f"only root builds a hall (missing: {MISSING}): apt install openssh-server nftables sudo openssl",
)
DEADLINE_S = 60.0
OPT_BYTES = 200_000_000
TREE = Path(__file__).parents[2]
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Told:
    """What a command on a car printed."""

    out: str
    err: str
    code: int


class Car(Faults):
    """One stand-in; `address` and port 22 are reachable from the test."""

    port = 22

    def __init__(self, hall: "Hall", profile: Profile, settings: dict[str, Any], process: Process) -> None:
        self.hall = hall
        self.profile = profile
        self.settings = settings
        self.address: str = settings["address"]
        self.serial: str = settings["serial"]
        self.asset_tag: str = settings["asset_tag"]
        self.mac: str = settings["mac"]
        self.username = profile.username
        self.password: str = settings["password"]
        self.cable: str = settings["port"]
        self.process = process
        self.pid = 0
        self._asking = asyncio.Lock()

    @property
    def interface(self) -> str:
        return self.profile.interface

    @property
    def console_password(self) -> str:
        """As the sticker says it; without a sticker it is `deepracer`."""
        return self.asset_tag if self.profile.has_dmi else "deepracer"

    @property
    def host_key(self) -> str:
        """`ssh-ed25519 AAAA…`, as it is now."""
        kind, key = self.path("/etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        return f"{kind} {key}"

    @property
    def artifacts(self) -> Path:
        return self.path("/opt/aws/deepracer/artifacts")

    def path(self, path: str) -> Path:
        """A file of the car, for the test to read and write."""
        return Path(f"/proc/{self.pid}/root{path}")

    async def run(self, command: str, *, user: str = "root") -> Told:
        """A shell command on the car, not over SSH."""
        enter = ["nsenter", "-t", str(self.pid), "-m", "-u", "-i", "-n", "-p", "-r", "-w"]
        login = ["/bin/bash", "-c", command] if user == "root" else ["runuser", "-u", user, "--", "bash", "-c", command]
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
        process = await asyncio.create_subprocess_exec(*enter, *login, stdout=PIPE, stderr=PIPE, env=environment)
        async with asyncio.timeout(DEADLINE_S):
            out, err = await process.communicate()
        return Told(out.decode(), err.decode(), process.returncode or 0)

    async def call(self, name: str, *arguments: object) -> Any:
        """A method of the car's machine (cars/standin/machine.py) or its ground (hall_init.py)."""
        return await self._ask({"do": "call", "name": name, "arguments": arguments})

    async def get(self, name: str) -> Any:
        """A value of the machine: `light`, `calls`, `is_driving`, `host_name`, `is_off` …"""
        return await self._ask({"do": "get", "name": name})

    async def set(self, name: str, value: object) -> None:
        await self._ask({"do": "set", "name": name, "value": value})

    async def end(self) -> None:
        """Everything of it goes with its process 1, at once; done when it is gone."""
        first = None
        with contextlib.suppress(ProcessLookupError):
            first = os.pidfd_open(self.pid) if self.pid else None
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        async with asyncio.timeout(DEADLINE_S):
            await self.process.wait()
            if first is not None:
                await asyncio.to_thread(select.select, [first], [], [], DEADLINE_S)
                os.close(first)

    async def begin(self) -> None:
        """Wait until its services answer."""
        said = await self._ask(self.settings)
        self.pid = said["pid"]

    async def again(self, **changes: object) -> None:
        """Another system on the same chassis: everything that was written is gone."""
        await self.end()
        self.settings |= {**changes, "port": f"car{next(self.hall.numbers)}"}
        self.cable, self.pid = self.settings["port"], 0
        self.password = self.settings["password"] = self.profile.password
        self.process = await started_car()
        await self.begin()

    async def _ask(self, asked: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        async with self._asking, asyncio.timeout(DEADLINE_S):
            self.process.stdin.write(json.dumps(asked).encode() + b"\n")
            line = await self.process.stdout.readline()
        assert line, f"the car {self.serial} ended with {await self.process.wait()}"
        said = json.loads(line)
        assert "error" not in said, said["error"]
        return said.get("is") if "is" in said else said


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

    def pids_of(self, pid: int) -> list[int]:
        """The processes of a car but its first; as this machine numbers them."""
        space = os.readlink(f"/proc/{pid}/ns/pid")
        there = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and int(entry.name) != pid and os.readlink(entry / "ns/pid") == space:
                    there.append(int(entry.name))
        return there

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
        serial = serial or (f"AMSS-{number:04d}" if kind.has_dmi else f"10000000a1b2{number:04x}")
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

    def _claim(self) -> None:
        """A network nobody has: the name of the cable is the claim, for the kernel gives each name once."""
        start = os.getpid() * 7 + next(_numbers)
        for at in range(start, start + 20_000):
            second, third = 120 + at % 80, at // 80 % 256
            self.name, self.net = f"hall{second}-{third}", f"10.{second}.{third}"
            peer = ["type", "veth", "peer", "name", "box", "netns", str(self.pid)]
            if run_ip_quietly("link", "add", self.name, *peer):
                break
        inside = ["nsenter", "-t", str(self.pid), "-n", "ip", "link", "set", "box", "master", "hall", "up"]
        subprocess.run(inside, check=True, capture_output=True)
        assert run_ip_quietly("address", "add", f"{self.address}/24", "dev", self.name)
        assert run_ip_quietly("link", "set", self.name, "up")


async def started_car() -> Process:
    """Process 1 of a car, in name spaces of its own, waiting to be told what to be."""
    return await asyncio.create_subprocess_exec(
        "unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
        sys.executable, "-m", "tests.cars.hall_init",
        stdin=PIPE, stdout=PIPE, cwd=TREE, start_new_session=True,
    )  # fmt: skip


def run_ip_quietly(*arguments: str) -> bool:
    """Ask iproute2; whether it did."""
    return subprocess.run(["ip", *arguments], check=False, capture_output=True).returncode == 0
