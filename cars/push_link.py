"""
The helper on a car, asked verb after verb over one SSH session: what goes wrong is either `CarLost` or final.

Imports asyncssh, which takes 20 MB and a share of a core: for the push worker's process only.
"""

import asyncio
import contextlib
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import asyncssh
import msgspec
from asyncssh.packet import SSHPacketLogger
from msgspec import Struct

from appliance.errors import NotReady
from appliance.ssh import PinnedHost, connected, hang_up
from cars import push_words as words
from cars.car_ssh import machine_of
from cars.finder.knock import knock_console
from cars.push_wire import HELPER, ModelOnCar, Place

KEEPALIVE_S = 5.0
KEEPALIVES_MISSED = 4
"""20 s of silence: a car that drives behind a wall comes back sooner, and every answer counts as a sign of life."""
CALL_S = 45.0
"""The helper waits up to 30 s for its turn on the car."""
AWAKE_S = 3.0
"""A line that was kept, and has no answer within this, is not waited for: a new one is made."""
STALLED_S = 60.0
"""sshd still answers, but nothing is written any more: the car's disk hangs."""
CHUNK_BYTES = 65_536
"""Larger ones are mapped and unmapped by the C library each time, which takes longer than to fill them."""
WITH_AES = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")
WITHOUT_AES = ("chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com")
"""AES-GCM takes half the time of ChaCha20 where both CPUs have AES; a Pi 4 has not (stack notes, section 6)."""

MSG_IGNORE = 2

WORTH_ANOTHER_TRY = frozenset({"busy", "no_stage", "not_staged"})
"""What the helper says where somebody else is at the car too, or has cleaned up."""

T = TypeVar("T", bound=Struct)


class Told(Struct, frozen=True, kw_only=True):
    """The helper's answer, as far as all verbs share it; or, with `at`, how many bytes of a file it has so far."""

    ok: bool | None = None
    code: str = ""
    message: str = ""
    at: int | None = None


class Offered(Struct, frozen=True, kw_only=True):
    """Whether the model is on the car already; if not, the bytes of each file that were sent before, and the room."""

    is_there: bool
    staged: dict[str, int]
    free_bytes: int


class Received(Struct, frozen=True, kw_only=True):
    """What the car's disk gives back of a file that was sent."""

    sha256: str


class Inventory(Struct, frozen=True, kw_only=True):
    """What the car holds."""

    models: tuple[ModelOnCar, ...]
    free_bytes: int


class Installed(Struct, frozen=True, kw_only=True):
    """What was read back after an install."""

    folder: str
    pb_sha256: str
    metadata_sha256: str
    checksum: str
    files: dict[str, int]


class Gone(Struct, frozen=True, kw_only=True):
    """Nothing is told but that it was done."""


class HelperRefused(NotReady):
    """The helper said no; `code` is for the program."""

    def __init__(self, place: Place, told: Told) -> None:
        refusal = words.of_helper(place, told.code, told.message)
        super().__init__(refusal.message, refusal.remedy)
        self.code = told.code


