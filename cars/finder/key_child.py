"""
`python -m cars.finder.key_child`: a process of its own that reads host keys, for asyncssh takes 20 MB and 0.3 s.

Stdin has lines `{"number": 1, "address": "192.168.1.20", "port": 22}`, stdout the answers as they come,
`{"number": 1, "host_key": "ssh-ed25519 AAAA…" or null}`. Signs in nowhere. Ends with stdin.
"""

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import asyncssh

WITHIN_S = 8.0
"""TCP and handshake: a busy Atom needs 2 s; a first packet lost is sent again after 1 and 3 s."""
AT_ONCE = 8


class KeyWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the parent's."""

    number: int
    address: str
    port: int


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """The answer; None when there is no SSH server, or it shows no key of these kinds."""

    number: int
    host_key: str | None


async def shown_key(address: str, port: int) -> str | None:
    """The host key that the machine signs the handshake with, without its comment."""
    import asyncssh

    from appliance.ssh import HOST_KEYS

    try:
        async with asyncio.timeout(WITHIN_S):
            key = await asyncssh.get_server_host_key(address, port, server_host_key_algs=HOST_KEYS, config=None)
    except (OSError, asyncssh.Error):
        return None
    return None if key is None else _line(key)


def _line(key: "asyncssh.SSHKey") -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


async def main() -> None:
    """Answer until stdin ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    turn = asyncio.Semaphore(AT_ONCE)

    async def answer(wanted: KeyWanted) -> None:
        async with turn:
            key = await shown_key(wanted.address, wanted.port)
        shown = KeyShown(number=wanted.number, host_key=key)
        sys.stdout.write(f"{msgspec.json.encode(shown).decode()}\n")
        sys.stdout.flush()

    tasks = set()
    while line := await reader.readline():
        task = asyncio.create_task(answer(msgspec.json.decode(line, type=KeyWanted)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    for task in tasks:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main())
