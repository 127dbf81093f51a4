"""
What all listening Unix sockets of the box share: a dead process's file is cleared away, a living one's never.

Only the standard library: the supervisor is to stay small.
"""

import contextlib
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import Conflict, NotReady

BACKLOG = 64
MAX_PATH_BYTES = 107
"""sun_path in unix(7)."""
PROBE_S = 1.0


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that listens, and which file stands for it."""

    sock: socket.socket
    path: Path
    inode: int

    def remove_file(self) -> None:
        """Take the file away, unless another process has put its own there."""
        with contextlib.suppress(OSError):
            if self.path.lstat().st_ino == self.inode:
                self.path.unlink()


def clear_away(path: Path, *, owner: str, option: str) -> None:
    """
    Make room for a socket at `path`.

    Args:
        owner: Who would listen there, for the message: "A recorder".
        option: What names another place: "--socket".

    Raises:
        Conflict: somebody listens there.
        NotReady: it is another kind of file, also a link to a socket.
        OSError: the directory cannot be used.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise NotReady(f"{path} is not a socket.", f"Move that file away, or choose another {option}.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except TimeoutError:
            pass  # It listens, and has no time for us.
    raise Conflict(f"{owner} already listens at {path}.", "Use that one, or stop it first.")
