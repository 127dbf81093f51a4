"""
Knocking at a machine: does an SSH server answer, and is there a car's console? Sends nothing that could sign in.

A connection that is closed again is no failed sign-in, so that fail2ban, which cars have, does not count it.
"""

import asyncio
import ssl

from cars.liveness import Answer

CONSOLE_PORT = 443
CONSOLE_NAME = b"deepracer.io"
"""The name in the certificate of every car's console (reference/car.md, section 3)."""
BANNER = b"SSH-2.0-"
MAX_LINES, MAX_LINE_BYTES = 20, 255
"""What may come before the banner (RFC 4253, 4.2)."""
CONNECT_S = 2.0
"""A first packet lost is sent again after 1 s."""
QUICK_S = 1.0
"""For an address where nothing is known to be: there are many."""
HANDSHAKE_S = 4.0
"""The Atom takes its time for TLS; an sshd that says nothing in this time is none."""


async def knock_ssh(address: str, port: int = 22, within_s: float = CONNECT_S) -> Answer:
    """Whether an SSH server says so."""
    try:
        async with asyncio.timeout(within_s):
            reader, writer = await asyncio.open_connection(address, port, limit=MAX_LINE_BYTES)
    except ConnectionRefusedError:
        return Answer.REFUSED
    except OSError:  # TimeoutError too
        return Answer.SILENT
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            for _ in range(MAX_LINES):
                line = await reader.readline()
                if line.startswith(BANNER):
                    return Answer.SSH
                if not line:
                    break
    except (OSError, ValueError):  # ValueError: a line too long
        pass
    finally:
        writer.transport.abort()
    return Answer.REFUSED


async def knock_console(address: str, port: int = CONSOLE_PORT, within_s: float = CONNECT_S) -> bool:
    """Whether a server there has the certificate of a car's console; which car's, that does not tell."""
    try:
        async with asyncio.timeout(within_s):
            _, first = await asyncio.open_connection(address, port)
        first.transport.abort()
        async with asyncio.timeout(HANDSHAKE_S):
            _, writer = await asyncio.open_connection(address, port, ssl=_context())
    except OSError:
        return False
    try:
        shown: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        certificate = None if shown is None else shown.getpeercert(binary_form=True)
        return CONSOLE_NAME in (certificate or b"")
    finally:
        writer.transport.abort()


def _context() -> ssl.SSLContext:
    """Looks at the certificate and believes nothing of it: it is self-signed, and its dates are the car's clock's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
