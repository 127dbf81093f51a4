"""
One try to bring recordings of a car to the box: look, have them packed, fetch the one file, compare what arrived.

For the logs worker's process only. What comes from a car is bytes and no more: it is never unpacked, its names are
checked, and it is never given more room than it was said to need. Whether a lost car is tried again is decided by the
server (cars/logs.py).
"""

import asyncio
import contextlib
import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import asyncssh
import msgspec
from msgspec import Meta, Struct

from appliance.errors import ApplianceError, NotReady
from appliance.ssh import FAR_ERRORS, signed_in
from cars.car_ssh import machine_of
from cars.lines_wire import Line
from cars.log_files import no_room, trouble_of
from cars.log_rules import checked, chosen, journal_span
from cars.log_structs import LogState
from cars.log_wire import Ended, Fetch, Found, Outcome
from cars.on_car_api import HelperRefused, OnCar

LIST_S = 60.0
PACK_S = 300.0
"""The eMMC of a car does 40 MB/s at its worst, and reads and writes every byte."""
STALLED_S = 60.0
READ_BYTES = 1 << 20
LOOK_EVERY_BYTES = 16 << 20
"""So often the box's disk is asked whether there is still room."""
TAR = "logs.tar"
REFUSALS = {"nothing": Outcome.NOTHING, "busy": Outcome.LOST, "no_stage": Outcome.LOST}
"""What the helper says that is no failure: all else is."""
AT_ONCE = 150
"""The helper takes no more names in one call."""
WORDS = 300
"""A car may say why, but not write a book."""

T = TypeVar("T", bound=Struct)

Tell = Callable[[LogState, int, int], None]
"""Told the state, how many bytes are here, and how many there are."""


class _Listed(Struct, frozen=True):
    logs: tuple[Found, ...]
    now_s: int


class _Tar(Struct, frozen=True):
    size_bytes: int
    sha256: str


class _Staged(Struct, frozen=True):
    size_bytes: Annotated[int, Meta(ge=0)]


class _Stage(Struct, frozen=True):
    path: str
    files: dict[str, _Staged]


