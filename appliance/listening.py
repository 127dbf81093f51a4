"""
The listening socket of the pages: opened once by the supervisor, so that phones wait in its queue instead of being
refused while the server restarts.
"""

import errno
import socket
import time

from appliance.errors import Conflict, NotReady

BACKLOG = 4096
"""Connections that may wait while the server restarts; the kernel caps it at net.core.somaxconn."""
LOST_PEER_MS = 20_000
"""A phone that vanished holds its place no longer than this (the kernel's own limit is 15 minutes)."""
BIND_PATIENCE_S = 1.0
"""A server that was killed a moment ago may still hold the port."""


def listen(host: str, port: int) -> socket.socket:
    """
    Listen, with options that accepted connections inherit.

    Raises:
        Conflict: the port is in use.
        NotReady: the address is not this machine's, or the port needs root.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        for level, option, value in (
            (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
            (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
            (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
            (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, LOST_PEER_MS),
        ):
            sock.setsockopt(level, option, value)
        _bind(sock, host, port)
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, host: str, port: int) -> None:
    gives_up_s = time.monotonic() + BIND_PATIENCE_S
    while True:
        try:
            sock.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > gives_up_s:
                raise _refused(host, port, error) from error
            time.sleep(0.05)
        else:
            return


def _refused(host: str, port: int, error: OSError) -> Conflict | NotReady:
    if error.errno == errno.EADDRINUSE:
        return Conflict(
            f"Port {port} is in use by another program, perhaps another Trackside.",
            f"Stop that one, or choose another port: --port {port + 1 if port < 65_535 else 8080}.",
        )
    if error.errno == errno.EACCES:
        return NotReady(f"Port {port} needs more rights than you have.", "Choose a port from 1024 up: --port 8080.")
    return NotReady(
        f"Cannot listen on {host}: {error.strerror or error}.",
        "Give an address of this machine, or 0.0.0.0 for all of them: --host 0.0.0.0.",
    )
