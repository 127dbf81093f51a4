"""
What this machine makes anybody wait meanwhile: a process that does nothing but sleep and write one page to the disk.

A lap cannot be on a screen sooner than a processor is free and the disk has taken a page, whoever's program it is.
`python -m tests.bench.machine_probe FILE` looks every 50 ms until its input ends, then prints one JSON line.
"""

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

EVERY_NS = 50_000_000
PAGE = b"." * 4096

Look = tuple[int, float, float]
"""When, on the monotonic clock; how many ms late it woke; how many ms one page took to the disk."""


@asynccontextmanager
async def probing(file: Path) -> AsyncIterator[list[Look]]:
    """The list is filled when the block has ended."""
    looks: list[Look] = []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.machine_probe", str(file),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=16 * 1024 * 1024,
    )  # fmt: skip
    try:
        yield looks
    finally:
        told, _ = await process.communicate(b"")
        looks.extend((at, late, disk) for at, late, disk in json.loads(told))


def main(file: Path) -> None:
    """Look until the input ends."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    looks: list[Look] = []
    descriptor = os.open(file, os.O_CREAT | os.O_RDWR | os.O_TRUNC)
    os.write(descriptor, PAGE)
    os.fsync(descriptor)
    due_ns = time.monotonic_ns()
    while not ended.is_set():
        due_ns = max(due_ns + EVERY_NS, time.monotonic_ns())
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)
        woken_ns = time.monotonic_ns()
        os.pwrite(descriptor, PAGE, 0)
        os.fdatasync(descriptor)
        looks.append((woken_ns, (woken_ns - due_ns) / 1e6, (time.monotonic_ns() - woken_ns) / 1e6))
    sys.stdout.write(json.dumps(looks))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
