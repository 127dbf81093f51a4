"""
A word to systemd, for units of `Type=notify` with a watchdog: ready, still well, stopping.

The protocol of sd_notify(3): one datagram to the socket that the environment names. Without one nothing is said.
"""

import contextlib
import os
import socket
from collections.abc import MutableMapping

READY = "READY=1"
WATCHDOG = "WATCHDOG=1"
STOPPING = "STOPPING=1"


class Notifier:
    """Takes `NOTIFY_SOCKET` out of the environment, so that no child speaks in our name."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        address = environment.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def say(self, word: str) -> None:
        """Send it; systemd that does not listen, or not at once, is no reason to stop or to wait."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto(word.encode(), self._address)
