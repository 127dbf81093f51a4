"""One connection to a recorder, from the client's side: opening it, the two hellos, and lines until silence."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from timing.stream import (
    HEARTBEAT_S,
    MAX_RECORDER_LINE_BYTES,
    PROTOCOL,
    ClientHello,
    RecorderHello,
    Refusal,
    decode_recorder_line,
    encode,
)

SILENCE_S = 3 * HEARTBEAT_S
"""Three missed heartbeats: the link is dead even if no error says so (an SSH tunnel can stay silent for minutes)."""


class LinkLost(Exception):
    """This connection is of no more use; the next one may be."""


@contextlib.asynccontextmanager
async def connection(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect for as long as inside. Raises OSError."""
    async with asyncio.timeout(SILENCE_S):
        reader, writer = await asyncio.open_unix_connection(str(path), limit=MAX_RECORDER_LINE_BYTES)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, after: int | None) -> RecorderHello:
    """
    Say hello and hear the recorder's.

    Raises:
        LinkLost: refused, or what answers is no recorder of this protocol.
    """
    writer.write(encode(ClientHello(protocol=PROTOCOL, after=after)))
    message = decode_recorder_line(await read_line(reader))
    if isinstance(message, Refusal):
        raise LinkLost(f"The recorder refused: {message.message}")
    if not isinstance(message, RecorderHello):
        raise LinkLost("What answers is not a recorder: its first line is no hello.")
    if message.protocol != PROTOCOL:
        raise LinkLost(f"The recorder speaks protocol {message.protocol}, not {PROTOCOL}. Use the same Trackside.")
    return message


async def read_line(reader: asyncio.StreamReader) -> bytes:
    """
    The next whole line.

    Raises:
        LinkLost: silence, the end of the stream, or a line without end.
    """
    try:
        async with asyncio.timeout(SILENCE_S):
            line = await reader.readline()
    except TimeoutError as error:
        raise LinkLost(f"No heartbeat for {SILENCE_S:.0f} s.") from error
    except ValueError as error:
        raise LinkLost("The recorder sent a line that is too long.") from error
    if not line.endswith(b"\n"):  # A torn last line is sent again to the next connection.
        raise LinkLost("The recorder closed the connection.")
    return line
