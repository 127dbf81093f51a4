"""What goes wrong with cars at a track, done to a stand-in."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tests.cars.hall import Hall
    from tests.cars.hall_car import Told

ARTIFACTS = "/opt/aws/deepracer/artifacts/"
HELPER = "/usr/local/sbin/trackside-car"
DYING = """\
#!/usr/bin/python3
# The car's helper, killed right after its {count}th rename below {below}; renameat2 is not to be had.
import ctypes, os, runpy, signal, sys
ctypes.CDLL = lambda *_, **__: object()
left, real = [{count}], os.rename
def rename(*names, **options):
    real(*names, **options)
    left[0] -= str(names[0]).startswith("{below}")
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.rename = os.replace = rename
sys.argv[0] = "{real}"
runpy.run_path("{real}", run_name="__main__")
"""


class Doer(Protocol):
    """What the faults need of a car."""

    hall: Hall
    address: str
    cable: str
    pid: int
    serial: str
    settings: dict[str, Any]

    @property
    def interface(self) -> str: ...

    def path(self, path: str) -> Path: ...

    async def run(self, command: str) -> Told: ...

    async def call(self, name: str, *arguments: object) -> Any: ...

    async def get(self, name: str) -> Any: ...

    async def set(self, name: str, value: object) -> None: ...

    async def again(self, **changes: object) -> None: ...


class Faults:
    """The faults of a car of the hall; nothing says goodbye."""

    async def link_down(self: Doer) -> None:
        """Out of the Wi-Fi's reach."""
        await self.hall.ip("link", "set", self.cable, "down")

    async def link_up(self: Doer) -> None:
        await self.hall.ip("link", "set", self.cable, "up")

    async def slow(self: Doer, *, kbit_s: int | None = None, loss_percent: float = 0) -> None:
        """
        A bad Wi-Fi, both ways; without arguments a good one again.

        Delay is not to be had without netem, which not every kernel has: rate and loss are.
        """
        for enter, name in ((self.hall.enter, self.cable), (self.hall.entering(self.pid), self.interface)):
            await self.hall.tell(*enter, "tc", "qdisc", "del", "dev", name, "root", check=False)
            if kbit_s is not None:
                rate = ["tbf", "rate", f"{kbit_s}kbit", "burst", "16kb", "latency", "400ms"]
                await self.hall.tell(*enter, "tc", "qdisc", "add", "dev", name, "root", *rate)
        drop = f"numgen random mod 10000 < {round(loss_percent * 100)} drop"
        chains = f"chain in {{ type filter hook prerouting priority -400; {drop}; }}; " * bool(loss_percent)
        chains += f"chain out {{ type filter hook postrouting priority 400; {drop}; }};" * bool(loss_percent)
        rules = f"table inet wifi {{}}; delete table inet wifi; table inet wifi {{ {chains} }}"
        await self.hall.tell(*self.hall.entering(self.pid), "nft", rules)

    async def new_address(self: Doer, address: str | None = None) -> str:
        """Another lease; connections to the old one hear nothing more."""
        address = address or f"{self.hall.net}.{next(self.hall.numbers)}"
        change = f"ip addr flush dev {self.interface} && ip addr add {address}/24 dev {self.interface}"
        told = await self.run(f"{change} && ip route replace 224.0.0.0/4 dev {self.interface}")
        assert told.code == 0, told.err
        self.address = self.settings["address"] = address
        await self.set("address", address)
        return address

    async def vanish(self: Doer) -> None:
        """The power is cut."""
        await self.call("go_down")

    async def come_back(self: Doer) -> None:
        """Somebody pressed its button."""
        await self.call("power_on")

    async def reflash(self: Doer) -> None:
        """The same chassis with a fresh card: new host keys and certificate, nobody's keys, the first password."""
        await self.again(authorized_keys=(), host_key=None)

    async def same_name_as(self: Doer, other: Doer) -> None:
        """Two cars with one host name."""
        await self.call("set_host_name", await other.get("host_name"))
        await self.call("restart", "avahi-daemon")

    async def clone_host_key(self: Doer, other: Doer) -> None:
        """An image that was copied with its keys."""
        await self.call("new_host_keys", other.path("/etc/ssh/ssh_host_ed25519_key").read_text())
        await self.call("restart_sshd")

    async def only_rsa(self: Doer) -> None:
        """No host key but an RSA one."""
        await self.call("only_rsa_host_key")
        await self.call("restart_sshd")

    async def clock_off(self: Doer, seconds: float) -> None:
        """Behind by a negative number; as `date` on it sees it."""
        await self.call("set_clock", time.time() + seconds)

    async def fill_disk(self: Doer, *, leave: int = 0) -> None:
        """Bags, until /opt has no more than this many bytes."""
        disk = os.statvfs(self.path("/opt"))
        filling = disk.f_bavail * disk.f_frsize - leave
        with self.path("/opt/aws/deepracer/logs/filler.mcap").open("wb") as bag:
            os.posix_fallocate(bag.fileno(), 0, filling)

    async def usb_wipe(self: Doer) -> None:
        """Somebody plugged in a stick with a models folder: every model goes but the golden one."""
        told = await self.run(
            "cd /opt/aws/deepracer/artifacts && for d in */; do "
            'if [ -e "$d/checksum.txt" ] && [ "$d" != "AWS Sample/" ]; then rm -rf "$d"; fi; done'
        )
        assert told.code == 0, told.err

    async def kill_at_rename(self: Doer, count: int, *, below: str = "/") -> None:
        """
        The helper, from now on, is killed after it renamed this many times something below a folder.

        `kill_at_rename(1, below=ARTIFACTS)` is a power cut between "old model away" and "new model in".
        """
        helper, real = self.path(HELPER), f"{HELPER}.real"
        if not self.path(real).exists():
            helper.rename(self.path(real))
        helper.write_text(DYING.format(count=count, below=below, real=real))
        helper.chmod(0o755)

    async def mend_helper(self: Doer) -> None:
        """Undo `kill_at_rename`."""
        self.path(f"{HELPER}.real").rename(self.path(HELPER))

    async def refuse_ssh_at_core_restart(self: Doer, seconds: float) -> None:
        """Stock: sshd is away this long each time the core starts."""
        await self.set("ssh_gap_s", seconds)

    async def ban(self: Doer, address: str | None = None) -> None:
        """What fail2ban does after five wrong passwords."""
        await self.call("ban", address or self.hall.address)

    async def unban(self: Doer) -> None:
        await self.call("unban")

    async def freeze(self: Doer) -> None:
        """Everything on it stands still; its network answers pings and opens connections, nothing more."""
        await asyncio.to_thread(self.hall.tell_all, self.pid, signal.SIGSTOP)

    async def thaw(self: Doer) -> None:
        await asyncio.to_thread(self.hall.tell_all, self.pid, signal.SIGCONT)
