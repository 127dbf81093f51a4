"""
What killed tests left on this machine: network name spaces and mounts, named after the process that made them.

Halls leave nothing (tests/cars/hall.py): they live as long as a pipe. Whoever makes something that outlives its process
names it with `os.getpid()`, and calls `clear_leftovers` first.
"""

import contextlib
import functools
import os
import re
import signal
import subprocess
from pathlib import Path

SPACES = re.compile(r"t[abpt](\d+)n\d+")
"""tests/appliance/two_machines.py, tests/cars/street.py and the cable of tests/timing/sshd.py."""
MOUNT = "trackside-test-{pid}"
MOUNTS = re.compile(MOUNT.format(pid=r"(\d+)"))


@functools.cache
def clear_leftovers() -> None:
    """Once in each process, and only as root: away with what dead processes left."""
    if os.geteuid() != 0:
        return
    for name in _run("ip", "netns", "list").split():
        if (match := SPACES.fullmatch(name)) and not _lives(match[1]):
            _end_space(name)
    for line in Path("/proc/mounts").read_text().splitlines():
        source, place, *_ = line.split()
        if (match := MOUNTS.fullmatch(source)) and not _lives(match[1]):
            _run("umount", "--lazy", place.encode().decode("unicode_escape"))


def _end_space(name: str) -> None:
    """With whatever still runs in it; its cable goes along."""
    for pid in _run("ip", "netns", "pids", name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    _run("ip", "netns", "delete", name)


def _lives(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


def _run(*command: str) -> str:
    """Another test's process may be quicker: what is gone is gone."""
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout
