"""
One stand-in car, as a test holds it: its files, its tools, its faults. tests/cars/hall.py makes them.

Process 1 of the car (hall_init.py) lives as long as the pipe to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cars.standin.profiles import Profile
from tests.cars.hall_faults import Faults

if TYPE_CHECKING:
    from tests.cars.hall import Hall

DEADLINE_S = 60.0
TREE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Told:
    """What a command on a car printed."""

    out: str
    err: str
    code: int


class Car(Faults):
    """One stand-in; `address` and port 22 are reachable from the test."""

    port = 22

    def __init__(self, hall: Hall, profile: Profile, settings: dict[str, Any], process: Process) -> None:
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
        """`ssh-ed25519 AAAA…`, as it is now; the RSA one where it has no other."""
        keys = [self.path(f"/etc/ssh/ssh_host_{kind}_key.pub") for kind in ("ed25519", "rsa")]
        kind, key = next(path for path in keys if path.exists()).read_text().split()[:2]
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


async def started_car() -> Process:
    """Process 1 of a car, in name spaces of its own, waiting to be told what to be."""
    return await asyncio.create_subprocess_exec(
        "unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
        sys.executable, "-m", "tests.cars.hall_init",
        stdin=PIPE, stdout=PIPE, cwd=TREE, start_new_session=True,
    )  # fmt: skip
