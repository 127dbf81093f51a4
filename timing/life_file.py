"""
The sign of life: a tiny file beside the recorder's socket, rewritten each second, never synced.

After a kill it says to the second when the strips were last watched. Under systemd it lies in memory, so the card is
not worn; after a power cut it is gone, and edges.db has to do (timing/edges_db.py). Losing it costs accuracy, no edge.
"""

import contextlib
import logging
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from timing.blindness import Sign

SIZE_BYTES = 512
"""Always the same block, in one write: the next reader finds all of it or what was there before."""

log = logging.getLogger(__name__)


class _Content(Struct, frozen=True, kw_only=True):
    recorder_id: str
    sign: Sign


class LifeFile:
    """One recorder's sign of life."""

    def __init__(self, socket_path: Path, recorder_id: str) -> None:
        self.path = socket_path.with_name(socket_path.name + ".life")
        self._recorder_id = recorder_id
        self._fd = -1
        self._has_failed = False

    def read(self) -> Sign | None:
        """What an earlier life of this recorder left; None when there is nothing of use."""
        try:
            content = msgspec.json.decode(self.path.read_bytes()[:SIZE_BYTES], type=_Content)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        return content.sign if content.recorder_id == self._recorder_id else None

    def write(self, sign: Sign) -> None:
        """Replace the sign; a place that cannot be written is told of once, and does without."""
        content = msgspec.json.encode(_Content(recorder_id=self._recorder_id, sign=sign))
        try:
            if self._fd < 0:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
                self._fd = os.open(self.path, flags, 0o640)
            os.pwrite(self._fd, content.ljust(SIZE_BYTES - 1) + b"\n", 0)
        except OSError as error:
            if not self._has_failed:
                log.warning("no_sign_of_life path=%s error=%s", self.path, error)
            self._has_failed = True

    def close(self, *, remove: bool) -> None:
        """
        Write no more.

        Args:
            remove: After a stop in order, of which edges.db knows the exact moment.
        """
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if remove:
            with contextlib.suppress(OSError):
                self.path.unlink()
