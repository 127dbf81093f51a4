"""
Disk space set aside, so that edges can still be written when everything else has filled the disk.

A file of real blocks that is deleted when the disk is full and made again once there is room.
"""

import os
import shutil
from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024
"""Two write-ahead logs at their largest, and some 40,000 edges."""
COMFORT = 2
"""The reserve is made again only when it would take no more than this fraction (1/2) of the free space."""


class Reserve:
    """One reserve file."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    @property
    def is_held(self) -> bool:
        """Whether the blocks are set aside."""
        try:
            return self._path.stat().st_blocks * 512 >= self._size_bytes
        except OSError:
            return False

    def take(self) -> bool:
        """Set the space aside if there is room to spare; whether it is set aside now."""
        if self.is_held:
            return True
        try:
            if shutil.disk_usage(self._path.parent).free < COMFORT * self._size_bytes:
                return False
            self._allocate()
        except OSError:
            self.give()
            return False
        return True

    def give(self) -> bool:
        """Free the space for edges; whether there was any to free."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _allocate(self) -> None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(fd, 0, self._size_bytes)
            os.fsync(fd)
        finally:
            os.close(fd)
