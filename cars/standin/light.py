"""
Light stand-in cars for the demo: an SSH server each, in one process, with a file tree in a folder; no root needed.

They know one command, the box's own helper, and SFTP below their tree: nobody who signs in reaches this machine. They
come enrolled. A program of its own (`python -m cars.standin.light FOLDER …`): asyncssh stays out of the server.
tests/cars/hall.py has the faithful ones.
"""

import asyncio
import os
import shlex
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import asyncssh
import msgspec
from msgspec import Struct

from cars.standin.console import Flask
from cars.standin.firewall import Firewall
from cars.standin.light_tree import HELPER, HOST_KEY, grow, tool_path
from cars.standin.machine import Machine
from cars.standin.profiles import PROFILES
from cars.standin.tools import ToolSocket


class LightCarSettings(Struct, frozen=True, kw_only=True):
    """One car of the demo, as its starter says it."""

    serial: str
    name: str
    profile: str = "community_20"
    authorized_key: str
    host: str = "127.0.0.1"
    port: int = 0
    battery: int = 8


class LightCarStarted(Struct, frozen=True, kw_only=True):
    """What whoever enrols it needs to know."""

    serial: str
    host: str
    port: int
    username: str
    host_key: str


AWAY_S = 4.0
"""A reboot of a light car: short enough to watch, long enough to be noticed."""


class LightCar:
    """
    `async with LightCar(folder, settings) as car`; what it holds stays in the folder.

    It is its own ground: a reboot is a while without a listener, and of the services only the state is kept.
    """

    def __init__(self, folder: Path, settings: LightCarSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.machine = Machine(
            PROFILES[settings.profile],
            serial=settings.serial,
            asset_tag="light",
            host_name=settings.name,
            root=folder,
            effects=self,
        )
        self.machine.battery = settings.battery
        self.port = settings.port
        self.connections: set[asyncssh.SSHServerConnection] = set()
        # A folder may be deeper than the 107 bytes that the path of a socket has.
        self._sockets = ""
        self._key: asyncssh.SSHKey | None = None
        self._server: asyncssh.SSHAcceptor | None = None
        self._tools: ToolSocket | None = None
        self._flask: Flask | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._later: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._begin)
        await self._listen()
        return self

    def _begin(self) -> None:
        self._sockets = tempfile.mkdtemp(prefix="standin-")
        socket = Path(self._sockets) / "tools"
        self.machine.real_date = shutil.which("date") or "/usr/bin/date"
        self._flask = Flask(self.machine, inside_port=0)
        grow(self.machine, socket, self._flask.inside_port)
        self.machine.boot()
        self._tools = ToolSocket(self.machine, socket, root_uid=os.getuid())
        self._key = asyncssh.read_private_key(self.folder / HOST_KEY)

    def _end(self) -> None:
        if self._tools is not None:
            self._tools.close()
        if self._flask is not None:
            self._flask.close()
        shutil.rmtree(self._sockets, ignore_errors=True)

    async def __aexit__(self, *_: object) -> None:
        if self._later is not None:
            self._later.cancel()
        await self._go_away()
        await asyncio.to_thread(self._end)

    def start_unit(self, name: str) -> None:
        """Nothing runs here."""

    def stop_unit(self, name: str) -> None:
        """Nothing runs here."""

    def apply_firewall(self, firewall: Firewall) -> None:
        """This machine's stays as it is."""

    def set_host_name(self, name: str) -> None:
        """This machine's stays as it is."""

    def is_password(self, user: str, password: str) -> bool:
        """There are no accounts."""
        return False

    def change_password(self, user: str, old: str, new: str) -> bool:
        """There are no accounts."""
        return False

    def reboot(self) -> None:
        """From a tool's thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._leave, AWAY_S)

    def power_off(self) -> None:
        """From a tool's thread; it comes back with the demo."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._leave, None)

    def _leave(self, seconds: float | None) -> None:
        self._later = asyncio.create_task(self._be_away(seconds))

    async def _be_away(self, seconds: float | None) -> None:
        await self._go_away()
        if seconds is not None:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.machine.boot)
            await self._listen()

    async def _go_away(self) -> None:
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                connection.abort()
            await self._server.wait_closed()
            self._server = None

    async def _listen(self) -> None:
        self._server = await asyncssh.create_server(
            lambda: Door(self),
            self.settings.host,
            self.port,
            server_host_keys=[self._key] if self._key else [],
            process_factory=self._serve,
            sftp_factory=self._sftp,
            encoding=None,
            allow_scp=False,
        )
        self.port = self._server.get_port()

    @property
    def started(self) -> LightCarStarted:
        """What whoever enrols it needs to know."""
        public = self._key.export_public_key().decode() if self._key else ""
        return LightCarStarted(
            serial=self.settings.serial,
            host=self.settings.host,
            port=self.port,
            username=self.machine.profile.username,
            host_key=" ".join(public.split()[:2]),
        )

    def _sftp(self, channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=os.fsencode(self.folder))

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """Only `sudo -n …/trackside-car VERB …`; whatever else is asked does not exist here."""
        words = shlex.split(process.command or "")
        if words[:3] != ["sudo", "-n", HELPER]:
            process.stderr.write(b"This stand-in knows the box's helper and nothing else.\n")
            process.exit(127)
            return
        helper = str(self.folder / HELPER.lstrip("/"))
        environment = {"PATH": tool_path(self.folder), "HOME": str(self.folder / "root"), "SUDO_UID": str(os.getuid())}
        environment |= {"SUDO_GID": str(os.getgid())}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-IS", helper, *words[3:], stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=environment
        )
        out, err = await child.communicate()
        process.stdout.write(out)
        process.stderr.write(err)
        process.exit(child.returncode or 0)


class Door(asyncssh.SSHServer):
    """Lets the box's key in, and nothing else."""

    def __init__(self, car: LightCar) -> None:
        self._car = car
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._car.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._car.connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        ours = asyncssh.import_public_key(self._car.settings.authorized_key)
        return username == self._car.machine.profile.username and key == ours


async def serve(folder: Path, cars: list[LightCarSettings]) -> None:
    """Start every car, say so in one line of JSON each, and stay until SIGTERM or the end of stdin."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_reader(sys.stdin, lambda: None if os.read(0, 4096) else ended.set())
    async with AsyncExitStack() as stack:
        for settings in cars:
            car = await stack.enter_async_context(LightCar(folder / settings.serial, settings))
            sys.stdout.write(msgspec.json.encode(car.started).decode() + "\n")
            sys.stdout.flush()
        await ended.wait()


def main(arguments: list[str]) -> None:
    """`FOLDER CARS`: where they live, and a JSON list of LightCarSettings."""
    cars: Any = msgspec.json.decode(arguments[1], type=list[LightCarSettings])
    asyncio.run(serve(Path(arguments[0]), cars))


if __name__ == "__main__":
    main(sys.argv[1:])
