"""
Connections over the box's own Unix socket: the kernel says whose process is at the other end, and that is the login.

The peer goes into the scope here and nowhere else, and this protocol is used for that one listener only: no header of a
TCP client can ever put it there. Users are looked up in a thread, because a user directory may be a network away; the
first request waits for it.
"""

import asyncio
import pwd
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import uvicorn

from appliance import unix_people
from appliance.sessions import Viewer
from web.patience import PatientProtocol

LOCAL_PEER: Final = "trackside.local_peer"
"""The key in the scope."""
SO_PEERGROUPS = 59
"""socket(7), asm-generic/socket.h: the peer's supplementary groups when it connected, since Linux 4.13."""
GROUPS_BYTES = 1024
"""As much as Python hands out at once: 256 groups."""
SERVER = ("localhost", 80)
"""For a request without a Host: a path of a file is none, and every reader of the address would stumble over it."""
LOOK_UP_S = 2.0
"""A user whose directory does not answer is let in by number."""
REMEMBERED_S = 5.0


@dataclass(frozen=True, slots=True)
class LocalPeer:
    """The process at the other end; `viewer` is None when its user may use the socket and no more."""

    uid: int
    viewer: Viewer | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """The peer's effective user and its groups, at the moment it connected."""

    uid: int
    groups: frozenset[int]


class Door:
    """Whom the socket lets in: root, `uid`, and the members of `gid`. Lives on one event loop."""

    def __init__(self, uid: int, gid: int | None, look_up: Callable[[int], str] | None = None) -> None:
        self._uid = uid
        self._gid = gid
        self._look_up = look_up or name_of_user
        self._asked: dict[int, tuple[float, asyncio.Future[str]]] = {}

    async def peer(self, seen: Credentials) -> LocalPeer:
        """Who that is."""
        if not self.lets_in(seen):
            return LocalPeer(seen.uid, None)
        actor = unix_people.id_of(await self._name(seen.uid))
        shown = unix_people.shown_name(actor) or actor
        return LocalPeer(seen.uid, Viewer(person_id=actor, username=shown, roles=list(unix_people.ROLES)))

    def lets_in(self, seen: Credentials) -> bool:
        """Whether that user is one of the crew."""
        return seen.uid in (0, self._uid) or (self._gid is not None and self._gid in seen.groups)

    async def _name(self, uid: int) -> str:
        """One question at a time for each user, however many connections ask."""
        asked_s, answer = self._asked.get(uid, (0.0, None))
        if answer is None or (answer.done() and time.monotonic() - asked_s > REMEMBERED_S):
            answer = asyncio.ensure_future(asyncio.to_thread(self._look_up, uid))
            self._asked[uid] = time.monotonic(), answer
        try:
            async with asyncio.timeout(LOOK_UP_S):
                return await asyncio.shield(answer)
        except (TimeoutError, OSError):
            return unix_people.user_name(uid, None)


class LocalProtocol(PatientProtocol):
    """uvicorn's HTTP with the peer in every scope. What is sent before the peer is known waits."""

    def __init__(self, *arguments: Any, door: Door, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._door = door
        self._peer: LocalPeer | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Somebody connected; the kernel says who."""
        super().connection_made(transport)
        self.server = SERVER
        self._asking = asyncio.ensure_future(self._ask(credentials_of(transport.get_extra_info("socket"))))

    def data_received(self, data: bytes) -> None:
        """Some of a request, kept until it is known whose."""
        if self._peer is not None:
            super().data_received(data)
            return
        self._early.append(data)
        self.transport.pause_reading()

    def on_message_begin(self) -> None:
        """A new request of the same peer."""
        super().on_message_begin()
        self.scope[LOCAL_PEER] = self._peer  # type: ignore[typeddict-unknown-key]  # our own

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is left to be known."""
        self._asking.cancel()
        super().connection_lost(exc)

    async def _ask(self, seen: Credentials) -> None:
        self._peer = await self._door.peer(seen)
        early, self._early = self._early, []
        if early and not self.transport.is_closing():
            self.transport.resume_reading()
            self.data_received(b"".join(early))


def credentials_of(sock: Any) -> Credentials:
    """
    The peer of an accepted Unix socket, as the kernel kept it from the moment of its `connect`.

    Args:
        sock: The transport's view of the socket.
    """
    packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    _, uid, gid = struct.unpack("iII", packed)
    try:
        groups = sock.getsockopt(socket.SOL_SOCKET, SO_PEERGROUPS, GROUPS_BYTES)
    except OSError:  # More groups than can be told, or a kernel that does not tell: the first one counts.
        groups = b""
    return Credentials(uid, frozenset({gid, *struct.unpack(f"{len(groups) // 4}I", groups)}))


def name_of_user(uid: int) -> str:
    """The login name of a user; blocks."""
    try:
        return unix_people.user_name(uid, pwd.getpwuid(uid).pw_name)
    except KeyError:
        return unix_people.user_name(uid, None)


def local_peer_of(scope: Mapping[str, Any]) -> LocalPeer | None:
    """The peer of a request that came over the Unix socket, None for every other."""
    peer = scope.get(LOCAL_PEER)
    assert peer is None or isinstance(peer, LocalPeer)  # noqa: S101  set above and nowhere else
    return peer


async def serve_locally(server: uvicorn.Server, listener: socket.socket, door: Door) -> None:
    """Take connections of the Unix socket too; `server` has started, and ends them with its others."""

    def protocol() -> LocalProtocol:
        return LocalProtocol(
            config=server.config, server_state=server.server_state, app_state=server.lifespan.state, door=door
        )

    server.servers.append(await asyncio.get_running_loop().create_unix_server(protocol, sock=listener))
