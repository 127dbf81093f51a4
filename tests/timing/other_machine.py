"""
A recorder on another machine, as far as clocks go: a time namespace of its own and another boot id.

Its CLOCK_MONOTONIC is `AHEAD_S` ahead of ours, as the kernel tells it. Only root may make one.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.timing.recorder_process import DEADLINE_S, RecorderProcess

AHEAD_S = 5_000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="another clock needs root: run the tests as root")

ENTER = 'mount --bind "$1" /proc/sys/kernel/random/boot_id && shift && exec "$@"'


class OtherMachine(RecorderProcess):
    """`python -m timing.recorder` on a clock of its own; another `boot` is another start of that machine."""

    boot = "11111111-2222-3333-4444-555555555555"
    ahead_s = AHEAD_S

    async def start(self) -> str:
        boot_file = self.socket.parent / f"boot-{self.boot}"
        boot_file.write_text(f"{self.boot}\n")
        command = [sys.executable, "-m", "timing.recorder", "--data", str(self.data), "--socket", str(self.socket)]
        with self._errors.open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                "unshare", "--time", "--monotonic", str(self.ahead_s), "--fork", "--kill-child", "--mount",
                "sh", "-c", ENTER, "sh", str(boot_file), *command, *self.arguments,
                stdout=asyncio.subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            return (await self._process.stdout.readline()).decode()

    async def reboot(self, boot: str, ahead_s: int) -> None:
        """Power off and on: another boot id, another clock, the same edges.db."""
        await self.end(signal.SIGKILL)
        while self._is_running():  # noqa: ASYNC110  another process ends, nobody tells
            await asyncio.sleep(0.01)
        self.boot, self.ahead_s = boot, ahead_s
        assert await self.start(), self.stderr

    def _is_running(self) -> bool:
        """The process inside ends a moment after the one that holds its name space."""
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and str(self.data).encode() in (entry / "cmdline").read_bytes():
                    return True
            except OSError:
                continue
        return False
