"""The root helper on a car, and the one line that lets its user call it: installed with the user's password, once."""

import asyncio
import hashlib
import re
import shlex

import asyncssh

from appliance.errors import InvalidInput, NotReady
from appliance.ssh import FAR_ERRORS
from cars.on_car_api import HELPER_FILE

COMMAND_S = 60.0
SENT = ".trackside-car.part"
"""In the user's home; root copies it, and checks its own copy."""
USERNAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
SCRIPT = """
set -eu
umask 022
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
/usr/bin/python3 -IS -c 'import sys; sys.exit(sys.version_info < (3, 8))' || { echo no python >&2; exit 3; }
helper=/usr/local/sbin/trackside-car
part=/usr/local/sbin/.trackside-car.part
rule=/etc/sudoers.d/.trackside-car.part
mkdir -p /usr/local/sbin
rm -f "$part" "$rule"
install -o root -g root -m 0755 -- "$1" "$part"
echo "$2  $part" | sha256sum --check --status || { echo other bytes than were sent >&2; exit 4; }
printf '%s ALL=(root) NOPASSWD: %s\\n' "$3" "$helper" > "$rule"
chmod 0440 "$rule"
visudo -cqf "$rule" || { echo visudo refuses the rule >&2; exit 5; }
sync
mv -f "$part" "$helper"
mv -f "$rule" /etc/sudoers.d/trackside-car
sync
echo installed
"""
"""A name with a dot is no rule to sudo (sudoers(5)): a kill before the last two lines changes nothing."""


async def install_helper(connection: asyncssh.SSHClientConnection, username: str, password: str) -> None:
    """
    Send the helper, and let root install it.

    Raises:
        InvalidInput: this user may not become root there, or the password is not sudo's.
        NotReady: it could not be installed; says why.
    """
    if not USERNAME.fullmatch(username):
        raise InvalidInput("That is no name of a user on a car.", "Usually it is deepracer.", field="username")
    program = await asyncio.to_thread(HELPER_FILE.read_bytes)
    try:
        async with asyncio.timeout(COMMAND_S):
            place = await _send(connection, program)
            needs_password = (await connection.run("sudo -n true")).exit_status != 0
            script = ["sh", "-c", SCRIPT, "sh", place, hashlib.sha256(program).hexdigest(), username]
            sudo = ["sudo", "-S", "-p", "", "--"] if needs_password else ["sudo", "-n", "--"]
            done = await connection.run(shlex.join([*sudo, *script]), input=f"{password}\n" if needs_password else "")
            await connection.run(shlex.join(["rm", "-f", place]))
    except (TimeoutError, *FAR_ERRORS) as error:
        raise _not_installed(str(error)) from error
    if done.exit_status == 0 and str(done.stdout or "").strip().endswith("installed"):
        return
    why = str(done.stderr or "").strip()
    if "sudo" in why.lower() or "password" in why.lower():
        raise InvalidInput(
            f"{username} may not do anything as root on this car.",
            f"At the car: sudo adduser {username} sudo. Or pair it with a user who may.",
            field="username",
        )
    raise _not_installed(why.rpartition("\n")[2][:200])


async def _send(connection: asyncssh.SSHClientConnection, program: bytes) -> str:
    async with connection.start_sftp_client() as sftp:
        place = f"{str(await sftp.realpath('.')).rstrip('/')}/{SENT}"
        async with sftp.open(place, "wb") as file:
            await file.write(program)
    return place


def _not_installed(why: str) -> NotReady:
    return NotReady(
        f"The helper could not be installed: {why.rstrip('.') or 'no answer'}.",
        "Look whether the car's disk is full and its system is Ubuntu 20.04 or newer, then try again.",
    )
