"""
Presses that wait, on this machine's disk: a terminal that is killed loses none.

One file for each running terminal, locked while it runs, in a folder for each box; a terminal that starts takes over
what those left behind that run no more. Lines are appended and synced in a thread, never on the event loop; the file is
emptied whenever nothing waits.
"""

import asyncio
import fcntl
import os
import uuid
from pathlib import Path

import msgspec
from msgspec import Struct

from tui.press import Press

SUFFIX = ".jsonl"


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: a press, or the id of one that waits no more."""

    press: Press | None = None
    done: str | None = None


class PressFile:
    """The file of this terminal in `folder`. `trouble` says in words why it cannot be written, None when it can."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: int | None = None
        self._lines: list[bytes] = []
        self._waiting: set[str] = set()
        self._writer: asyncio.Task[None] | None = None
        self.trouble: str | None = None

    async def open(self) -> list[Press]:
        """Take over what earlier terminals left behind: their presses, oldest first."""
        try:
            left = await asyncio.to_thread(self._open)
        except OSError as error:
            self._tell(error)
            return []
        self._waiting.update(press.action_id for press in left)
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
        emptied = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            file = _locked(path)
            if file is None:
                continue
            for press in _waiting_in(path):
                left.setdefault(press.action_id, press)
            emptied.append((path, file))
        presses = sorted(left.values(), key=lambda press: (press.wall_ns, press.mono_ns))
        if presses:
            self._store(b"".join(msgspec.json.encode(Line(press=press)) + b"\n" for press in presses), is_empty=False)
        for path, file in emptied:
            path.unlink(missing_ok=True)
            os.close(file)
        return presses

    def _store(self, text: bytes, *, is_empty: bool) -> None:
        if self._file is None:
            self._file = _new_file(self._folder)
        if is_empty:
            os.ftruncate(self._file, 0)
        else:
            _write_all(self._file, text)
        os.fsync(self._file)

    def _close(self) -> None:
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
    """The file opened and locked, or None when its terminal runs or it is gone."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file


def _write_all(file: int, text: bytes) -> None:
    while text:
        text = text[os.write(file, text) :]


def _waiting_in(path: Path) -> list[Press]:
    """Presses without their `done`; a last line that a crash cut off is none."""
    waiting: dict[str, Press] = {}
    for text in path.read_bytes().splitlines():
        try:
            line = msgspec.json.decode(text, type=Line)
        except msgspec.DecodeError:
            continue
        if line.press is not None:
            waiting[line.press.action_id] = line.press
        if line.done is not None:
            waiting.pop(line.done, None)
    return list(waiting.values())
