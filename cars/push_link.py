"""
SSH to a car for the push worker: sign in, call the helper, open SFTP; what goes wrong is either `CarLost` or final.

Imports asyncssh, which takes 20 MB and a share of a core: for the worker's process only.
"""

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TypeVar

import asyncssh
import msgspec
from msgspec import Struct

from appliance.errors import NotReady
from appliance.ssh import HOST_KEYS
from cars import push_words as words
from cars.push_wire import HELPER, ModelOnCar, Place

CONNECT_S = 15.0
"""TCP, handshake and sign-in: an Atom at full load on bad Wi-Fi; two lost packets alone cost 3 s."""
KEEPALIVE_S = 5.0
KEEPALIVES_MISSED = 4
"""20 s of silence: a car that drives behind a wall comes back sooner, and every answer counts as a sign of life."""
CALL_S = 45.0
"""The helper waits up to 30 s for its turn on the car."""
CLOSE_S = 3.0
WITH_AES = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")
WITHOUT_AES = ("chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com")
"""AES-GCM takes half the time of ChaCha20 where the CPU has AES; a Pi 4 has not (measured: stack notes, section 6)."""

WORTH_ANOTHER_TRY = frozenset({"busy", "no_stage", "not_staged"})
"""What the helper says where somebody else is at the car too, or has cleaned up."""

T = TypeVar("T", bound=Struct)


class Told(Struct, frozen=True, kw_only=True):
    """The helper's answer, as far as all verbs share it."""

    ok: bool
    code: str = ""
    message: str = ""


class StagedFile(Struct, frozen=True, kw_only=True):
    """A file in the stage; `sha256` where it was asked for."""

    size_bytes: int
    sha256: str | None = None


class Stage(Struct, frozen=True, kw_only=True):
    """The folder on the car that the box may fill."""

    path: str
    files: dict[str, StagedFile]
    free_bytes: int


class FoundModel(ModelOnCar, frozen=True, kw_only=True):
    """The same with the digests of the real files, where they were asked for."""

    pb_md5: str | None = None
    pb_sha256: str | None = None
    metadata_sha256: str | None = None


class Inventory(Struct, frozen=True, kw_only=True):
    """What the car holds."""

    models: tuple[FoundModel, ...]
    free_bytes: int


class Installed(Struct, frozen=True, kw_only=True):
    """What was read back after an install."""

    folder: str
    pb_md5: str
    pb_sha256: str
    metadata_sha256: str
    checksum: str
    files: dict[str, int]


class Gone(Struct, frozen=True, kw_only=True):
    """Nothing is told but that it was done."""


class HelperRefused(NotReady):
    """The helper said no; `code` is for the program."""

    def __init__(self, place: Place, told: Told) -> None:
        refusal = words.full(place) if told.code == "disk_full" else words.refused(place, told.message)
        super().__init__(refusal.message, refusal.remedy)
        self.code = told.code

    @classmethod
    def of_digest(cls, place: Place) -> "HelperRefused":
        """As the helper itself would say it of what arrived."""
        return cls(place, Told(ok=False, code="digest", message="Other bytes arrived than were sent."))


class CarLink:
    """A signed-in connection."""

    def __init__(self, place: Place, connection: asyncssh.SSHClientConnection) -> None:
        self.place = place
        self._connection = connection

    async def call(self, kind: type[T], verb: str, *arguments: str, within_s: float = CALL_S) -> T:
        """
        Ask the helper.

        Raises:
            HelperRefused: it said no.
            PushFailed: there is no helper, or it may not be called.
            CarLost: no answer.
        """
        command = " ".join(map(shlex.quote, (*HELPER, verb, *arguments)))
        with in_words(self.place):
            async with asyncio.timeout(within_s):
                done = await self._connection.run(command, stdin=asyncssh.DEVNULL, encoding=None)
        if done.exit_status is None or done.exit_signal is not None:
            raise words.lost(self.place, "it broke a command off")
        try:
            line = done.stdout or b""
            told = msgspec.json.decode(line, type=Told)
            if told.ok:
                return msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError as error:
            raise words.no_helper(self.place) from error
        if told.code in WORTH_ANOTHER_TRY:
            raise words.lost(self.place, told.message.rstrip(".").lower())
        raise HelperRefused(self.place, told)

    @contextlib.asynccontextmanager
    async def files(self) -> AsyncIterator[asyncssh.SFTPClient]:
        """SFTP; the errors of what is done with it are the caller's to put `in_words`."""
        with in_words(self.place):
            async with asyncio.timeout(CONNECT_S):
                sftp = await self._connection.start_sftp_client()
        try:
            yield sftp
        finally:
            sftp.exit()


@contextlib.asynccontextmanager
async def linked(place: Place, key: asyncssh.SSHKey) -> AsyncIterator[CarLink]:
    """
    Sign in to a car that shows its pinned host key.

    Raises:
        PushFailed: another host key, or our key is not taken.
        CarLost: it cannot be reached.
    """
    host = _PinnedHost(place.host_key)
    with in_words(place):
        async with asyncio.timeout(CONNECT_S):
            connection = await asyncssh.connect(
                place.address,
                place.port,
                username=place.username,
                client_keys=[key],
                preferred_auth="publickey",
                client_factory=lambda: host,
                known_hosts=([], [], []),
                server_host_key_algs=HOST_KEYS,
                encryption_algs=WITH_AES if has_aes() else WITHOUT_AES,
                agent_path=None,
                config=None,
                compression_algs=None,
                keepalive_interval=KEEPALIVE_S,
                keepalive_count_max=KEEPALIVES_MISSED,
                login_timeout=CONNECT_S,
            )
    try:
        yield CarLink(place, connection)
    finally:
        connection.abort()
        with contextlib.suppress(TimeoutError, OSError, asyncssh.Error):
            async with asyncio.timeout(CLOSE_S):
                await connection.wait_closed()


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
    except (asyncssh.SFTPFailure, asyncssh.SFTPPermissionDenied, asyncssh.SFTPNoSuchFile) as error:
        raise words.lost(place, "it does not write what is sent") from error
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


class _PinnedHost(asyncssh.SSHClient):
    """Accepts one host key; asyncssh asks for every one, as it knows no host."""

    def __init__(self, pin: str) -> None:
        self._pin = pin.split()[:2]

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return key.export_public_key().decode().split()[:2] == self._pin
