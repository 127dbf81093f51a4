"""
A share of the processors for programs that stand for other machines: they get what the measured one leaves.

Niceness is not enough. Where the kernel groups by session (sched_autogroup), it counts only inside a session, and sshd
begins a session for each connection: four transfers would take four fifths of the processors from the box. A control
group holds all of them, whatever sessions they begin. Version 1 and 2 of control groups; only root.
"""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEAST = {"cgroup": ("cpu.shares", "2"), "cgroup2": ("cpu.weight", "1")}
"""By kind of file system: the file and the least it takes; everyone else has 1024, or 100."""


class Yielding:
    """`add` takes every process of a name space; without control groups they run as all others (`is_real`)."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    @property
    def is_real(self) -> bool:
        """Whether the kernel really puts them last."""
        return self._folder is not None

    def add(self, pid: int) -> None:
        """All processes in the PID name space of `pid`, and whatever they start from now on."""
        if self._folder is None:
            return
        space = os.readlink(f"/proc/{pid}/ns/pid")
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and os.readlink(entry / "ns/pid") == space:
                    (self._folder / "cgroup.procs").write_text(entry.name)


@contextmanager
def yielding(name: str) -> Iterator[Yielding]:
    """The group; its members must have ended when the block does."""
    folder = _made(f"{name}-{os.getpid()}")
    try:
        yield Yielding(folder)
    finally:
        if folder is not None:
            # Who has not gone by now keeps the group: it goes with the next start of the machine.
            with contextlib.suppress(OSError):
                folder.rmdir()


def _made(name: str) -> Path | None:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind, options, *_ = line.split(" ")
        if kind in LEAST and (kind == "cgroup2" or "cpu" in options.split(",")):
            folder = Path(where) / name
            file, least = LEAST[kind]
            with contextlib.suppress(OSError):
                folder.mkdir()
                if (folder / file).exists():
                    (folder / file).write_text(least)
                    return folder
                folder.rmdir()
    return None
