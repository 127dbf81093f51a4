"""The car's syslog: /dev/log is written to /var/log, and fail2ban's stand-in reads along."""

import re
import socket
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Protocol

FAILED = re.compile(r"Failed (?!publickey)\S+ for .* from (\d+\.\d+\.\d+\.\d+) port")
MAX_RETRY = 5
FIND_TIME_S = 600.0
"""Debian's jail.conf: five failures in ten minutes."""


class Ban(Protocol):
    """Who bans."""

    machine: object

    def ban(self, address: str) -> None: ...


class SystemLog:
    """Reads /dev/log for as long as the car is there."""

    def __init__(self, ground: Ban) -> None:
        self._ground = ground
        self._failures: dict[str, list[float]] = defaultdict(list)
        Path("/var/log/auth.log").write_text("")
        Path("/var/log/syslog").write_text("")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("/dev/log")
        Path("/dev/log").chmod(0o666)
        threading.Thread(target=self._read, daemon=True, name="syslog").start()

    def _read(self) -> None:
        with open("/var/log/auth.log", "a", buffering=1) as auth, open("/var/log/syslog", "a", buffering=1) as rest:
            while True:
                text = self._socket.recv(65_536).decode(errors="replace").rstrip("\0\n")
                number = text[1 : text.index(">")] if text.startswith("<") else "14"
                line = text[len(number) + 2 :]
                (auth if int(number) >> 3 in {4, 10} else rest).write(f"{line}\n")
                self._count(line)

    def _count(self, line: str) -> None:
        match = FAILED.search(line)
        if match is None or not self._watches():
            return
        now = time.monotonic()
        failures = self._failures[match[1]]
        failures[:] = [moment for moment in failures if now - moment < FIND_TIME_S] + [now]
        if len(failures) >= MAX_RETRY:
            failures.clear()
            self._ground.ban(match[1])

    def _watches(self) -> bool:
        unit = getattr(self._ground.machine, "units", {}).get("fail2ban")
        return unit is not None and unit.is_active
