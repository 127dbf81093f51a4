"""
Two machines with a network of their own each (network name spaces; only root may make them) and a cable between, with
real boxes, a real avahi-daemon and real tools on them. Nothing of the machine that runs the tests hears of it.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.leftovers import clear_leftovers

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes networks: run the tests as root")
needs_avahi = pytest.mark.skipif(
    not (shutil.which("avahi-daemon") and shutil.which("avahi-browse")) and not os.environ.get("CI"),
    reason="no avahi: apt install avahi-daemon avahi-utils",
)
DEADLINE_S = 40
PORT = 8080
_numbers = itertools.count(1)

BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
    <allow send_type="method_call"/>
  </policy>
</busconfig>
"""
AVAHI = """\
[server]
host-name={host}
use-ipv4=yes
use-ipv6=yes
ratelimit-interval-usec=1000000
ratelimit-burst=1000
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
[rlimits]
"""
# A /run of its own: neither its pid file nor its socket meets an avahi of this machine.
ENTER_AVAHI = (
    'mount -t tmpfs tmpfs /run && mkdir -p /run/avahi-daemon && dbus-daemon --config-file="$1" --fork --nopidfile && '
    'exec avahi-daemon --no-drop-root --no-chroot --no-rlimits --no-proc-title -f "$2"'
)


class Watched:
    """A program whose lines are waited for."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, is_so: Callable[[list[str]], bool]) -> list[str]:
        """Every line so far, once they are so."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            while not is_so(self.lines):
                line = await self.process.stdout.readline()
                assert line, f"it ended with {await self.process.wait()}: {self.lines}"
                self.lines.append(line.decode().rstrip("\n"))
        return self.lines

    async def line(self, *words: str) -> str:
        """Wait for a line, from now on, that contains all these words."""
        seen = len(self.lines)
        lines = await self.until(lambda lines: any(all(word in line for word in words) for line in lines[seen:]))
        return lines[-1]

    async def end(self, number: int = signal.SIGTERM) -> int:
        """End it and its children; the exit status."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        async with asyncio.timeout(DEADLINE_S):
            while self.process.stdout is not None and await self.process.stdout.readline():
                pass
            return await self.process.wait()


class Machine:
    """One of the two; `address` is on the cable."""

    def __init__(self, name: str, address: str, directory: Path) -> None:
        self.name = name
        self.address = address
        self.directory = directory
        self.bus = directory / f"{name}.bus"
        self._started: list[Watched] = []

    def ip(self, *arguments: str) -> None:
        """Change its network."""
        run_ip("-n", self.name, *arguments)

    def add_address(self, address: str) -> None:
        self.ip("address", "add", f"{address}/24", "dev", self.name)

    def remove_address(self, address: str) -> None:
        self.ip("address", "delete", f"{address}/24", "dev", self.name)

    def pull(self) -> None:
        """The cable, out of this machine."""
        self.ip("link", "set", self.name, "down")

    def plug(self) -> None:
        self.ip("link", "set", self.name, "up")

    async def start(self, *command: str, **environment: str) -> Watched:
        """A program on this machine; its lines are stdout's and stderr's."""
        process = await asyncio.create_subprocess_exec(
            "ip", "netns", "exec", self.name, *command, stdout=PIPE, stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self.bus}"} | environment,
        )  # fmt: skip
        watched = Watched(process)
        self._started.append(watched)
        return watched

    async def box(self, data: str, name: str | None = None, **settings: str) -> Watched:
        """A real `trackside serve` that answers; its lines are its log."""
        environment = {f"TRACKSIDE_{key.upper()}": value for key, value in settings.items()}
        # No recorder of its own: it would outlive the box, as it should.
        environment.setdefault("TRACKSIDE_ANNOUNCE", "true")
        environment["TRACKSIDE_TIMING_SOCKET"] = str(self.directory / "no-recorder.sock")
        if name is not None:
            environment["TRACKSIDE_BOX_NAME"] = name
        directory = self.directory / data
        box = await self.start(sys.executable, "-m", "appliance.cli", "serve", "--data", str(directory), **environment)
        await box.line("Ctrl-C stops it.")
        return box

    async def avahi(self, host: str) -> Watched:
        """The avahi-daemon that many a machine has, which also uses UDP 5353."""
        bus, config = self.directory / f"{self.name}.xml", self.directory / f"{self.name}.conf"
        bus.write_text(BUS.format(socket=self.bus))
        config.write_text(AVAHI.format(host=host))
        daemon = await self.start("unshare", "--mount", "sh", "-c", ENTER_AVAHI, "sh", str(bus), str(config))
        await daemon.line("Server startup complete")
        return daemon

    async def browse(self) -> Watched:
        """What avahi finds: `+` seen, `=` resolved, `-` gone; one line for each, as they happen."""
        return await self.start("stdbuf", "-oL", "avahi-browse", "-rp", "_trackside._tcp")

    async def told(self, *command: str) -> str:
        """What a program on this machine says, once it has ended."""
        watched = await self.start(*command)
        assert watched.process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            text = (await watched.process.stdout.read()).decode()
            await watched.process.wait()
        return text

    async def asked(self, is_so: Callable[[str], bool], *command: str) -> str:
        """Ask a program on this machine until it says so."""
        async with asyncio.timeout(DEADLINE_S):
            while not is_so(told := await self.told(*command)):
                pass
        return told

    async def end(self) -> None:
        """Everything that runs here."""
        for pid in run_ip("netns", "pids", self.name).split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        for watched in self._started:
            await watched.end(signal.SIGKILL)


@contextlib.asynccontextmanager
async def two_machines(directory: Path) -> AsyncIterator[tuple[Machine, Machine]]:
    """The box's machine and the timekeeper's, with a cable between and an address each."""
    clear_leftovers()
    tag = f"{os.getpid()}n{next(_numbers)}"
    box = Machine(f"ta{tag}", "10.9.8.1", directory)
    desk = Machine(f"tb{tag}", "10.9.8.2", directory)
    try:
        for machine in (box, desk):
            run_ip("netns", "add", machine.name)
        run_ip("link", "add", box.name, "netns", box.name, "type", "veth", "peer", desk.name, "netns", desk.name)
        for machine in (box, desk):
            machine.ip("link", "set", "lo", "up")
            # As systemd sets it: an address that goes does not take the later ones of its network along.
            run_ip("netns", "exec", machine.name, "sysctl", "-qw", "net.ipv4.conf.all.promote_secondaries=1")
            machine.add_address(machine.address)
            machine.plug()
        yield box, desk
    finally:
        for machine in (box, desk):
            await machine.end()
            run_ip("netns", "delete", machine.name)


def run_ip(*arguments: str) -> str:
    """Ask iproute2; answers what it says."""
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout
