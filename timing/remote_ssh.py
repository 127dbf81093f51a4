"""
SSH to a recorder's machine: what to do where it fails, and opening the recorder's socket there.

It and timing/remote_pairing.py import appliance/ssh.py, and asyncssh with it: import them late, in a thread.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncssh

from appliance import ssh
from appliance.errors import NotReady
from appliance.ssh import FAR_ERRORS, Machine, Remedies
from timing.remote_schema import RemoteRow

CONNECT_S = 6.0
"""A busy Pi Zero 2 W needs 2 s; a first packet lost is sent again after 1 and 3 s."""
OPEN_S = 4.0

REMEDIES = Remedies(
    absent="Check its power, its cable, and that it is in this box's network.",
    no_ssh="Switch SSH on there: sudo systemctl enable --now ssh.",
    other_key="Somebody else may be answering at this address. If its card was flashed anew, pair it again under"
    " Recorders.",
    key_refused="Pair it under Recorders, or paste the box's key there.",
    sign_in_refused="Type it again. If it never does, paste the key instead: passwords may be switched off there.",
)


def machine_of(row: RemoteRow) -> Machine:
    """Where the recorder is."""
    return Machine(host=row.host, port=row.port, username=row.username, remedies=REMEDIES, connect_s=CONNECT_S)


async def host_key_of(row: RemoteRow) -> str:
    """The host key that the machine shows, without signing in."""
    return await ssh.host_key_of(machine_of(row))


@contextlib.asynccontextmanager
async def signed_in(
    row: RemoteRow, pin: str, *, key: asyncssh.SSHKey | None = None, password: str | None = None
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection to the recorder's machine; raises as `ssh.signed_in`."""
    async with ssh.signed_in(machine_of(row), pin, key=key, password=password) as connection:
        yield connection


async def open_socket(
    connection: asyncssh.SSHClientConnection, row: RemoteRow
) -> tuple["asyncssh.SSHReader[bytes]", "asyncssh.SSHWriter[bytes]"]:
    """
    A connection to the recorder.

    Raises:
        NotReady: nothing answers there. OpenSSH says the same of an absent socket, a closed one and a forbidden one.
    """
    try:
        async with asyncio.timeout(OPEN_S):
            return await connection.open_unix_connection(row.remote_socket)
    except asyncssh.ChannelOpenError as error:
        raise NotReady(
            f"{row.host} is reached, but no recorder answers at {row.remote_socket} there.",
            f"Start the recorder there, and check that {row.username} is in the group trackside"
            f" (sudo adduser {row.username} trackside). If the socket was changed here, pair again.",
        ) from error
    except (TimeoutError, *FAR_ERRORS) as error:
        raise NotReady(f"The connection to {row.host} broke.", "It is made again by itself.") from error
