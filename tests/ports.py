"""Ports for servers that a test starts later, and perhaps again."""

import contextlib
import secrets
import socket

QUIET = range(10_000, 30_000)
"""Below the ports that the kernel hands out by itself (32768 and up): nobody is given one of these meanwhile."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody uses, and that no other test picks but by a rare chance."""
    while True:
        port = QUIET[secrets.randbelow(len(QUIET))]
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
