"""
What a backup may hold besides the databases: files of the rooms, each room naming its own (a `Part`).

A file of a part never changes once it is there, and its name says which one it is: it is copied once, and a restore
puts it where it was unless it is there still.
"""

import contextlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from appliance.errors import NotReady
from appliance.safe_copy import sync_directory

LEFT_FREE_BYTES = 1 << 30
"""Of the disk that is written to: it may be the box's own, where the timing needs it."""
READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """
    Files of a room. `paths` fits every one of them, relative to the data directory, and nothing outside its folder.

    `needed`: which of them a database needs, whether they are there or not. The connection only reads.
    """

    name: str
    paths: re.Pattern[str]
    needed: Callable[[sqlite3.Connection, Path], Iterable[str]]


def needed_by(parts: Sequence[Part], database: Path, data_dir: Path) -> dict[str, list[str]]:
    """The files that a database needs, relative to the data directory, by part."""
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return {part.name: sorted(set(part.needed(connection, data_dir))) for part in parts}


def size_of(paths: Iterable[str], data_dir: Path) -> int:
    """How many bytes they take; one that is not there takes none."""
    total = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            total += (data_dir / path).stat().st_size
    return total


def copy_out(paths: Sequence[str], data_dir: Path, target: Path) -> list[str]:
    """
    Copy into a backup what is not in it yet; answers what is not there to be copied.

    Raises:
        NotReady: there is too little room.
    """
    new = [path for path in paths if not (target / path).exists()]
    _ask_for_room(size_of(new, data_dir), target)
    return [path for path in new if not _copied(data_dir / path, target / path)]


def copy_in(paths: Sequence[str], source: Path, data_dir: Path) -> int:
    """
    Put files of a backup where they were; what is there already stays. Answers how many were put back.

    Raises:
        NotReady: there is too little room.
    """
    new = [path for path in paths if not (data_dir / path).exists()]
    _ask_for_room(size_of(new, source), data_dir)
    for path in new:
        if not _copied(source / path, data_dir / path):
            raise NotReady(f"{source / path} went away.", "Restore again; the box is as it was.")
    return len(new)


def _copied(source: Path, target: Path) -> bool:
    """A durable copy; its folders are made, closed to others. False when there is nothing to copy."""
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with source.open("rb") as taken, open(partial, "xb", opener=_closed_to_others) as copy:
            shutil.copyfileobj(taken, copy, READ_BYTES)
            copy.flush()
            os.fsync(copy.fileno())
        os.replace(partial, target)
        sync_directory(target.parent)
    except FileNotFoundError:
        return False
    finally:
        partial.unlink(missing_ok=True)
    return True


def _closed_to_others(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _ask_for_room(size_bytes: int, target: Path) -> None:
    free_bytes = shutil.disk_usage(target).free
    if size_bytes and free_bytes < size_bytes + LEFT_FREE_BYTES:
        raise NotReady(
            f"{size_bytes / 1e6:,.0f} MB do not fit: {free_bytes / 1e6:,.0f} MB are free in {target},"
            f" and {LEFT_FREE_BYTES / 1e6:,.0f} MB must stay free.",
            "Choose another disk with --to, or leave the models and logs out.",
        )
