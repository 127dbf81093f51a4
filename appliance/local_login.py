"""
The box's own Unix socket, where the group is the login: root, the user who runs the box, and, in a directory made for a
group, that group. Opened once by the supervisor, which holds it over restarts of the server as it holds the TCP socket.

A directory is made for a group when it is ours, its group may enter it and all others may not, like
/run/trackside-crew of an installed box. Anywhere else the socket is ours alone: many people's group is one that the
whole machine is in. Only the standard library: the supervisor is to stay small.
"""

import contextlib
import grp
import os
import socket
import stat
import time
from pathlib import Path

from appliance.errors import Conflict, NotReady
from appliance.unix_socket import BACKLOG, MAX_PATH_BYTES, Listening, clear_away

OURS_ALONE, FOR_THE_GROUP = 0o600, 0o660
PATIENCE_S = 1.0
"""The server of a killed supervisor is killed with it, a moment later."""
SETTING = "api_socket"
ANOTHER = f"{SETTING} in trackside.toml"


def listen(path: Path) -> Listening:
    """
    Listen at `path`; nobody can connect before its file has the right owner, group and mode.

    Raises:
        Conflict: another box listens there.
        NotReady: the path is too long, taken by another kind of file, or not writable.
    """
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise NotReady(f"{path} is too long for a socket.", f"Set a shorter {ANOTHER}: {MAX_PATH_BYTES} bytes at most.")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _clear_away(path)
        _bind(sock, path)
        inode = path.lstat().st_ino
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise NotReady(
            f"Cannot listen at {path}: {error.strerror}.", f"Set another {ANOTHER}, in a directory that is yours."
        ) from error
    except BaseException:
        sock.close()
        raise
    return Listening(sock, path, inode)


def group_of(path: Path) -> int | None:
    """The group that a socket's file is open to; None: to its owner only."""
    found = path.lstat()
    return found.st_gid if stat.S_IMODE(found.st_mode) & FOR_THE_GROUP == FOR_THE_GROUP else None


def who_may(gid: int | None) -> str:
    """In words, for people: whom the socket lets in without a password."""
    if gid is None:
        return "root and the user who runs the box"
    try:
        name = grp.getgrgid(gid).gr_name
    except KeyError:
        name = str(gid)
    return f"root, the user who runs the box and the group {name}"


def _bind(sock: socket.socket, path: Path) -> None:
    """Closed to all others from its first moment; opened to the group before anything listens."""
    old = os.umask(0o777 & ~OURS_ALONE)
    try:
        sock.bind(str(path))
    finally:
        os.umask(old)
    directory = path.parent.stat()
    if not _is_for_its_group(directory):
        return
    with contextlib.suppress(PermissionError):  # We are not in that group: it is ours alone.
        if path.lstat().st_gid != directory.st_gid:
            os.chown(path, -1, directory.st_gid, follow_symlinks=False)
        path.chmod(FOR_THE_GROUP)


def _is_for_its_group(directory: os.stat_result) -> bool:
    may_enter = stat.S_IMODE(directory.st_mode) & (stat.S_IXGRP | stat.S_IRWXO) == stat.S_IXGRP
    return may_enter and directory.st_uid == os.geteuid()


def _clear_away(path: Path) -> None:
    gives_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return clear_away(path, owner="Another Trackside", option=ANOTHER)
        except Conflict:
            if time.monotonic() > gives_up_s:
                raise
            time.sleep(0.05)
