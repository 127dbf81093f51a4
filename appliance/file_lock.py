"""
One owner per database file, across processes: an advisory lock on `<file>.lock` that dies with its process.

The lock file is never deleted: deleting it would let a third process lock a new file of the same name.
"""

import fcntl
import os
from pathlib import Path

from appliance.errors import Conflict, NotReady


class FileInUse(Conflict):
    """Another process owns the file; `pid` is its process, 0 when it left no number."""

    def __init__(self, path: Path, pid: int) -> None:
        owner = f"process {pid}" if pid else "another process"
        super().__init__(
            f"{path} is in use by {owner}, most likely a running Trackside.",
            "Stop that Trackside first, or choose another data directory with --data.",
        )
        self.path = path
        self.pid = pid


class FileLock:
    """Held from construction to `release`."""

    def __init__(self, path: Path) -> None:
        """
        Take the lock of `path` at once or not at all.

        Raises:
            FileInUse: another process, or another lock of this one, has it.
            NotReady: the directory cannot be written.
        """
        self._fd = _open(path)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = _owner(self._fd)
            os.close(self._fd)
            raise FileInUse(path, pid) from error
        self._write_owner()

    def _write_owner(self) -> None:
        try:
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError:
            return  # A full disk: the number is a courtesy, the lock itself holds.

    def release(self) -> None:
        """Let the next owner in; calling it twice is fine."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _open(path: Path) -> int:
    lock_path = path.with_name(path.name + ".lock")
    try:
        lock_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise NotReady(
            f"Cannot write in {lock_path.parent}: {error.strerror}.",
            "Check that the directory belongs to you and that its disk is not full, or choose another with --data.",
        ) from error


def _owner(fd: int) -> int:
    text = os.pread(fd, 32, 0).strip()
    return int(text) if text.isdigit() else 0
