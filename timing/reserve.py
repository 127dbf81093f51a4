"""
Disk space set aside, so that edges can still be written when everything else has filled the disk.

A file of real blocks that is deleted when the disk is full and made again once there is room.
"""

import logging
import os
import shutil
from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024
"""Two write-ahead logs at their largest, and some 40,000 edges."""
COMFORT = 2
"""The reserve is made again only when it would take no more than this fraction (1/2) of the free space."""

log = logging.getLogger(__name__)


class Reserve:
    """One reserve file."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes
        self._why_not = ""

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
            if (free := shutil.disk_usage(self._path.parent).free) < COMFORT * self._size_bytes:
                return self._not_taken(f"only {free // 1_000_000} MB are free")
            self._allocate()
        except OSError as error:
            self.give()
            return self._not_taken(str(error.strerror))
        self._why_not = ""
        return True

    def _not_taken(self, why: str) -> bool:
        if why != self._why_not:
            log.warning("no_reserve path=%s why=%r remedy=free_disk_space", self._path, why)
        self._why_not = why
        return False

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
