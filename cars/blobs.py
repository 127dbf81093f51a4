"""
The bytes of models on the disk: each archive once, under its SHA-256, and what was unpacked from it beside it.

    DIR/models/blobs/ab/<sha256>      the archive as it came
    DIR/models/blobs/ab/<sha256>.d/   model.pb and model_metadata.json, once it was looked into
    DIR/models/uploads/<upload_id>    the first bytes of a file that is still coming
    DIR/models/work/                  what an inspection has not finished

Every function here blocks and is for a thread. Who needs which bytes, models_store.py knows.
"""

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Container, Iterator
from pathlib import Path

from appliance.errors import NotReady
from appliance.safe_copy import sync_directory

RESERVE_BYTES = 1024 * 1024 * 1024
RESERVE_SHARE = 20
"""Uploads end while a GiB, or a twentieth of a larger disk, is still free: a full disk must never reach the timing."""
SYNC_EVERY_BYTES = 1024 * 1024
"""Written and not yet on the disk, at most: the database's own fsync of a lap may have to wait for it."""
READ_BYTES = 1024 * 1024
SHA256 = re.compile(r"[0-9a-f]{64}")
PB, METADATA = "model.pb", "model_metadata.json"


class Blobs:
    """The directory of one box."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._blobs = directory / "blobs"
        self._uploads = directory / "uploads"
        self._work = directory / "work"

    def prepare(self) -> None:
        """
        Make the directories, closed to others; what inspections left half done goes.

        Raises:
            NotReady: they cannot be made.
        """
        try:
            shutil.rmtree(self._work, ignore_errors=True)
            for directory in (self.directory, self._blobs, self._uploads, self._work):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _disk_trouble(error, self.directory) from error

    # room

    def spare_bytes(self) -> int:
        """How many bytes models may still take; below 0 when the reserve is touched."""
        usage = shutil.disk_usage(self.directory)
        return usage.free - max(RESERVE_BYTES, usage.total // RESERVE_SHARE)

    def check_room(self, needed_bytes: int) -> None:
        """
        Refuse what would fill the disk.

        Raises:
            NotReady: so much is not free.
        """
        if shutil.disk_usage(self.directory).free < needed_bytes:
            raise disk_full()

    # uploads

    def upload_path(self, upload_id: str) -> Path:
        """Where an upload's bytes are gathered."""
        return self._uploads / upload_id

    def uploaded_bytes(self, upload_id: str) -> int:
        """How much of it is there; 0 without a file."""
        try:
            return self.upload_path(upload_id).stat().st_size
        except FileNotFoundError:
            return 0

    def drop_upload(self, upload_id: str) -> None:
        """Throw its bytes away."""
        self.upload_path(upload_id).unlink(missing_ok=True)

    def drop_other_uploads(self, wanted: Container[str]) -> int:
        """Throw away what no row knows; answers how many."""
        lost = [path for path in self._uploads.iterdir() if path.name not in wanted]
        for path in lost:
            path.unlink(missing_ok=True)
        return len(lost)

    # archives

    def archive(self, sha256: str) -> Path:
        """Where the archive with this digest lies."""
        if not SHA256.fullmatch(sha256):
            raise ValueError("not a SHA-256 in lower-case hex")
        return self._blobs / sha256[:2] / sha256

    def unpacked(self, sha256: str) -> Path:
        """Where its two files lie once it was looked into."""
        return self.archive(sha256).with_name(f"{sha256}.d")

    def keep(self, source: Path, sha256: str) -> None:
        """
        Give a whole file its place, by a second name: `source` stays until the row that needs it is durable.

        Raises:
            NotReady: the disk is full or broken.
        """
        target = self.archive(sha256)
        try:
            _make_durable(target.parent)
            with contextlib.suppress(FileExistsError):
                os.link(source, target)
            sync_directory(target.parent)
        except OSError as error:
            raise _disk_trouble(error, target) from error

    def copy_in(self, source: Path) -> tuple[str, int, Path]:
        """
        A private copy of a file of somebody else's, with its digest and size; the caller keeps or removes it.

        Raises:
            NotReady: the disk is full or broken, or the file cannot be read.
        """
        partial = self._work / f"copy-{os.urandom(8).hex()}"
        digest = hashlib.sha256()
        try:
            with source.open("rb") as taken, Appending(partial, 0) as copy:
                while piece := taken.read(READ_BYTES):
                    digest.update(piece)
                    copy.add(piece)
        except (OSError, NotReady) as error:
            partial.unlink(missing_ok=True)
            raise error if isinstance(error, NotReady) else _disk_trouble(error, source) from error
        return digest.hexdigest(), partial.stat().st_size, partial

    def work_directory(self, name: str) -> Path:
        """A new directory for an inspection to write into."""
        path = self._work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return path

    def drop_work(self, work: Path) -> None:
        """Throw away what an inspection wrote."""
        shutil.rmtree(work, ignore_errors=True)

    def keep_unpacked(self, work: Path, sha256: str) -> None:
        """Give what an inspection wrote its place; what lay there before goes."""
        target = self.unpacked(sha256)
        try:
            _make_durable(target.parent)
            shutil.rmtree(target, ignore_errors=True)
            sync_directory(work)
            work.rename(target)
            sync_directory(target.parent)
        except OSError as error:
            raise _disk_trouble(error, target) from error

    def drop(self, sha256: str) -> None:
        """Throw an archive away, and what was unpacked from it."""
        self.archive(sha256).unlink(missing_ok=True)
        shutil.rmtree(self.unpacked(sha256), ignore_errors=True)

    def kept(self) -> Iterator[str]:
        """The digests of everything that lies here, whole archives or only what was unpacked from them."""
        for path in sorted(self._blobs.glob("??/*")):
            digest = path.name.removesuffix(".d")
            if SHA256.fullmatch(digest):
                yield digest


