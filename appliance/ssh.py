"""
SSH to another machine: the box's key, signing in, running a command; every failure in words.

It imports asyncssh, which takes 0.3 s and 20 MB: import it late, in a thread, and only when there is a machine to
reach. Nothing here reads the user's own SSH configuration, agent or keys. What a machine is for is its caller's: a
recorder (timing/remote_ssh.py) or a car (cars/car_ssh.py).
"""

import asyncio
import contextlib
import errno
import logging
import os
import re
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from appliance.errors import ApplianceError, InvalidInput, NotReady
from appliance.host_keys import OtherHostKey, Refused, fingerprint
from appliance.safe_copy import sync_directory

KEY_FILE = "ssh.key"
KEY_COMMENT = "trackside"
CONNECT_S = 6.0
"""TCP, handshake and sign-in: a busy Pi Zero 2 W needs 2 s; a first packet lost is sent again after 1 and 3 s."""
CLOSE_S = 4.0
KEEPALIVE_S = 1.0
KEEPALIVES_MISSED = 2
"""A pulled cable makes no error: after 3 s without any answer the connection is given up."""
HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "rsa-sha2-512", "rsa-sha2-256")
"""Plain keys only, in a fixed order, so that one machine always shows the same one."""

FAR_ERRORS = (OSError, asyncssh.Error)
"""What reading from or writing to the far side may raise."""

logging.getLogger("asyncssh").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What to do when a machine of this kind is not there, or says no; whole sentences."""

    absent: str
    no_ssh: str
    other_key: str
    key_refused: str
    sign_in_refused: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where to sign in, as whom."""

    host: str
    port: int
    username: str
    remedies: Remedies
    connect_s: float = CONNECT_S
    keepalive_s: float = KEEPALIVE_S
    keepalives_missed: int = KEEPALIVES_MISSED
    ciphers: Sequence[str] = ()
    """The first that both know is taken; none: what asyncssh prefers."""


def load_key(data_dir: Path) -> asyncssh.SSHKey:
    """
    The box's own key, made durable first where there is none yet. Blocks: for a thread.

    Raises:
        NotReady: the file cannot be read or written, or is no key.
    """
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        return asyncssh.import_private_key(path.read_bytes())
    except OSError as error:
        raise NotReady(
            f"Cannot read {path}: {error.strerror}.", "Check that it belongs to you and that the disk is not full."
        ) from error
    except asyncssh.KeyImportError as error:
        raise NotReady(
            f"{path} is not an SSH key.", "Delete it, restart the box, then pair every recorder and every car again."
        ) from error


async def host_key_of(machine: Machine) -> str:
    """The host key that the machine shows, without signing in."""
    with _in_words(machine):
        async with asyncio.timeout(machine.connect_s):
            key = await asyncssh.get_server_host_key(
                machine.host, machine.port, server_host_key_algs=HOST_KEYS, config=None
            )
    if key is None:
        raise Refused(f"{machine.host} shows no host key.", "Check that an SSH server answers at this port.")
    return public_key(key)


@contextlib.asynccontextmanager
async def signed_in(
    machine: Machine, pin: str, *, key: asyncssh.SSHKey | None = None, password: str | None = None
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """
    A connection to a machine that has shown the host key `pin`, with the box's key or with a password.

    Raises:
        OtherHostKey: it showed another one; nothing was sent.
        Refused: it does not take the key.
        InvalidInput: it does not take the password.
        NotReady: it cannot be reached.
    """
    host = PinnedHost(pin)
    with _in_words(machine, host, by_password=password is not None):
        connection = await connected(machine, host, key=key, password=password)
    try:
        yield connection
    finally:
        await hang_up(connection)


async def connected(
    machine: Machine, host: "PinnedHost", *, key: asyncssh.SSHKey | None = None, password: str | None = None
) -> asyncssh.SSHClientConnection:
    """As `signed_in`, for who closes it and puts errors into words by himself. Raises TimeoutError and `FAR_ERRORS`."""
    ciphers = {"encryption_algs": list(machine.ciphers)} if machine.ciphers else {}
    async with asyncio.timeout(machine.connect_s):
        return await asyncssh.connect(
            machine.host,
            machine.port,
            username=machine.username,
            password=password,
            client_keys=None if key is None else [key],
            preferred_auth="publickey" if key is not None else "password,keyboard-interactive",
            client_factory=lambda: host,
            known_hosts=([], [], []),
            server_host_key_algs=HOST_KEYS,
            agent_path=None,
            config=None,
            compression_algs=None,
            keepalive_interval=machine.keepalive_s,
            keepalive_count_max=machine.keepalives_missed,
            login_timeout=machine.connect_s,
            **ciphers,
        )


async def hang_up(connection: asyncssh.SSHClientConnection) -> None:
    """Close it, whether the other end still answers or not."""
    connection.abort()
    with contextlib.suppress(TimeoutError, *FAR_ERRORS):
        async with asyncio.timeout(CLOSE_S):
            await connection.wait_closed()


class PinnedHost(asyncssh.SSHClient):
    """Accepts one host key, and remembers what was shown."""

    def __init__(self, pin: str) -> None:
        self._pin = pin
        self.seen: str | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Asked by asyncssh for every key, as it knows no host."""
        self.seen = public_key(key)
        return self.seen == self._pin

    @property
    def pin(self) -> str:
        """The key that was expected."""
        return self._pin


@contextlib.contextmanager
def _in_words(machine: Machine, host: PinnedHost | None = None, *, by_password: bool = False) -> Iterator[None]:
    """What goes wrong on the way to a machine, as a person can act on it."""
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise _other_key(machine, host) from error
    except asyncssh.PermissionDenied as error:
        raise _denied(machine, by_password=by_password) from error
    except TimeoutError as error:
        raise NotReady(
            f"{machine.host} does not answer.",
            machine.remedies.absent,
        ) from error
    except socket.gaierror as error:
        raise NotReady(
            f"No machine is called {machine.host} in this network.",
            "Check the name, or use the address that `hostname -I` prints on it.",
        ) from error
    except OSError as error:
        raise _unreached(machine, error) from error
    except asyncssh.Error as error:
        raise _cut_off(machine, error.reason) from error


def _unreached(machine: Machine, error: OSError) -> NotReady:
    # A name with several addresses is tried at each; asyncio then tells all their errors in one text.
    told = re.findall(r"\[Errno (\d+)\]", str(error))
    number = error.errno or (int(told[-1]) if told else 0)
    if number == errno.ECONNREFUSED:
        return NotReady(
            f"{machine.host} is on, but nothing answers at its port {machine.port}.",
            machine.remedies.no_ssh,
        )
    if number in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return _cut_off(machine, os.strerror(number))
    return NotReady(
        f"{machine.host} cannot be reached: {os.strerror(number) if number else error}.",
        machine.remedies.absent,
    )


def _cut_off(machine: Machine, why: str) -> NotReady:
    return NotReady(
        f"{machine.host} cut the connection off: {why.rstrip('.') or 'no reason given'}.",
        f"Check that an SSH server answers at its port {machine.port}, and that it is not overloaded.",
    )


def _other_key(machine: Machine, host: PinnedHost | None) -> ApplianceError:
    seen = None if host is None else host.seen
    if host is None or seen is None:
        return Refused(f"{machine.host} shows a host key of a kind that is not taken.", "Give it an ed25519 host key.")
    return OtherHostKey(
        f"{machine.host} shows another host key than before: {fingerprint(seen)} instead of {fingerprint(host.pin)}.",
        machine.remedies.other_key,
        seen=seen,
    )


def _denied(machine: Machine, *, by_password: bool) -> ApplianceError:
    if by_password:
        return InvalidInput(
            f"{machine.host} does not take this password for {machine.username}.",
            machine.remedies.sign_in_refused,
            field="password",
        )
    return Refused(
        f"{machine.host} does not let this box in as {machine.username}.",
        machine.remedies.key_refused,
    )


def public_key(key: asyncssh.SSHKey) -> str:
    """A public key as it is stored, without its comment."""
    return " ".join(key.export_public_key().decode().split()[:2])


def public_line(key: asyncssh.SSHKey) -> str:
    """A public key as it stands in authorized_keys, without options."""
    return f"{public_key(key)} {KEY_COMMENT}"


def _make_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret = asyncssh.generate_private_key("ssh-ed25519", KEY_COMMENT).export_private_key()
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    partial.unlink(missing_ok=True)
    fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(fd, secret)
        os.fsync(fd)
    finally:
        os.close(fd)
    with contextlib.suppress(FileExistsError):  # Another process was first: its key is the one.
        os.link(partial, path)
    partial.unlink()
    sync_directory(path.parent)
