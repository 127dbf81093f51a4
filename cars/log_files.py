"""
Fetched logs on the box's disk. Every function here blocks and is for a thread.

    DIR/logs/<log_id>.tar        whole, as the car packed it; never unpacked here
    DIR/logs/part/<log_id>       the first bytes of one that is still coming
"""

import errno
import os
import shutil
from collections.abc import Container
from pathlib import Path

from appliance.errors import NotReady
from appliance.safe_copy import sync_directory
from cars.blobs import RESERVE_BYTES, RESERVE_SHARE

DIRECTORY = "logs"
"""Below the data directory."""
ENDING = ".tar"


class LogFiles:
    """The directory of one box."""

    def __init__(self, data_dir: Path) -> None:
        self.directory = data_dir / DIRECTORY
        self._parts = self.directory / "part"

    def prepare(self, stored: Container[str], coming: Container[str]) -> None:
        """
        Make the directories, closed to others; files that no row knows go.

        Raises:
            NotReady: they cannot be made.
        """
        try:
            for directory in (self.directory, self._parts):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self.directory.glob(f"*{ENDING}"):
                if path.stem not in stored:
                    path.unlink()
            for path in self._parts.iterdir():
                if path.name not in coming:
                    path.unlink()
        except OSError as error:
            raise trouble_of(error, self.directory) from error

    def stored(self, log_id: str) -> Path:
        """Where a whole one lies."""
        return self.directory / f"{log_id}{ENDING}"

    def part(self, log_id: str) -> Path:
        """Where one is gathered."""
        return self._parts / log_id

    def keep(self, log_id: str, size_bytes: int) -> None:
        """
        Give one that is whole and synced its place.

        Raises:
            NotReady: it is not there, or not as large as it was said to be.
        """
        part, target = self.part(log_id), self.stored(log_id)
        try:
            if part.stat(follow_symlinks=False).st_size != size_bytes:
                raise NotReady("The logs did not arrive whole.", "Fetch them again.")
            os.replace(part, target)
            sync_directory(self.directory)
        except OSError as error:
            raise trouble_of(error, target) from error

    def drop(self, log_id: str) -> None:
        """Throw it away, whole or not."""
        for path in (self.part(log_id), self.stored(log_id)):
            path.unlink(missing_ok=True)

    def reserve_bytes(self) -> int:
        """What stays free for the timing, whatever is fetched."""
        return max(RESERVE_BYTES, shutil.disk_usage(self.directory).total // RESERVE_SHARE)


def trouble_of(error: OSError, path: Path) -> NotReady:
    """What the disk says, as a person can act on it."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_room()
    return NotReady(f"{path} cannot be used: {error.strerror}.", "The box's disk needs a look.")


def no_room() -> NotReady:
    """The refusal that keeps the reserve."""
    return NotReady("The box has no more room for logs.", "Delete logs or models on the box, then fetch them again.")
