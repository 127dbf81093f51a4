"""
Recorders on other machines, reached over SSH: which there are, adding and pairing them, and the ways to them kept open.

Owns the rows, the box's key and the directory of the sockets. Following what a recorder sends is timing/intake.py's.
Event loop only. asyncssh is imported when there is a recorder to reach, never before.
"""

import asyncio
import contextlib
import importlib
import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from appliance.clock import mono_ns, now_iso
from appliance.database import Database
from appliance.errors import Conflict, InvalidInput, NotFound, NotReady
from appliance.facts import Facts
from appliance.host_keys import fingerprint
from appliance.ids import new_id
from timing.facts import RemotesChanged
from timing.remote_link import Tunnel
from timing.remote_schema import LOAD, RemoteRow, delete, row_of, save
from timing.remote_structs import (
    MAX_SOCKET_BYTES,
    NewRemote,
    RemoteLink,
    SocketSeen,
    checked,
)
from timing.stream import RecorderHello
from timing.stream_link import LinkLost, connection, greet

if TYPE_CHECKING:
    import asyncssh

__all__ = ["NewRemote", "RemoteLink", "RemoteRecorders", "SocketSeen", "Tested"]

DIRECTORY = "remote"
TRY_S = 12.0
"""A try to connect, with all its timeouts, is over by then."""

log = logging.getLogger(__name__)


class Tested(Struct, frozen=True, kw_only=True):
    """A recorder answered after `answer_ms`, through the whole way that its edges take."""

    hello: RecorderHello
    answer_ms: int


