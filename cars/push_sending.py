"""One file over SFTP, gone on with where an earlier try stopped. For the worker's process only."""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable

import asyncssh

from cars.push_rules import resumes_at

CHUNK_BYTES = 131_072
"""Four of SFTP's blocks: fine enough for a figure that moves on slow Wi-Fi."""
IN_FLIGHT = 16
IN_FLIGHT_BYTES = CHUNK_BYTES * IN_FLIGHT
"""2 MiB: an AC link with 50 ms of delay is kept full, and no more than this is sent again after a lost link."""
STALLED_S = 60.0
"""sshd still answers, but nothing is written any more: the car's disk hangs."""


async def send_file(
    sftp: asyncssh.SFTPClient,
    fd: int,
    size: int,
    target: str,
    staged_bytes: int,
    *,
    on_sent: Callable[[int], None],
) -> None:
    """
    Make `target` on the car the same as the `size` bytes of the open file `fd`.

    Args:
        staged_bytes: How much of it lies there from an earlier try.
        on_sent: Told how many bytes of the file the car holds for certain, from what was there on.

    Raises:
        TimeoutError: nothing is written any more.
        EOFError: `fd` has fewer bytes.
        asyncssh.Error, OSError: as they come.
    """
    at = resumes_at(staged_bytes, size, IN_FLIGHT_BYTES)
    flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | (0 if at else asyncssh.FXF_TRUNC)
    async with await sftp.open(target, flags, encoding=None) as file:
        await _send(fd, file, at, size, on_sent)


async def _send(fd: int, file: asyncssh.SFTPClientFile, at: int, size: int, on_sent: Callable[[int], None]) -> None:
    writes: deque[tuple[int, asyncio.Task[int]]] = deque()
    try:
        on_sent(at)
        while at < size or writes:
            if at < size and len(writes) < IN_FLIGHT:
                # A model lies in the page cache or on the box's own disk, and this process does nothing else.
                chunk = os.pread(fd, min(CHUNK_BYTES, size - at), at)
                if not chunk:
                    raise EOFError
                writes.append((at + len(chunk), asyncio.create_task(file.write(chunk, at))))
                at += len(chunk)
                continue
            async with asyncio.timeout(STALLED_S):
                end, write = writes.popleft()
                await write
            on_sent(end)
    finally:
        for _, write in writes:
            write.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(write for _, write in writes), return_exceptions=True)
