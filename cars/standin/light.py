"""
Light stand-in cars for the demo: an SSH server each, in one process, with a file tree in a folder; no root needed.

They know the box's own helper, what a box asks when it pairs, and SFTP below their tree: nobody who signs in reaches
this machine. One with a password is paired like a car; one with a key comes enrolled. A program of its own (`python -m
cars.standin.light FOLDER …`): asyncssh stays out of the server. tests/cars/hall.py has the faithful ones.
"""

import asyncio
import contextlib
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
from cars.standin.light_door import Door
from cars.standin.light_files import LightFiles, Link
from cars.standin.light_pairing import Pairing
from cars.standin.light_tree import HELPER, HOST_KEY, grow, put_helper, tool_path
from cars.standin.machine import Machine
from cars.standin.profiles import PROFILES
from cars.standin.tools import ToolSocket

SENT_AT_ONCE_BYTES = 65_536
TOLD_AT_ONCE_BYTES = 65_536
ANSWERED_S = 5.0
"""How long a car that goes down lets its helper answer."""


class LightCarSettings(Struct, frozen=True, kw_only=True):
    """
    One car of the demo, as its starter says it.

    With `authorized_key` it is enrolled; with `password` it waits to be paired. Where `port` is taken, it takes
    another. `bytes_per_s` is its Wi-Fi, None for all there is; `away_s` how long a reboot takes.
    """

    serial: str
    name: str
    profile: str = "community_20"
    authorized_key: str | None = None
    password: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    battery: int = 8
    bytes_per_s: int | None = None
    away_s: float = 4.0


class LightCarStarted(Struct, frozen=True, kw_only=True):
    """What whoever enrols it needs to know."""

    serial: str
    host: str
    port: int
    username: str
    host_key: str


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
        self.link = Link(settings.bytes_per_s)
        self.pairing = Pairing(folder, self._put_helper)
        self.connections: set[asyncssh.SSHServerConnection] = set()
        # A folder may be deeper than the 107 bytes that the path of a socket has.
        self._sockets = ""
        self._key: asyncssh.SSHKey | None = None
        self._server: asyncssh.SSHAcceptor | None = None
        self._tools: ToolSocket | None = None
        self._flask: Flask | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._later: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._begin)
        await self._listen()
        return self

    def _begin(self) -> None:
        self._sockets = tempfile.mkdtemp(prefix="standin-")
        socket = Path(self._sockets) / "tools"
        self.machine.real_date = shutil.which("date") or "/usr/bin/date"
        # The first line of a script ends at a blank, and a project may lie in a folder that has one.
        interpreter = Path(self._sockets) / "python"
        interpreter.symlink_to(os.path.realpath(sys.executable))
        self._flask = Flask(self.machine, inside_port=0)
        grow(self.machine, socket, str(interpreter))
        if self.settings.authorized_key or self.pairing.has_helper():
            self._put_helper()
        self.machine.boot()
        self._tools = ToolSocket(self.machine, socket, root_uid=os.getuid())
        self._key = asyncssh.read_private_key(self.folder / HOST_KEY)

    def _put_helper(self) -> None:
        if self._flask is not None:
            put_helper(self.folder, self._flask.inside_port)

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
            self._loop.call_soon_threadsafe(self._leave, self.settings.away_s)

    def power_off(self) -> None:
        """From a tool's thread; it comes back with the demo."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._leave, None)

    def _leave(self, seconds: float | None) -> None:
        self._later = asyncio.create_task(self._be_away(seconds))

    async def _be_away(self, seconds: float | None) -> None:
        if self._answering:  # systemd comes to the network last: who asked for it has an answer.
            await asyncio.wait(self._answering, timeout=ANSWERED_S)
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
        try:
            self._server = await self._open(self.port)
        except OSError:
            self._server = await self._open(0)
        self.port = self._server.get_port()

    async def _open(self, port: int) -> asyncssh.SSHAcceptor:
        return await asyncssh.create_server(
            lambda: Door(self),
            self.settings.host,
            port,
            server_host_keys=[self._key] if self._key else [],
            process_factory=self._serve,
            sftp_factory=lambda channel: LightFiles(channel, self.folder, self.link),
            encoding=None,
            allow_scp=False,
        )

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

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """The helper, or what a box asks to pair; whatever else is asked does not exist here."""
        words = shlex.split(process.command or "")
        if words[:3] == ["sudo", "-n", HELPER] and await asyncio.to_thread(self.pairing.has_helper):
            call = asyncio.create_task(self._called(process, words[3:]))
            if "listen" not in words:
                self._answering.add(call)
                call.add_done_callback(self._answering.discard)
            await call
            return
        sent = await process.stdin.read() if words[:1] == ["sh"] else b""
        said = await asyncio.to_thread(self.pairing.answer, words, sent.decode())
        process.stdout.write(said.out.encode())
        process.stderr.write(said.err.encode())
        process.exit(said.code)

    async def _called(self, process: "asyncssh.SSHServerProcess[bytes]", arguments: list[str]) -> None:
        process.exit(await self._helped(process, arguments))

    async def _helped(self, process: "asyncssh.SSHServerProcess[bytes]", arguments: list[str]) -> int:
        helper = str(self.folder / HELPER.lstrip("/"))
        environment = {"PATH": tool_path(self.folder), "HOME": str(self.folder / "root"), "SUDO_UID": str(os.getuid())}
        environment |= {"SUDO_GID": str(os.getgid())}
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-IS", helper, *arguments, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment
        )
        assert child.stdin is not None  # noqa: S101  a pipe was asked for
        assert child.stdout is not None  # noqa: S101  a pipe was asked for
        sending = asyncio.create_task(self._sent(process.stdin, child.stdin))
        try:
            while told := await child.stdout.read(TOLD_AT_ONCE_BYTES):
                process.stdout.write(told)
            return await child.wait()
        finally:
            sending.cancel()
            with contextlib.suppress(ProcessLookupError):
                child.kill()

    async def _sent(self, near: "asyncssh.SSHReader[bytes]", far: asyncio.StreamWriter) -> None:
        """What the box sends to the helper, at the pace of the link."""
        with contextlib.suppress(OSError, asyncssh.Error):
            while sent := await near.read(SENT_AT_ONCE_BYTES):
                await self.link.carry(len(sent))
                far.write(sent)
                await far.drain()
        far.close()


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