class Job:
    """`await run()` once; whoever cancels it leaves what is here to go on from."""

    def __init__(self, order: Fetch, key: asyncssh.SSHKey, tell: Tell) -> None:
        self._order, self._key, self._tell = order, key, tell
        self._target = Path(order.target)

    async def run(self) -> Ended:
        """The whole try; raises nothing but what ends the task."""
        order = self._order
        try:
            async with line_to(order.line, self._key) as (connection, car):
                return await self._bring(connection, car)
        except ApplianceError as error:
            return self._ended(error)
        except OSError as error:  # Of the box's own disk: those of the way are in words.
            return self._ended(_Final.of(trouble_of(error, self._target)))

    def _ended(self, error: ApplianceError) -> Ended:
        if isinstance(error, HelperRefused):
            outcome = REFUSALS.get(error.code, Outcome.FAILED)
        else:
            outcome = Outcome.LOST if isinstance(error, NotReady) else Outcome.FAILED
        reason, remedy = error.message[:WORDS], error.remedy[:WORDS]
        return Ended(log_id=self._order.log_id, outcome=outcome, reason=reason, remedy=remedy)

    async def _bring(self, connection: asyncssh.SSHClientConnection, car: OnCar) -> Ended:
        order = self._order
        self._tell(LogState.LOOKING, 0, 0)
        # Nobody drives it now: what it still records is of the drive that is over.
        found, clock_off_s = await listed(car, end_recording=True)
        wanted = chosen(found, order.sought, clock_off_s)
        if order.sought.recording is not None and not wanted:
            gone = f"{order.sought.recording} is not on {order.line.name} any more."
            raise _Final(gone, "Look at what is on it now.")
        self._check_size(sum(one.size_bytes for one in wanted))
        names = tuple(one.name for one in wanted[-AT_ONCE:])
        stage = await self._packed(car, names, journal_span(wanted, order.sought, clock_off_s))
        size = stage.files[TAR].size_bytes
        self._check_size(size)
        sha256 = await self._fetched(connection, f"{stage.path}/{TAR}", size)
        told = await _ask(car, _Tar, "logs-state", order.token, within_s=PACK_S)
        if told != _Tar(size_bytes=size, sha256=sha256):
            self._target.unlink(missing_ok=True)
            raise NotReady(f"Other bytes arrived than {order.line.name} has.", "They are fetched again.")
        with contextlib.suppress(ApplianceError):
            await _ask(car, Struct, "stage-close", order.token, within_s=LIST_S)
        return Ended(log_id=order.log_id, outcome=Outcome.GOT, names=names, size_bytes=size)

    async def _packed(self, car: OnCar, names: tuple[str, ...], span: tuple[int, int]) -> _Stage:
        """The stage with the packed recordings in it: from an earlier try, or packed now."""
        token = self._order.token
        stage = await _ask(car, _Stage, "stage-open", token, within_s=LIST_S)
        if TAR not in stage.files or not self._target.exists():
            self._target.unlink(missing_ok=True)
            begin_s, end_s = map(str, span)
            await _ask(car, Struct, "logs-pack", token, begin_s, end_s, *names, within_s=PACK_S)
            stage = await _ask(car, _Stage, "stage-state", token, within_s=LIST_S)
        if TAR not in stage.files:
            raise NotReady(f"{self._order.line.name} did not pack its logs.", "It is tried again.")
        return stage

    def _check_size(self, size_bytes: int) -> None:
        order = self._order
        if size_bytes > order.max_bytes:
            raise _Final(
                f"They are {size_bytes / 1e6:,.0f} MB; {order.max_bytes / 1e6:,.0f} MB are fetched at most.",
                "Fetch single recordings on the car's page, or copy them by hand.",
            )
        here = self._target.stat().st_size if self._target.exists() else 0
        if _free_bytes(self._target) < order.reserve_bytes + size_bytes - here:
            raise _Final.of(no_room())

    async def _fetched(self, connection: asyncssh.SSHClientConnection, source: str, size: int) -> str:
        """The file with all its bytes on the disk; answers their SHA-256."""
        fd = os.open(self._target, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "r+b") as file:
            at = min(os.fstat(fd).st_size, size)
            os.ftruncate(fd, at)
            digest = hashlib.sha256()
            for piece in iter(lambda: file.read(READ_BYTES), b""):
                digest.update(piece)
            self._tell(LogState.FETCHING, at, size)
            async for piece in self._read(connection, source, at, size):
                os.pwrite(fd, piece, at)
                digest.update(piece)
                at += len(piece)
                os.fdatasync(fd)  # A lap's own fsync must never wait for more than this.
                self._tell(LogState.FETCHING, at, size)
            return digest.hexdigest()

    async def _read(
        self, connection: asyncssh.SSHClientConnection, source: str, at: int, size: int
    ) -> AsyncIterator[bytes]:
        name, looked_at = self._order.line.name, at
        async with _in_words(name):
            async with asyncio.timeout(STALLED_S):
                sftp = await connection.start_sftp_client()
            try:
                async with await sftp.open(source, "rb", encoding=None) as file:
                    while at < size:
                        async with asyncio.timeout(STALLED_S):
                            piece: Any = await file.read(min(READ_BYTES, size - at), at)
                        if not piece:
                            raise NotReady(f"{name} has less than it packed.", "It is tried again.")
                        at += len(piece)
                        yield piece
                        if at - looked_at >= LOOK_EVERY_BYTES:
                            looked_at = at
                            if _free_bytes(self._target) < self._order.reserve_bytes:
                                raise _Final.of(no_room())
            finally:
                sftp.exit()


class _Final(ApplianceError):
    """Another try would end the same."""

    @classmethod
    def of(cls, error: ApplianceError) -> "_Final":
        """The same words, for the last time."""
        return cls(error.message, error.remedy)


@contextlib.asynccontextmanager
async def line_to(line: Line, key: asyncssh.SSHKey) -> AsyncIterator[tuple[asyncssh.SSHClientConnection, OnCar]]:
    """A connection to a car that shows its pinned host key, and the helper there."""
    machine = machine_of(line.address, line.port, line.username)
    async with signed_in(machine, line.host_key, key=key) as connection:
        yield connection, OnCar(connection, line.name, line.serial)


async def listed(car: OnCar, *, end_recording: bool = False) -> tuple[list[Found], int]:
    """What a car has recorded, and how far its clock is before the box's."""
    flags = ("--end-recording",) if end_recording else ()
    told = await _ask(car, _Listed, "logs-list", "0", *flags, within_s=LIST_S)
    return checked(told.logs), told.now_s - int(time.time())


async def _ask(car: OnCar, kind: type[T], verb: str, *arguments: str, within_s: float) -> T:
    told = await car.ask(verb, *arguments, timeout_s=within_s)
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise _Final("The car's helper answers in a way that is not ours.", "Pair the car again.") from error


@contextlib.asynccontextmanager
async def _in_words(name: str) -> AsyncIterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise NotReady(f"{name} sends nothing any more.", "It is tried again.") from error
    except FAR_ERRORS as error:
        raise NotReady(f"The connection to {name} broke.", "It is tried again.") from error


def _free_bytes(path: Path) -> int:
    room = os.statvfs(path.parent)
    return room.f_bavail * room.f_frsize