class CarLink:
    """
    A line to the helper. One thing is asked at a time.

    `is_fit`: the last answer came and was yes, so that the next may be asked. After anything else it is closed.
    """

    def __init__(
        self,
        place: Place,
        connection: asyncssh.SSHClientConnection,
        process: "asyncssh.SSHClientProcess[bytes]",
    ) -> None:
        self.place = place
        self.is_fit = False
        self._connection = connection
        self._process = process
        self._has_begun = False

    async def begin(self) -> None:
        """Wait until the helper listens. Raises as `call`, and where it is another car."""
        with self._turn():
            await self._answer(Gone, CALL_S)
        self._has_begun = True

    async def is_awake(self) -> bool:
        """Whether the helper is still there; never raises."""
        try:
            with self._turn():
                self._ask()
                await self._answer(Gone, AWAKE_S)
        except NotReady:
            return False
        return True

    async def call(self, kind: type[T], verb: str, *arguments: str, within_s: float = CALL_S) -> T:
        """
        Ask the helper.

        Raises:
            HelperRefused: it said no.
            PushFailed: there is no helper, or it may not be called.
            CarLost: no answer.
        """
        with self._turn():
            self._ask(verb, *arguments)
            return await self._answer(kind, within_s)

    async def send(
        self, token: str, name: str, fd: int, at: int, size: int, *, on_sent: Callable[[int], None], within_s: float
    ) -> str:
        """
        The bytes of the open file `fd` from `at` to `size` into the stage; the first `at` are there.

        Args:
            on_sent: Told how many bytes of the file the car has written.
            within_s: For the car to look at the whole when it is there.

        Returns:
            The SHA-256 of what the car's disk gives back.

        Raises:
            EOFError: `fd` has fewer bytes.
            HelperRefused, CarLost: as `call`.
        """
        with self._turn():
            self._ask("receive", token, name, str(at), str(size))
            pouring = asyncio.create_task(self._pour(fd, at, size))
            try:
                return await self._received(size, on_sent, within_s)
            except words.CarLost:
                if pouring.done() and isinstance(pouring.exception(), EOFError):
                    raise EOFError from None  # The car hung up because the box did.
                raise
            finally:
                pouring.cancel()
                await asyncio.gather(pouring, return_exceptions=True)

    async def close(self) -> None:
        """Hang up; the helper ends with it."""
        self.is_fit = False
        await hang_up(self._connection)

    def drop(self) -> None:
        """The same without waiting."""
        self.is_fit = False
        self._connection.abort()

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        self.is_fit = False
        with in_words(self.place):
            yield
        self.is_fit = True

    def _ask(self, *asked: str) -> None:
        self._process.stdin.write(msgspec.json.encode(asked) + b"\n")

    async def _pour(self, fd: int, at: int, size: int) -> None:
        stdin = self._process.stdin
        while at < size:
            # A model lies in the page cache or on the box's own disk, and this process does nothing else.
            chunk = os.pread(fd, min(CHUNK_BYTES, size - at), at)
            if not chunk:
                stdin.write_eof()
                raise EOFError
            stdin.write(chunk)
            at += len(chunk)
            await stdin.drain()

    async def _received(self, size: int, on_sent: Callable[[int], None], within_s: float) -> str:
        is_all_there = False
        while True:
            line, told = await self._line(within_s if is_all_there else STALLED_S)
            if told.at is None:
                return self._yes(Received, line, told).sha256
            is_all_there = told.at == size
            on_sent(told.at)

    async def _answer(self, kind: type[T], within_s: float) -> T:
        return self._yes(kind, *await self._line(within_s))

    async def _line(self, within_s: float) -> tuple[bytes, Told]:
        async with asyncio.timeout(within_s):
            line = await self._process.stdout.readline()
            if not line.endswith(b"\n"):
                await self._process.wait_closed()
        try:
            return line, msgspec.json.decode(line, type=Told)
        except msgspec.DecodeError as error:
            raise self._silence() from error

    def _silence(self) -> NotReady:
        """Why no line came."""
        if self._has_begun or self._process.exit_status is None or self._process.exit_signal is not None:
            return words.lost(self.place, "it broke a command off")
        return words.no_helper(self.place)

    def _yes(self, kind: type[T], line: bytes, told: Told) -> T:
        if told.ok:
            try:
                return msgspec.json.decode(line, type=kind)
            except msgspec.DecodeError as error:
                raise words.no_helper(self.place) from error
        if told.code in WORTH_ANOTHER_TRY:
            raise words.lost(self.place, told.message.rstrip(".").lower())
        raise HelperRefused(self.place, told)


async def opened(place: Place, key: asyncssh.SSHKey) -> CarLink:
    """
    Sign in to a car that shows its pinned host key and has the serial it was paired with.

    Raises:
        PushFailed: another host key, or our key is not taken, or there is no helper.
        HelperRefused: it is another car.
        NoSsh: it is on, and nothing answers at its SSH port.
        CarLost: it cannot be reached.
    """
    machine = replace(
        machine_of(place.address, place.port, place.username),
        keepalive_s=KEEPALIVE_S,
        keepalives_missed=KEEPALIVES_MISSED,
        ciphers=WITH_AES if place.has_aes and has_aes() else WITHOUT_AES,
    )
    command = shlex.join((*HELPER, "for", place.serial, "listen"))
    try:
        with in_words(place):
            connection = await connected(machine, PinnedHost(place.host_key), key=key)
    except words.CarLost as error:
        if isinstance(error.__cause__, OSError) and await knock_console(place.address):
            raise words.no_ssh(place) from error
        raise
    _send_nothing_idle(connection)
    try:
        with in_words(place):
            async with asyncio.timeout(CALL_S):
                process = await connection.create_process(command, encoding=None, stderr=asyncssh.DEVNULL)
        link = CarLink(place, connection, process)
        await link.begin()
    except BaseException:
        await hang_up(connection)
        raise
    return link


def _send_nothing_idle(connection: asyncssh.SSHClientConnection) -> None:
    """
    Leave out the empty packet (MSG_IGNORE) that asyncssh sends before every other: a fifth of this process's work.

    It is there against an attack on CBC ciphers (RFC 4251, 9.3.1); the ones above authenticate each packet.
    """
    send = connection.send_packet

    def send_packet(kind: int, *parts: bytes, handler: SSHPacketLogger | None = None) -> None:
        if kind != MSG_IGNORE:
            send(kind, *parts, handler=handler)

    connection.send_packet = send_packet  # type: ignore[method-assign,assignment]


@contextlib.contextmanager
def in_words(place: Place) -> Iterator[None]:
    """What goes wrong on the way to a car or there, as a person can act on it."""
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise words.other_key(place) from error
    except asyncssh.PermissionDenied as error:
        raise words.denied(place) from error
    except TimeoutError as error:
        raise words.lost(place, "it does not answer") from error
    except OSError as error:
        raise words.lost(place, (error.strerror or "no connection").lower()) from error
    except asyncssh.ConnectionLost as error:
        raise words.lost(place, "it stopped answering") from error
    except asyncssh.Error as error:
        raise words.lost(place, f"the connection broke ({error.reason.rstrip('.') or 'no reason given'})") from error


def has_aes(cpu_info: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this box's CPU has AES instructions."""
    try:
        lines = cpu_info.read_text().splitlines()
    except OSError:
        return False
    # x86 calls them flags, ARM Features.
    return any("aes" in line.split() for line in lines if line.lower().startswith(("flags", "features")))
