"""
Small files in a folder of one's own: written whole or not at all, read only when nobody else could have touched them.

Owns owner, mode, locks and fsync; what is in the files is tui/state_dir.py's.
"""

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

OTHERS = stat.S_IRWXG | stat.S_IRWXO
LOCK = "lock"
PATIENCE_S = 2.0
"""A change takes some ms; whoever holds the lock longer was stopped in the middle of one."""
MOST_BYTES = 1_000_000
"""Nothing of ours is as large."""


class Unsafe(Exception):
    """A file or folder that others may read or write, or that is theirs; says which."""


class StateFiles:
    """The files of one folder, which is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        """
        The whole file, None when there is none.

        Raises:
            Unsafe: somebody else owns it, may read it or may write it; or it is no plain file.
            OSError: it cannot be read.
        """
        try:
            file = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            if (self._folder / name).is_symlink():
                raise Unsafe(f"{self._folder / name} is a link.") from error
            raise
        with open(file, "rb") as opened:
            self._check(os.fstat(opened.fileno()), name)
            return opened.read(MOST_BYTES)

    def write(self, name: str, text: bytes) -> None:
        """
        The new file or, after a power cut, the old one.

        Raises:
            Unsafe: the folder is somebody else's.
            OSError: it cannot be written.
        """
        self._make_folder()
        file, partial = tempfile.mkstemp(prefix=f".{name}.", dir=self._folder)  # 0600
        try:
            with open(file, "wb") as opened:
                opened.write(text)
                opened.flush()
                os.fsync(opened.fileno())
            os.replace(partial, self._folder / name)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(partial)
            raise
        self._sync()

    def put_aside(self, name: str) -> None:
        """Keep it for whoever wants to look, under a name that is not read."""
        os.replace(self._folder / name, self._folder / f"{name}.damaged")

    def remove(self, name: str) -> None:
        """Take it away."""
        (self._folder / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Alone with the files, as far as other terminals of ours go."""
        self._make_folder()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.open(self._folder / LOCK, flags, 0o600)
        try:
            _lock(file)
            yield
        finally:
            os.close(file)

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self._folder.stat()
        if found.st_uid != os.geteuid():
            raise Unsafe(f"{self._folder} is somebody else's: nothing is remembered there.")
        if stat.S_IMODE(found.st_mode) & OTHERS:
            self._folder.chmod(0o700)

    def _check(self, found: os.stat_result, name: str) -> None:
        path = self._folder / name
        if not stat.S_ISREG(found.st_mode):
            raise Unsafe(f"{path} is no file.")
        if found.st_uid != os.geteuid():
            raise Unsafe(f"{path} is somebody else's.")
        if stat.S_IMODE(found.st_mode) & OTHERS:
            raise Unsafe(f"{path} was open to others.")

    def _sync(self) -> None:
        directory = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _lock(file: int) -> None:
    """Wait for it, but not for ever: losing an entry is better than a terminal that does not start."""
    gives_up_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > gives_up_s:
                return None
            time.sleep(0.01)
