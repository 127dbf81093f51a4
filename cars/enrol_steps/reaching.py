"""From a car that may have SSH switched off, and the password of the factory, to a password that lets in."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import asyncssh

from appliance import ssh
from appliance.errors import ApplianceError, InvalidInput, NotReady
from appliance.ssh import FAR_ERRORS, Machine
from cars.console import DEFAULT_PASSWORD, Console
from cars.platforms import is_too_old, too_old
from cars.wrong_passwords import REMEDY as SHUT_OUT

DEFAULT_USER = "deepracer"
KNOCK_S = 6.0
OPENS_S = 20.0
"""A stock car may take some seconds to start its SSH server."""
DIALOGUE_S = 30.0
AGAIN_S = 0.5

EXPIRED = "password change required"
"""What OpenSSH answers to a command while the password has expired."""
ASKS_OLD, ASKS_NEW = re.compile(r"current\b.*password: *$", re.I), re.compile(r"new\b.*password: *$", re.I)


@contextlib.asynccontextmanager
async def console_of(address: str, port: int, password: str) -> AsyncIterator[Console]:
    """
    Its console, signed in to; refused for a car that is too old.

    Raises:
        NoConsole, InvalidInput, NotReady: as Console.sign_in.
        Conflict: it runs Ubuntu 16.04; nothing was changed.
    """
    async with Console(address, port) as console:
        await console.sign_in(password)
        if is_too_old(core_version=await console.core_version()):
            raise too_old()
        yield console


async def banner_of(address: str, port: int) -> str | None:
    """What an SSH server says before anybody signs in; None when there is none."""
    with contextlib.suppress(OSError, TimeoutError, asyncio.LimitOverrunError, ValueError):
        async with asyncio.timeout(KNOCK_S):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                line = (await reader.readline()).decode("ascii", "replace").strip()
            finally:
                writer.close()
        return line if line.startswith("SSH-") else None
    return None


async def wait_for_ssh(address: str, port: int, *, is_said_on: bool) -> None:
    """
    Until its SSH server answers.

    Args:
        is_said_on: The car's console says that SSH is on: then it is this box that gets no answer.

    Raises:
        NotReady: it does not.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(OPENS_S):
            while await banner_of(address, port) is None:  # noqa: ASYNC110  another machine's port is asked, not an event
                await asyncio.sleep(AGAIN_S)
            return
    if is_said_on:
        raise NotReady(f"The console of {address} says that SSH is on, but it does not answer this box.", SHUT_OUT)
    raise NotReady(
        f"SSH is off on {address}, and its console could not switch it on.",
        "At the car, with keyboard and screen: sudo systemctl enable --now ssh; sudo ufw allow ssh. Then try again.",
    )


def refuse_old(banner: str | None) -> None:
    """Raises Conflict for the SSH server of Ubuntu 16.04."""
    if is_too_old(banner=banner):
        raise too_old()


async def own_password(console: Console | None, username: str, password: str, sticker: str, new: str) -> str:
    """
    The password to sign in with, after the factory's was changed where the console can.

    Args:
        password: What was typed, "" for "the likeliest".
        sticker: The console's; also what the factory's becomes when no new one was typed.
    """
    if console is not None and username == DEFAULT_USER and await console.has_default_password():
        changed = _new_password(new, sticker)
        await console.change_password(DEFAULT_PASSWORD, changed)
        return changed
    # After an earlier pairing it is the sticker's. Only one is tried: five failures shut this box out for 10 minutes.
    return password or (DEFAULT_PASSWORD if console is None else new or sticker)


async def cure_expired(machine: Machine, pin: str, password: str, new: str, sticker: str) -> str | None:
    """
    Sign in; where the password has expired, change it in the dialogue that a person would have.

    Returns:
        The new password, or None when the old one is fine.

    Raises:
        InvalidInput: the password is wrong, or the new one too weak.
        Conflict: it runs Ubuntu 16.04; nothing was changed.
    """
    async with ssh.signed_in(machine, pin, password=password) as connection:
        if not await _is_expired(connection):
            await _refuse_old_system(connection)
            return None
        changed = _new_password(new, sticker)
        await _dialogue(connection, password, changed)
    return changed


def _new_password(new: str, sticker: str) -> str:
    chosen = new or sticker
    if not chosen or chosen == DEFAULT_PASSWORD:
        raise InvalidInput(
            "This car still has the password of the factory, which everybody knows.",
            "Type a new one for it, and write it down for the crew.",
            field="new_password",
        )
    return chosen


async def _refuse_old_system(connection: asyncssh.SSHClientConnection) -> None:
    told = str((await connection.run("cat /etc/os-release")).stdout or "")
    version = next((line for line in told.splitlines() if line.startswith("VERSION_ID=")), "")
    if is_too_old(os_version=version.partition("=")[2].strip('"')):
        raise too_old()


async def _is_expired(connection: asyncssh.SSHClientConnection) -> bool:
    try:
        async with asyncio.timeout(DIALOGUE_S):
            done = await connection.run("true")
    except (TimeoutError, *FAR_ERRORS) as error:
        raise NotReady("The car broke the connection off.", "Try again in a minute.") from error
    return done.exit_status != 0 and EXPIRED in f"{done.stdout!s}{done.stderr!s}".lower()


async def _dialogue(connection: asyncssh.SSHClientConnection, old: str, new: str) -> None:
    """`passwd`, as it asks on a terminal: the current one, then the new one twice."""
    told = ""
    try:
        async with asyncio.timeout(DIALOGUE_S), connection.create_process(term_type="vt100") as process:
            answers = {ASKS_OLD: [old], ASKS_NEW: [new, new]}
            while piece := await process.stdout.read(4096):
                told += str(piece)
                prompt = told.rpartition("\n")[2]
                for asked, left in answers.items():
                    if asked.search(prompt):
                        if not left:
                            raise _too_weak(told)
                        process.stdin.write(f"{left.pop(0)}\n")
                        told += "\n"
                        break
                if "successfully" in told:
                    return
    except (TimeoutError, *FAR_ERRORS) as error:
        raise _too_weak(told) from error
    raise _too_weak(told)


def _too_weak(told: str) -> ApplianceError:
    lines = [line.strip() for line in told.splitlines() if line.strip() and not line.rstrip().endswith(":")]
    return InvalidInput(
        f"The car does not take the new password: {(lines or ['no reason given'])[-1].rstrip('.')}.",
        "Choose a longer one with letters and digits, and no word of a dictionary.",
        field="new_password",
    )
