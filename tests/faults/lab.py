"""
gpiolab: a private kernel with its own strips, clocks and disks, in which pulling the plug hurts nobody.

Makes disk images for it, runs a module of these tests inside. `make gpiolab` builds it; tests/faults/gpiolab/gpiolab.py
finds it, and can be run by hand.
"""

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.gpiolab import gpiolab
from tests.faults.gpiolab.gpiolab import find_kernel

ROOT = Path(__file__).resolve().parents[2]
BOOT_S = 240.0
"""Booting and starting everything inside takes some seconds on an idle machine."""


KERNEL = find_kernel()
needs_gpiolab = pytest.mark.skipif(
    KERNEL is None or os.geteuid() != 0,
    reason="the private kernel is not here, or this is not root: type `make gpiolab`, then test as root",
)


def make_card(path: Path, size: str = "512M") -> Path:
    """A disk image with an empty ext4 on it, as an SD card has; takes no space on the host until it is used."""
    subprocess.run(["truncate", "-s", size, str(path)], check=True)
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(path)], check=True, capture_output=True)
    return path


def wait_until_released(card: Path) -> None:
    """A machine whose plug was pulled may hold its card for a moment longer; the next kernel would not get it."""
    with card.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)


class Machine:
    """
    One boot of the private kernel: runs `python -m MODULE ARGUMENTS` with the card on /card and `share` shared.

    Without a card nothing outlives the boot.
    """

    def __init__(self, card: Path | None, share: Path, module: str, *arguments: str, longest_s: float = BOOT_S) -> None:
        assert KERNEL is not None
        share.mkdir(exist_ok=True)
        if card:
            wait_until_released(card)
        self.log = share.with_suffix(".log")
        self._longest_s = longest_s
        lab = [sys.executable, gpiolab.__file__, "--kernel", str(KERNEL), "--timeout", str(longest_s)]
        places = ["--share", str(share), *(["--disk", f"{card}:/card"] if card else [])]
        if ROOT.is_relative_to("/tmp"):  # inside, /tmp is another one
            places += ["--share", str(ROOT)]
        inside = ["--", sys.executable, "-m", module, str(share), *arguments]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*lab, *places, *inside], cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )

    def is_running(self) -> bool:
        """Whether the machine still has power."""
        return self._process.poll() is None

    def cut_power(self) -> None:
        """Pull the plug: what the kernel inside had not written to the card is gone."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(30) == 137, self.output()

    def wait(self) -> int:
        """Until the command inside has ended; its exit status."""
        return self._process.wait(self._longest_s + 30)

    def output(self) -> str:
        """The end of what was printed inside."""
        return self.log.read_text(errors="replace")[-4_000:]
