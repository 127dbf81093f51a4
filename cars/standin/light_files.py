"""
SFTP to a light stand-in: its own folder is all there is, and only what a box sends may be written.

Owns the car's Wi-Fi too, as slow as its starter wants it: a model that is there at once is nothing to watch.
"""

import asyncio
import os
import posixpath
from pathlib import Path

import asyncssh
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_TRUNC, FXF_WRITE, SFTPAttrs, SFTPPermissionDenied

STAGING = b"/opt/aws/deepracer/.trackside/"
SENT = b"/.trackside-car.part"
"""Where a box that pairs leaves its helper (cars/enrol_steps/rooting.py)."""
CHANGES = FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC


class Link:
    """So many bytes a second to the car, for all its connections together; None: as they come."""

    def __init__(self, bytes_per_s: int | None) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at_s = 0.0

    async def carry(self, size_bytes: int) -> None:
        """Wait until they are there."""
        if self._bytes_per_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        self._free_at_s = max(now_s, self._free_at_s) + size_bytes / self._bytes_per_s
        await asyncio.sleep(self._free_at_s - now_s)


class LightFiles(asyncssh.SFTPServer):
    """Reads all of the car's folder, writes where a box stages models; makes, moves and links nothing."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", folder: Path, link: Link) -> None:
        super().__init__(channel, chroot=os.fsencode(folder))
        self._link = link

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> object:
        """As SFTPServer.open. Raises SFTPPermissionDenied."""
        if pflags & CHANGES:
            _refuse_elsewhere(path)
        return super().open(path, pflags, attrs)

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """As SFTPServer.write, at the pace of the link."""
        await self._link.carry(len(data))
        written = super().write(file_obj, offset, data)
        return written if isinstance(written, int) else await written

    def remove(self, path: bytes) -> None:
        """As SFTPServer.remove. Raises SFTPPermissionDenied."""
        _refuse_elsewhere(path)
        super().remove(path)

    def _refuse(self, *_: object) -> None:
        raise SFTPPermissionDenied("A light stand-in does not do that")

    open56 = mkdir = rmdir = rename = posix_rename = setstat = lsetstat = symlink = link = _refuse  # type: ignore[assignment]


def _refuse_elsewhere(path: bytes) -> None:
    whole = posixpath.normpath(posixpath.join(b"/", path))
    if whole != SENT and not whole.startswith(STAGING):
        raise SFTPPermissionDenied("A light stand-in keeps that as it is")
