"""
Has a racer's archive looked into by a process of its own (cars/inspect_child.py), and keeps what it found.

Owns that process, its time, and the two files it may write. The archive can do no more than waste five seconds of one
core: what it holds is parsed behind walls, and only there; this process does not even load the parsers.
"""

import asyncio
import contextlib
import logging
import os
import signal
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from appliance.errors import NotReady
from cars.inspection import BOX_IN_TROUBLE, DOWNLOAD_AGAIN, METADATA, NETWORK, Fit, Inspection, NotFit, Report, Wall

WALL_S = 30.0
"""
The child may use 5 s of a core (cars/sandbox.py); it has six times that to get them while races run. A verdict never
hangs on how busy the box is: past this nothing is said about the archive.
"""
MAX_REPORT_BYTES = 64 * 1024

TOO_MUCH_WORK = NotFit(
    reason="Looking into this file takes longer than any model does, so it was given up.", remedy=DOWNLOAD_AGAIN
)
BROKE_OFF = NotFit(
    reason="The box could not look into this file: the inspection broke off.",
    remedy="Download the physical car model again and upload it; if that ends the same way, show it to the crew.",
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Desk:
    """The files that the child gets, open; the two it writes have names of their own until they are whole."""

    archive_fd: int
    network_fd: int
    metadata_fd: int


@dataclass(frozen=True, slots=True)
class _Ended:
    """How the child ended: its exit status, negative for a signal, None when its time was over."""

    status: int | None
    report: bytes
    complaint: str


class Inspector:
    """Looks into archives; any number at once, the caller says how many."""

    def __init__(self, *, wall_s: float = WALL_S) -> None:
        self._wall_s = wall_s
        self.held: tuple[Wall, ...] | None = None
        """The walls around the last child; None before the first."""

    async def inspect(self, archive: Path, into: Path) -> Inspection:
        """
        Look into an archive.

        Returns:
            Fit, and `into` has model.pb and model_metadata.json (0600, safely on the disk); or NotFit, and it has none.

        Raises:
            NotReady: The box is too busy or its disk full. Nothing is known of the archive: ask again later.
        """
        desk = await _opened_desk(archive, into)
        try:
            ended = await self._run(desk)
            inspection = self._verdict(ended)
            if isinstance(inspection, Fit):
                inspection = await _kept(desk, into, inspection)
        finally:
            await asyncio.shield(asyncio.to_thread(_clear_desk, desk, into))
        return inspection

    async def _run(self, desk: _Desk) -> _Ended:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "cars.inspect_child", str(desk.network_fd), str(desk.metadata_fd)),
                stdin=desk.archive_fd,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(desk.network_fd, desk.metadata_fd),
                env={},
            )
        except OSError as error:
            raise NotReady("The box has no room to look into the model.", "It will be tried again.") from error
        try:
            async with asyncio.timeout(self._wall_s):
                report, complaint = await asyncio.gather(_read(process.stdout), _read(process.stderr))
                status = await process.wait()
        except TimeoutError:
            return _Ended(None, b"", "")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
        return _Ended(status, report, complaint.decode(errors="replace"))

    def _verdict(self, ended: _Ended) -> Inspection:
        if ended.status is None:
            raise NotReady("The box was too busy to look into the model.", "It will be tried again.")
        if ended.status == BOX_IN_TROUBLE:
            raise NotReady("The disk of the box is full or failing.", "Ask the crew to make room, then try again.")
        if ended.status in (-signal.SIGXCPU, -signal.SIGKILL):
            return TOO_MUCH_WORK
        try:
            report = msgspec.json.decode(ended.report, type=Report)
        except msgspec.DecodeError:
            log.error("inspection_broke_off status=%s complaint=%r", ended.status, ended.complaint[-2000:])
            return BROKE_OFF
        self.held = report.held
        return report.inspection


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    """To its end, and no more than a report can be."""
    data = b""
    while stream is not None and (more := await stream.read(MAX_REPORT_BYTES)):
        data = (data + more)[:MAX_REPORT_BYTES]
    return data


def _part(into: Path, name: str) -> Path:
    return into / f".{name}.part"


async def _opened_desk(archive: Path, into: Path) -> _Desk:
    """A thread cannot be called off: who gives up meanwhile waits for it, and closes what it opened."""
    opening = asyncio.create_task(asyncio.to_thread(_open_desk, archive, into))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        desk = await opening
        await asyncio.to_thread(_clear_desk, desk, into)
        raise


async def _kept(desk: _Desk, into: Path, fit: Fit) -> Inspection:
    """The same for the naming of both files: it is done or not begun."""
    keeping = asyncio.create_task(asyncio.to_thread(_keep, desk, into, fit))
    try:
        return await asyncio.shield(keeping)
    except asyncio.CancelledError:
        await asyncio.wait([keeping])
        raise


def _open_desk(archive: Path, into: Path) -> _Desk:
    into.mkdir(mode=0o700, exist_ok=True)
    opened: list[int] = []
    try:
        opened.append(_opened_archive(archive))
        for name in (NETWORK, METADATA):
            _part(into, name).unlink(missing_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            opened.append(os.open(_part(into, name), flags, 0o600))
    except BaseException:
        for fd in opened:
            os.close(fd)
        raise
    return _Desk(*opened)


def _opened_archive(archive: Path) -> int:
    gone = NotReady("The uploaded file is not there any more, or is no file.", "Upload it again.")
    try:
        # O_NONBLOCK: what turns out to be a pipe would keep us waiting.
        fd = os.open(archive, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise gone from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise gone
    return fd


def _keep(desk: _Desk, into: Path, fit: Fit) -> Inspection:
    """Give the two files their names, if they are what the child says they are; it has synced them."""
    sizes = tuple(os.fstat(fd).st_size for fd in (desk.network_fd, desk.metadata_fd))
    if sizes != (fit.facts.pb_bytes, fit.facts.metadata_bytes):
        log.error("inspection_not_believed sizes=%s facts=%s", sizes, fit.facts)
        return BROKE_OFF
    for name in (NETWORK, METADATA):
        _part(into, name).replace(into / name)
    with _opened_folder(into) as fd:
        os.fsync(fd)
    return fit


def _clear_desk(desk: _Desk, into: Path) -> None:
    for fd in (desk.archive_fd, desk.network_fd, desk.metadata_fd):
        os.close(fd)
    for name in (NETWORK, METADATA):
        _part(into, name).unlink(missing_ok=True)


@contextlib.contextmanager
def _opened_folder(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)
