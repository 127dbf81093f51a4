"""The box's key on a car: it alone, from this network alone, without terminal or forwarding; and off again."""

import asyncio
import shlex

import asyncssh

from appliance import ssh
from appliance.errors import NotReady
from appliance.host_keys import Refused
from appliance.ssh import FAR_ERRORS, Machine, public_line

COMMAND_S = 30.0
OPTIONS = 'restrict,from="{subnet}"'

KEYS = """
umask 077; cd || exit 1; mkdir -p .ssh || exit 1
read -r blob; read -r line
f=$(readlink -f .ssh/authorized_keys) || exit 1
touch "$f" || exit 1
grep -vF "$blob" "$f" > "$f.trackside"; [ $? -le 1 ] || exit 1
if [ -n "$line" ]; then printf '%s\\n' "$line" >> "$f.trackside" || exit 1; fi
if [ ! -s "$f.trackside" ]; then rm -f "$f" "$f.trackside"; rmdir .ssh 2>/dev/null; echo changed; exit; fi
{ sync "$f.trackside" 2>/dev/null || sync; } && mv "$f.trackside" "$f" && { sync .ssh 2>/dev/null || sync; } || exit 1
echo changed
"""
"""
Our earlier lines go, the new one is appended, everything else in the file stays; whole or not at all. A file without a
line in it goes too: none was there before ours.
"""


async def leave_key(
    connection: asyncssh.SSHClientConnection, machine: Machine, pin: str, key: asyncssh.SSHKey, subnet: str
) -> None:
    """
    Put the key there, and prove in a second connection that it lets in.

    Raises:
        NotReady: it could not be put there, or is not taken.
    """
    await _change(connection, key, f"{OPTIONS.format(subnet=subnet)} {public_line(key)}")
    try:
        async with ssh.signed_in(machine, pin, key=key):
            return
    except Refused as error:
        raise NotReady(
            f"The key was left there, but {machine.host} does not take it.",
            f"Its home folder may be open to others: chmod 755 ~ there. Or this box is not in {subnet} as the car sees"
            " it.",
        ) from error


async def remove_key(connection: asyncssh.SSHClientConnection, key: asyncssh.SSHKey) -> None:
    """Take it away again; raises NotReady."""
    await _change(connection, key, "")


async def _change(connection: asyncssh.SSHClientConnection, key: asyncssh.SSHKey, line: str) -> None:
    blob = public_line(key).split()[1]
    try:
        async with asyncio.timeout(COMMAND_S):
            done = await connection.run(f"sh -c {shlex.quote(KEYS)}", input=f"{blob}\n{line}\n")
    except (TimeoutError, *FAR_ERRORS) as error:
        raise _not_changed(str(error)) from error
    if done.exit_status != 0 or str(done.stdout or "").strip() != "changed":
        raise _not_changed(str(done.stderr or "").strip().rpartition("\n")[2][:200])


def _not_changed(why: str) -> NotReady:
    return NotReady(
        f"The car's list of keys could not be changed: {why.rstrip('.') or 'no answer'}.",
        "Look whether its disk is full, then try again.",
    )