class Appending:
    """
    A file that grows from `offset` on: what a crash left behind it is cut off first. On the disk once `sync` returns.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._dirty_bytes = 0
        self.offset = offset
        try:
            is_new = not path.exists()
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            os.ftruncate(self._fd, offset)
            if is_new:
                sync_directory(path.parent)
        except OSError as error:
            raise _disk_trouble(error, path) from error

    def __enter__(self) -> "Appending":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.sync()
        finally:
            self.close()

    def add(self, piece: bytes) -> None:
        """
        Append; from time to time it goes to the disk.

        Raises:
            NotReady: no space; the file ends where `offset` says.
        """
        view = memoryview(piece)
        try:
            while view:
                written = os.pwrite(self._fd, view, self.offset)
                view = view[written:]
                self.offset += written
                self._dirty_bytes += written
                if self._dirty_bytes >= SYNC_EVERY_BYTES:
                    self.sync()
        except OSError as error:
            raise _disk_trouble(error, self._path) from error

    def cut(self, offset: int) -> None:
        """Forget what was written behind `offset`."""
        os.ftruncate(self._fd, offset)
        self.offset = offset

    def close(self) -> None:
        """Nothing more comes; what was not synced may be lost."""
        os.close(self._fd)

    def sync(self) -> None:
        """Everything so far is on the disk when this returns."""
        try:
            os.fdatasync(self._fd)
        except OSError as error:
            raise _disk_trouble(error, self._path) from error
        self._dirty_bytes = 0


def sha256_of(path: Path) -> str:
    """
    The digest of a file.

    Raises:
        NotReady: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _disk_trouble(error, path) from error


def _make_durable(directory: Path) -> None:
    if not directory.is_dir():
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)


def _disk_trouble(error: OSError, path: Path) -> NotReady:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return disk_full()
    return NotReady(f"{path} cannot be used: {error.strerror}.", "Tell the crew: the box's disk needs a look.")


def disk_full() -> NotReady:
    """The refusal that keeps the reserve."""
    return NotReady(
        "The box has no more room for models.", "Tell the crew: old models, backups or other files have to go first."
    )