class RemoteRecorders:
    """All of them. `await load()`, `start()`, and `await stop()` at the end."""

    def __init__(self, db: Database, facts: Facts, data_dir: Path) -> None:
        self._db = db
        self._facts = facts
        self._data_dir = data_dir
        self._tunnels: dict[str, Tunnel] = {}
        self._numbers = itertools.count(1)
        self._paths: dict[str, Path] = {}
        self._sockets: Path | None = None
        self._key: asyncssh.SSHKey | None = None
        self._key_lock = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._started = False

    async def load(self) -> None:
        """Read the rows from the database."""
        for record in await self._db.fetch_all(LOAD):
            await self._put(row_of(record))

    def start(self) -> None:
        """Begin to open the ways; does not wait for any."""
        self._started = True
        for tunnel in self._tunnels.values():
            tunnel.start()

    async def stop(self) -> None:
        """Close every way."""
        self._started = False
        await asyncio.gather(*(tunnel.stop() for tunnel in self._tunnels.values()))
        if self._sockets is not None:
            await asyncio.to_thread(shutil.rmtree, self._sockets, ignore_errors=True)
            self._sockets = None

    # reads: plain and quick, from memory

    def links(self) -> list[RemoteLink]:
        """The ways as they are now, in the order in which they were added."""
        return [tunnel.link() for tunnel in self._tunnels.values()]

    def link(self, remote_id: str) -> RemoteLink:
        """One of them. Raises NotFound."""
        return self._tunnel(remote_id).link()

    async def authorized_line(self, remote_id: str) -> str:
        """The line for authorized_keys over there that lets this box in, to this recorder and nothing else."""
        key = await self._load_key()
        from timing.remote_pairing import authorized_line

        return authorized_line(key, self._tunnel(remote_id).row.remote_socket)

    # changes

    async def add(self, new: NewRemote, actor: str) -> RemoteLink:
        """
        Add a recorder; it is looked for at once, and must be paired before anything is read from it.

        Raises:
            InvalidInput: a field is wrong, or there is such a recorder already.
        """
        new, now = checked(new), now_iso()
        row = RemoteRow(
            remote_id=new_id(),
            name=new.name,
            host=new.host,
            port=new.port,
            username=new.username,
            remote_socket=new.remote_socket,
            host_key=None,
            added_at=now,
            changed_at=now,
            actor=actor,
        )
        await self._finished(self._saved(row))
        return self.link(row.remote_id)

    async def change(self, remote_id: str, new: NewRemote, actor: str) -> RemoteLink:
        """Another name or place; the host key stays known, wherever the machine is. Raises as `add`, and NotFound."""
        changes = msgspec.structs.asdict(checked(new))
        await self._finished(self._altered(remote_id, actor, changes))
        return self.link(remote_id)

    async def remove(self, remote_id: str) -> None:
        """Stop following it. Everything it has recorded stays. Raises NotFound."""
        await self._finished(self._removed(remote_id))

    async def trust(self, remote_id: str, seen: str, actor: str) -> RemoteLink:
        """
        From now on, this machine is the one that shows the host key with the fingerprint `seen`.

        Raises:
            Conflict: that is not what it shows.
            NotReady: it does not answer.
        """
        pin = await self._host_key(remote_id, seen)
        await self._finished(self._altered(remote_id, actor, {"host_key": pin}))
        return self.link(remote_id)

    async def pair(self, remote_id: str, password: str, actor: str, seen: str | None = None) -> SocketSeen:
        """
        Install the box's key with the user's password, used this once and kept nowhere; then sign in with the key.

        Args:
            seen: Fingerprint of the host key that a person agreed to. Without it the known one must be shown, or,
                where none is known, what is shown now is believed.

        Returns:
            What the user finds at the recorder's socket.

        Raises:
            Conflict: it shows another host key than the person agreed to; the password was not sent.
            InvalidInput: the password is wrong.
            NotReady: it cannot be reached, or the key could not be installed.
        """
        if not password:
            raise InvalidInput("Type the password.", "It is used once and kept nowhere.", field="password")
        key, row = await self._load_key(), self._tunnel(remote_id).row
        from timing import remote_pairing

        pin = await self._host_key(remote_id, seen)
        found = await remote_pairing.pair(row, pin, key, password)
        await self._finished(self._altered(remote_id, actor, {"host_key": pin}))
        return found

    async def test(self, remote_id: str) -> Tested:
        """
        Go the way that its edges take, to the recorder's hello and back.

        Raises:
            NotReady: it cannot be reached, or no recorder answers; says what to do.
        """
        tunnel = self._tunnel(remote_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TRY_S):
                await tunnel.try_now()
        before_ns = mono_ns()
        try:
            async with connection(tunnel.link().socket_path) as (reader, writer):
                hello = await greet(reader, writer, None)
        except (OSError, LinkLost) as error:
            problem = tunnel.link().problem or str(error)
            raise NotReady(problem, "Then test it again.") from error
        return Tested(hello=hello, answer_ms=(mono_ns() - before_ns) // 1_000_000)

    # what the changes are made of

    def _tunnel(self, remote_id: str) -> Tunnel:
        try:
            return self._tunnels[remote_id]
        except KeyError:
            raise NotFound("This recorder is no longer here.", "Look at the list of recorders.") from None

    async def _finished(self, change: Coroutine[Any, Any, None]) -> None:
        """A caller who goes away cannot cut a change between the disk and the memory."""
        await asyncio.shield(asyncio.create_task(self._in_turn(change)))

    async def _in_turn(self, change: Coroutine[Any, Any, None]) -> None:
        async with self._changing:
            await change
        self._tell()

    async def _saved(self, row: RemoteRow) -> None:
        self._refuse_twins(row)
        await self._db.write(lambda database: save(database, row))
        await self._put(row)
        log.info("recorder_link_saved remote_id=%s is_paired=%s", row.remote_id, row.host_key is not None)

    async def _altered(self, remote_id: str, actor: str, changes: dict[str, Any]) -> None:
        await self._saved(replace(self._tunnel(remote_id).row, **changes, changed_at=now_iso(), actor=actor))

    async def _removed(self, remote_id: str) -> None:
        tunnel = self._tunnel(remote_id)
        await self._db.write(lambda database: delete(database, remote_id))
        del self._tunnels[remote_id], self._paths[remote_id]
        await tunnel.stop()
        log.info("recorder_link_removed remote_id=%s", remote_id)

    async def _put(self, row: RemoteRow) -> None:
        """A new tunnel for this row, at the same local socket as before."""
        if row.remote_id not in self._paths:
            self._paths[row.remote_id] = await self._socket_directory() / f"r-{next(self._numbers)}.sock"
        before = self._tunnels.get(row.remote_id)
        if before is not None:
            await before.stop()
        tunnel = Tunnel(row, self._paths[row.remote_id], self._load_key, self._tell)
        tunnel.seen_host_key = None if before is None else before.seen_host_key
        self._tunnels[row.remote_id] = tunnel
        if self._started:
            tunnel.start()

    def _refuse_twins(self, row: RemoteRow) -> None:
        for other in (tunnel.row for tunnel in self._tunnels.values() if tunnel.row.remote_id != row.remote_id):
            if other.name.casefold() == row.name.casefold():
                raise InvalidInput(
                    f"There is a recorder called {other.name} already.", "Choose another name.", field="name"
                )
            if _place(other) == _place(row):
                raise InvalidInput(f"That is the recorder {other.name}.", "Change that one instead.", field="host")

    async def _host_key(self, remote_id: str, agreed: str | None) -> str:
        """The host key to insist on; where a person agreed to a fingerprint, the key that has it."""
        tunnel = self._tunnel(remote_id)
        if agreed is None and tunnel.row.host_key is not None:
            return tunnel.row.host_key
        await self._load_key()
        from timing.remote_ssh import host_key_of

        shown = await host_key_of(tunnel.row)
        tunnel.seen_host_key = shown
        if agreed is not None and fingerprint(shown) != agreed:
            raise Conflict(
                f"{tunnel.row.host} shows the host key {fingerprint(shown)} now, not the one you agreed to.",
                "Compare it with the one on the machine itself, then decide again.",
            )
        return shown

    async def _load_key(self) -> "asyncssh.SSHKey":
        """The box's key; the first call imports asyncssh and may make the key."""
        async with self._key_lock:
            if self._key is None:
                await asyncio.to_thread(importlib.import_module, "timing.remote_pairing")
                from appliance.ssh import load_key

                self._key = await asyncio.to_thread(load_key, self._data_dir)
        return self._key

    async def _socket_directory(self) -> Path:
        if self._sockets is None:
            self._sockets = await asyncio.to_thread(_make_directory, self._data_dir)
        return self._sockets

    def _tell(self) -> None:
        self._facts.publish(RemotesChanged())


def _place(row: RemoteRow) -> tuple[str, int, str]:
    return row.host.casefold(), row.port, row.remote_socket


def _make_directory(data_dir: Path) -> Path:
    """
    A directory closed to others, with a path short enough for sockets in it. Blocks: for a thread.

    Raises:
        NotReady: it cannot be made.
    """
    directory = data_dir / DIRECTORY
    try:
        if len(os.fsencode(directory.absolute() / "r-9999.sock")) > MAX_SOCKET_BYTES:
            return Path(tempfile.mkdtemp(prefix="trackside-"))  # made with mode 0700
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
    except OSError as error:
        raise NotReady(
            f"Cannot make {directory}: {error.strerror}.", "Check that it belongs to you and that the disk is not full."
        ) from error
    return directory
