"""
A listening Unix socket: takes the place of a dead process's, never of a living one's.

Open to the group of its directory, when that directory is one for a group: so the server, as another user, reaches it.
"""

import asyncio
import contextlib
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from appliance.errors import NotReady
from appliance.unix_socket import BACKLOG, MAX_PATH_BYTES, Listening, clear_away
from timing.stream import MAX_CLIENT_LINE_BYTES

MODE = 0o660
"""Owner and group: who may open it may read every edge and press simulated strips."""


def listen(path: Path) -> Listening:
    """
    Listen at `path`, clearing away a socket that nobody answers on.

    Raises:
        Conflict: somebody listens there already.
        NotReady: the path is too long, taken by another kind of file, or not writable.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise NotReady(f"{path} is too long for a socket.", f"Choose a --socket of at most {MAX_PATH_BYTES} bytes.")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        clear_away(path, owner="A recorder", option="--socket")
        sock.setblocking(False)
        old = os.umask(0o777 & ~MODE)
        try:
            sock.bind(str(path))
        finally:
            os.umask(old)
        _give_to_group(path)
        inode = path.stat().st_ino
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise NotReady(
            f"Cannot listen at {path}: {error.strerror}.", "Choose another --socket, in a directory that is yours."
        ) from error
    except BaseException:
        sock.close()
        raise
    return Listening(sock, path, inode)


@contextlib.asynccontextmanager
async def serve_lines(
    listening: Listening, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncIterator[None]:
    """Accept clients while inside; conversations under way are `talk`'s own to end."""
    server = await asyncio.start_unix_server(talk, sock=listening.sock, limit=MAX_CLIENT_LINE_BYTES)
    try:
        yield
    finally:
        server.close()


def _give_to_group(path: Path) -> None:
    """A setgid directory does it by itself; one that all may write in, like /tmp, is nobody's."""
    directory = path.parent.stat()
    for_its_group = stat.S_IMODE(directory.st_mode) & (stat.S_IXGRP | stat.S_IWOTH) == stat.S_IXGRP
    if for_its_group and path.stat().st_gid != directory.st_gid:
        with contextlib.suppress(PermissionError):  # We are not in that group: it is ours alone.
            os.chown(path, -1, directory.st_gid)
