"""
Pairing: the box's key is left on a recorder's machine, with the password of a user there and rights to one socket.

The password is used for this and kept nowhere. Imports asyncssh: late, as timing/remote_ssh.py.
"""

import asyncio
import shlex

import asyncssh

from appliance.errors import NotReady
from appliance.host_keys import Refused
from appliance.ssh import FAR_ERRORS, public_line
from timing.remote_schema import RemoteRow
from timing.remote_ssh import open_socket, signed_in
from timing.remote_structs import SocketSeen

COMMAND_S = 15.0
"""The script that installs the key writes to the card, which may be slow."""

THIS_SOCKET = 'restrict,port-forwarding,permitopen="[{socket}]:*",permitlisten="127.0.0.1:1",command="/bin/false"'
"""OpenSSH compares permitopen with paths too when they stand in brackets (channels.c: open_match); not documented."""
ANY_FORWARDING = 'restrict,port-forwarding,permitlisten="127.0.0.1:1",command="/bin/false"'
"""For an sshd that does not: still no shell, no command and no file."""

INSTALL = """
umask 077; cd || exit 1; mkdir -p .ssh || exit 1
read -r blob; read -r line; read -r socket; f=$(readlink -f .ssh/authorized_keys) || exit 1
touch "$f" || exit 1
grep -vF "$blob" "$f" > "$f.trackside"; [ $? -le 1 ] || exit 1
printf '%s\\n' "$line" >> "$f.trackside" || exit 1
{ sync "$f.trackside" 2>/dev/null || sync; } && mv "$f.trackside" "$f" && { sync .ssh 2>/dev/null || sync; } || exit 1
if [ -S "$socket" ] && [ -w "$socket" ]; then echo ready; elif [ -e "$socket" ]; then echo closed; else echo absent; fi
"""
"""Our earlier lines go, the new one is appended, everything else in the file stays; whole or not at all."""


def authorized_line(key: asyncssh.SSHKey, remote_socket: str, options: str = THIS_SOCKET) -> str:
    """What lets the box in on the other side: to this one socket, and to nothing else."""
    return f"{options.format(socket=remote_socket)} {public_line(key)}"


async def pair(row: RemoteRow, pin: str, key: asyncssh.SSHKey, password: str) -> SocketSeen:
    """
    Install the key, and sign in with it; answers what the user finds at the recorder's socket.

    Raises:
        OtherHostKey: the machine showed another host key than `pin`; the password was not sent.
        InvalidInput: it does not take the password.
        NotReady: it cannot be reached, or does not take the key, or does not forward the socket; says what to do.
    """
    refused: Refused | None = None
    for options in (THIS_SOCKET, ANY_FORWARDING):
        async with signed_in(row, pin, password=password) as connection:
            found = await _install(connection, key, authorized_line(key, row.remote_socket, options), row.remote_socket)
        try:
            if await _opens(row, pin, key) or found is not SocketSeen.READY:
                return found
        except Refused as error:
            refused = error
    if refused is not None:
        raise NotReady(
            f"The key was installed, but {row.host} does not take it.",
            "Its sshd may read keys from elsewhere: look at AuthorizedKeysFile and PubkeyAuthentication there.",
        ) from refused
    raise NotReady(
        f"The key was installed, but the sshd of {row.host} forwards no sockets.",
        "Set AllowStreamLocalForwarding yes and DisableForwarding no in its sshd_config, restart ssh, then pair again.",
    )


async def _opens(row: RemoteRow, pin: str, key: asyncssh.SSHKey) -> bool:
    async with signed_in(row, pin, key=key) as connection:
        try:
            _, writer = await open_socket(connection, row)
        except NotReady:
            return False
        writer.close()
        return True


async def _install(
    connection: asyncssh.SSHClientConnection, key: asyncssh.SSHKey, line: str, remote_socket: str
) -> SocketSeen:
    """
    Put the line into the user's authorized_keys.

    Raises:
        NotReady: no home, no space, or a shell that is none.
    """
    told = "\n".join((public_line(key).split()[1], line, remote_socket, ""))
    try:
        async with asyncio.timeout(COMMAND_S):
            done = await connection.run(f"sh -c {shlex.quote(INSTALL)}", input=told)
    except (TimeoutError, *FAR_ERRORS) as error:
        raise _not_installed(str(error)) from error
    answer = str(done.stdout or "").split()
    if done.exit_status != 0 or not answer or answer[-1] not in list(SocketSeen):
        raise _not_installed(str(done.stderr or "").strip().rpartition("\n")[2][:200])
    return SocketSeen(answer[-1])


def _not_installed(why: str) -> NotReady:
    return NotReady(f"The key could not be installed: {why or 'no answer'}.", "Paste the key by hand instead.")
