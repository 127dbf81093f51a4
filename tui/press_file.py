"""
Presses that wait, on this machine's disk: a terminal that is killed loses none.

One file for each running terminal, locked while it runs, in a folder for each box; a terminal that starts takes over
what those left behind that run no more. Lines are appended and synced in a thread, never on the event loop; the file is
emptied whenever nothing waits.
"""

import asyncio
import fcntl
import os
import stat
import uuid
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from tui.press import Press
from tui.wire import UNREADABLE

SUFFIX = ".jsonl"
MOST = 2**63
"""Of a number in nanoseconds: no clock counts further."""


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: a press, or the id of one that waits no more."""

    press: Press | None = None
    done: str | None = None


class PressFile:
    """The file of this terminal in `folder`. `trouble` says in words why it cannot be written, None when it can."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._left: list[tuple[Path, int]] = []
        """Locked files of terminals that run no more, until what waits in them is in ours."""
        self._lines: list[bytes] = []
        self._waiting: set[str] = set()
        self._writer: asyncio.Task[None] | None = None
        self.trouble: str | None = None

    async def open(self) -> list[Press]:
        """Take over what earlier terminals left behind: their presses, oldest first; also from a full disk."""
        try:
            left = await asyncio.to_thread(self._open)
        except OSError as error:
            self._tell(error)
            return []
        self._waiting.update(press.action_id for press in left)
        if left:
            self._lines = [msgspec.json.encode(Line(press=press)) + b"\n" for press in left]
            self._writer = asyncio.get_running_loop().create_task(self._write())
            await self.settled()
        return left

    def add(self, press: Press) -> None:
        """Keep this press; it is on the disk some ms later."""
        self._waiting.add(press.action_id)
        self._append(Line(press=press))

    def done(self, action_id: str) -> None:
        """This press waits no more."""
        self._waiting.discard(action_id)
        self._append(Line(done=action_id))

    async def settled(self) -> None:
        """Wait until all of it is on the disk."""
        while self._writer is not None:
            await asyncio.shield(self._writer)

    async def close(self) -> None:
        """Write the rest and let go of the file; an empty one is removed."""
        await self.settled()
        try:
            await asyncio.to_thread(self._close)
        except OSError as error:
            self._tell(error)

    def _append(self, line: Line) -> None:
        self._lines.append(msgspec.json.encode(line) + b"\n")
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._lines:
                text, self._lines = b"".join(self._lines), []
                try:
                    await asyncio.to_thread(self._store, text, is_empty=not self._waiting)
                    self.trouble = None
                except OSError as error:
                    self._tell(error)
                    self._lines.insert(0, b"\n" + text)  # a part of it may be there, and lines may come twice
                    break
        finally:
            self._writer = None

    def _tell(self, error: OSError) -> None:
        self.trouble = f"Presses cannot be kept in {self._folder} ({error.strerror}): do not close the terminal."

    # in a thread

    def _open(self) -> list[Press]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        left: dict[str, Press] = {}
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            file = _locked(path)
            if file is not None:
                self._left.append((path, file))
                for press in _waiting_in(file):
                    left.setdefault(press.action_id, press)
        if not left:
            self._remove_left()
        return _in_order(left.values())

    def _remove_left(self) -> None:
        while self._left:
            path, file = self._left[0]
            path.unlink(missing_ok=True)
            os.close(file)
            del self._left[0]

    def _store(self, text: bytes, *, is_empty: bool) -> None:
        if self._file is None:
            self._file = _new_file(self._folder)
        if is_empty:
            os.ftruncate(self._file, 0)
        else:
            _write_all(self._file, text)
        os.fsync(self._file)
        self._remove_left()

    def _close(self) -> None:
        for _, file in self._left:
            os.close(file)
        self._left = []
        if self._file is None:
            return
        if not self._waiting:
            for path in self._folder.glob(f"*{SUFFIX}"):
                if path.stat().st_ino == os.fstat(self._file).st_ino:
                    path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = None


def _new_file(folder: Path) -> int:
    """A file of our own, locked before anybody can see it under its name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = folder / str(uuid.uuid4())
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    name.rename(name.with_suffix(SUFFIX))
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return file


def _locked(path: Path) -> int | None:
    """The file opened and locked, or None when its terminal runs, it is gone, or it is nothing that we have written."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(file)
        if found.st_nlink and stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            return file
    except OSError:
        pass
    os.close(file)
    return None


def _write_all(file: int, text: bytes) -> None:
    while text:
        text = text[os.write(file, text) :]


def _waiting_in(file: int) -> list[Press]:
    """Presses without their `done`; a last line that a crash cut off is none."""
    waiting: dict[str, Press] = {}
    with open(file, "rb", closefd=False) as opened:
        lines = opened.read().splitlines()
    for text in lines:
        try:
            line = msgspec.json.decode(text, type=Line)
        except UNREADABLE:
            continue
        if line.press is not None and _can_be(line.press):
            waiting[line.press.action_id] = line.press
        if line.done is not None:
            waiting.pop(line.done, None)
    return list(waiting.values())


def _can_be(press: Press) -> bool:
    """No key was ever pressed before its machine started, or after the end of time."""
    numbers = (press.mono_ns, press.slept_ns, press.wall_ns, press.lap or 0)
    return all(0 <= number < MOST for number in numbers)


def _in_order(presses: Iterable[Press]) -> list[Press]:
    """As they were pressed: within one boot of this machine by the clock that nobody sets, the boots by the other."""
    by_boot: dict[str, list[Press]] = {}
    for press in presses:
        by_boot.setdefault(press.local_boot_id, []).append(press)
    boots = sorted(by_boot.values(), key=lambda of_boot: min(press.wall_ns for press in of_boot))
    return [press for of_boot in boots for press in sorted(of_boot, key=lambda one: one.mono_ns + one.slept_ns)]
